"""The API's front: who calls, was this call made before, does it fail, and what does it answer?"""

import hashlib

from config.fake_stripe.account import Account, Kept
from config.fake_stripe.faults import Fate, Faults
from config.fake_stripe.http_server import Answer, Request
from config.fake_stripe.lists import expanded
from config.fake_stripe.routing import answer_to
from config.fake_stripe.wire import VERSION, Obj, Params, Refusal, decode_form, encode

_KEY_KEPT_SECONDS = 24 * 3600
# Stripe keeps an answer once it has begun to act on a call; these it gives before.
_NOT_KEPT = {400, 401, 404, 409, 429}


class Api:
    """Answers ``/v1`` and ``/v2``. key: the one secret key that is let in."""

    def __init__(self, account: Account, *, key: str) -> None:
        self._account = account
        self._key = key
        self.calls = 0

    def answer(self, request: Request, fate: Fate, faults: Faults) -> Answer:
        """Answer a call; whatever it does, it does whole and alone."""
        account = self._account
        with account.lock:
            self.calls += 1
            name = account.new_id("req_")
            before, after = fate.of_call(faults)
            try:
                self._let_in(request)
                if before:
                    raise _broken()
                status, body, headers = self._once(request, name)
                if after:
                    raise _broken()
            except Refusal as refusal:
                status, body, headers = refusal.status, refusal.body(), {}
        told = {
            "Content-Type": "application/json",
            "Request-Id": name,
            "Stripe-Version": VERSION,
            **headers,
        }
        if key := request.headers.get("idempotency-key"):
            told["Idempotency-Key"] = key
        return Answer(status, body, told)

    def _let_in(self, request: Request) -> None:
        """Look at the key and the version.

        :raises Refusal: the key is not ours, or the version is another.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refusal("You did not provide an API key.", status=401)
        if key != self._key:
            raise Refusal(f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}", status=401, code="api_key_invalid")
        version = request.headers.get("stripe-version", VERSION)
        if version != VERSION:
            raise Refusal(f"Invalid Stripe API version: {version}; the fake speaks {VERSION} alone.")

    def _once(self, request: Request, name: str) -> tuple[int, bytes, dict[str, str]]:
        """Do a call, or answer again what was answered under its idempotency key."""
        account = self._account
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        account.request = {"id": name, "idempotency_key": key}
        try:
            if key is None:
                return self._do(request)
            digest = hashlib.sha256(request.body).hexdigest()
            kept = account.kept.get(key)
            if kept is not None and account.now() - kept.at < _KEY_KEPT_SECONDS:
                _refuse_other(kept, request.path, digest, key)
                return (
                    kept.status,
                    kept.body.encode(),
                    {"Idempotent-Replayed": "true", "Original-Request": kept.request},
                )
            status, body, headers = self._do(request)
            if status not in _NOT_KEPT:
                account.kept[key] = Kept(request.path, digest, status, body.decode(), name, account.now())
            return status, body, headers
        finally:
            account.request = {"id": None, "idempotency_key": None}

    def _do(self, request: Request) -> tuple[int, bytes, dict[str, str]]:
        try:
            text = request.body.decode(errors="replace") if request.method == "POST" else request.query
            params = Params(decode_form(text))
            answer: Obj = answer_to(self._account, request.method, request.path, params)
            return 200, encode(expanded(self._account, answer, params.words("expand"))), {}
        except Refusal as refusal:
            return refusal.status, refusal.body(), {}


def _refuse_other(kept: Kept, address: str, digest: str, key: str) -> None:
    """Let a key stand for one call only.

    :raises Refusal: it stood for another.
    """
    if kept.address != address:
        raise Refusal(
            f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{address}' vs '{kept.address}'). Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            kind="idempotency_error",
        )
    if kept.call != digest:
        raise Refusal(
            f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )


def _broken() -> Refusal:
    return Refusal("An unknown error occurred.", status=500, kind="api_error")
