"""What another service puts before its own doors, so that nobody enters them without a token that is good there.

It fetches the issuer's public keys, and keeps them. A token that is signed by one of them is believed for its few
minutes; where that is too long, a guard with a credential asks whether the task has ended, at every call. Whatever
cannot be told is no.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from tiergate.errors import ErrorKind, TiergateError
from tiergate.tokens import Claims, ProofLacking, ScopeLacking, TokenRefused, Wanted, check, key_id_of, read_token

CLAIMS = "tiergate.claims"
"""Under what name a guarded application finds what the token says, in its ``environ`` or ``scope``."""

TIMEOUT = 3.0
"""Seconds that the issuer is waited for."""

FRESH_SECONDS = 300.0
"""How long fetched keys are kept without asking again."""

STALE_SECONDS = 900.0
"""How long they are kept where asking again fails. After that nothing is believed."""

UNKNOWN_SECONDS = 10.0
"""How often a key that is not known may make us ask again: whoever invents names must not have us ask for each."""

MAX_ANSWER = 64 * 1024

type Environ = dict[str, Any]
type StartResponse = Callable[[str, list[tuple[str, str]]], Any]
type WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]
type AsgiScope = dict[str, Any]
type AsgiApp = Callable[[AsgiScope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
type Fetch = Callable[[Request], bytes]


class TokenMissing(TiergateError):
    """The call shows no token (RFC 6750 section 3: it is told nothing more)."""

    code = "token_missing"
    kind = ErrorKind.UNAUTHENTICATED


class IssuerUnavailable(TiergateError):
    """The issuer's keys, or its word, cannot be had just now."""

    code = "issuer_unavailable"
    kind = ErrorKind.UNAVAILABLE


class _NoRedirects(HTTPRedirectHandler):
    """A credential is shown to the issuer, and to nobody whom somebody there points at."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        return None


def _opener() -> OpenerDirector:
    return build_opener(_NoRedirects)


def fetch(request: Request) -> bytes:
    """Ask the issuer, and return what it answers with 200.

    :raises OSError: it does not answer, or with something else.
    """
    with _opener().open(request, timeout=TIMEOUT) as answer:
        found: bytes = answer.read(MAX_ANSWER + 1)
    if len(found) > MAX_ANSWER:
        raise OSError("The issuer's answer is too long.")
    return found


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Guard:
    """Checks the tokens that one service is shown.

    issuer: the address of the Tiergate that is believed, as its tokens name it; https but on one's own machine.
    audience: this service's own name, as those who take tokens for it name it.
    credential: a service credential with ``tokens.introspect`` for this audience: each token is asked about too.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        credential: str = "",
        fetch: Fetch = fetch,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        is_local = issuer.startswith(("http://localhost:", "http://127.0.0.1:", "http://[::1]:"))
        if not (issuer.startswith("https://") or is_local) or not audience:
            raise ValueError("A guard needs its issuer's https address, and its own name.")
        self._issuer = issuer.rstrip("/")
        self._audience = audience
        self._credential = credential
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._keys: Mapping[str, Mapping[str, Any]] = {}
        self._fetched_at = self._asked_at = float("-inf")

    def check(self, authorization: str | None, wanted: Wanted) -> Claims:
        """Check what a call shows, and return what its token says.

        authorization: the header as it came.
        :raises TokenMissing: there is none.
        :raises TokenRefused: it is none of the issuer's for this service, or is over, or its task has ended.
        :raises ScopeLacking: it is for something else.
        :raises ProofLacking: more must be shown, or anew.
        :raises IssuerUnavailable: it cannot be told just now.
        """
        token = _bearer(authorization)
        at = self._now()
        keys = self._keys_for(key_id_of(token))
        claims = read_token(token, keys=keys, issuer=self._issuer, audience=self._audience, at=at)
        check(claims, wanted, at=at)
        if self._credential:
            self._ask(token, claims)
        return claims

    def wsgi(self, wanted: Wanted | Callable[[Environ], Wanted]) -> Callable[[WsgiApp], WsgiApp]:
        """Let a call into a WSGI application only with a token that is good for it.

        wanted: what the call asks, or how to tell from the call.
        """

        def guarding(app: WsgiApp) -> WsgiApp:
            @wraps(app)
            def guarded(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
                try:
                    asked = wanted if isinstance(wanted, Wanted) else wanted(environ)
                    claims = self.check(environ.get("HTTP_AUTHORIZATION"), asked)
                except TiergateError as error:
                    status, headers, body = refusal(error, realm=self._audience)
                    start_response(f"{status} {_PHRASES[status]}", headers)
                    return [body]
                return app({**environ, CLAIMS: claims}, start_response)

            return guarded

        return guarding

    def asgi(self, wanted: Wanted | Callable[[AsgiScope], Wanted]) -> Callable[[AsgiApp], AsgiApp]:
        """Let a call into an ASGI application only with a token that is good for it; what is no HTTP call, never.

        wanted: what the call asks, or how to tell from its scope.
        """

        def guarding(app: AsgiApp) -> AsgiApp:
            @wraps(app)
            async def guarded(
                scope: AsgiScope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
            ) -> None:
                if scope["type"] == "lifespan":
                    await app(scope, receive, send)
                    return
                if scope["type"] != "http":
                    raise TokenMissing("Only HTTP calls can show a token here.")
                shown = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
                try:
                    asked = wanted if isinstance(wanted, Wanted) else wanted(scope)
                    header = shown[0] if len(shown) == 1 else None
                    # Keys may have to be fetched, which must not hold up other calls.
                    claims = await asyncio.to_thread(self.check, header, asked)
                except TiergateError as error:
                    status, headers, body = refusal(error, realm=self._audience)
                    written = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
                    await send({"type": "http.response.start", "status": status, "headers": written})
                    await send({"type": "http.response.body", "body": body})
                    return
                await app({**scope, CLAIMS: claims}, receive, send)

            return guarded

        return guarding

    def _keys_for(self, kid: str) -> Mapping[str, Mapping[str, Any]]:
        with self._lock:
            at = time.monotonic()
            is_due = at - self._fetched_at >= FRESH_SECONDS or kid not in self._keys
            if is_due and at - self._asked_at >= UNKNOWN_SECONDS:
                self._asked_at = at
                self._fetch_keys(at)
            if at - self._fetched_at >= STALE_SECONDS:
                raise IssuerUnavailable("The issuer's keys cannot be had just now.", retry_after=1)
            return self._keys

    def _fetch_keys(self, at: float) -> None:
        try:
            request = Request(f"{self._issuer}/.well-known/jwks.json")  # noqa: S310 - looked at when it was made
            found = json.loads(self._fetch(request))
            self._keys = {one["kid"]: one for one in found["keys"]}
            self._fetched_at = at
        except (OSError, URLError, ValueError, KeyError, TypeError, RecursionError):
            # What is known is good for a while yet; who asks next tries again.
            return

    def _ask(self, token: str, claims: Claims) -> None:
        """Ask the issuer whether the token's task goes on (RFC 7662)."""
        request = Request(  # noqa: S310 - as above
            f"{self._issuer}/oauth/introspect",
            data=urlencode({"token": token}).encode(),
            headers={"Authorization": f"Bearer {self._credential}", "Accept": "application/json"},
        )
        try:
            told = json.loads(self._fetch(request))
        except (OSError, URLError, ValueError, RecursionError) as error:
            raise IssuerUnavailable("Whether the token is good cannot be told just now.", retry_after=1) from error
        if not isinstance(told, dict) or told.get("active") is not True or told.get("jti") != claims.jti:
            raise TokenRefused("The token's task has ended.")


_STATUSES = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.UNAVAILABLE: 503,
}
_PHRASES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable"}


def refusal(error: TiergateError, *, realm: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Write a refusal as status, headers and body: RFC 6750 section 3, and RFC 9470 where more must be shown.

    realm: the service's own name.
    """
    status = _STATUSES.get(error.kind, 403)
    body = json.dumps({"status": status, "code": error.code, "detail": error.detail}).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if isinstance(error, IssuerUnavailable):
        headers.append(("Retry-After", "1"))
    elif isinstance(error, TokenMissing | TokenRefused | ScopeLacking | ProofLacking):
        told = {"realm": realm}
        if not isinstance(error, TokenMissing):
            told |= {"error": error.code, "error_description": error.detail}
            told |= {name: str(value) for name, value in error.extra.items()}
        headers.append(("WWW-Authenticate", "Bearer " + ", ".join(f'{name}="{_quoted(told[name])}"' for name in told)))
    return status, headers, body


def _quoted(text: str) -> str:
    return "".join(one for one in text if " " <= one <= "~").replace("\\", "\\\\").replace('"', '\\"')


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing("Show a token.")
    return token
