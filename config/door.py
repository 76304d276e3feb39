"""The short way in for decisions: answered before Django's handler, whose cost is more than theirs.

Everything else falls through. Since no middleware runs here, this enforces what they would: the host, the method,
the size, and the headers that every answer carries. Django's own views for the same addresses answer the same
bytes; whatever is unusual in a request is left to them.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, cast

from django.conf import settings
from django.db import connections
from django.http.request import split_domain_port, validate_host
from django.utils.csp import build_policy

from decisions import wire
from isolation.clock import now

type Environ = dict[str, Any]
type StartResponse = Callable[[str, list[tuple[str, str]]], object]
"""What a WSGI server hands over (PEP 3333)."""
type App = Callable[[Environ, Any], Iterable[Any]]

_PATH: Final = re.compile(r"(?:/t/([-a-zA-Z0-9_]+))?/access/v1/(evaluations?)")
_ANSWERED: Final = {"evaluation": wire.evaluate_bytes, "evaluations": wire.evaluations_bytes}
_LONGEST_HOST: Final = 255 + len(":65535")
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

# What a process that only decides answers besides.
_DECIDES: Final = re.compile(
    r"/livez|/readyz|/metrics|/\.well-known/authzen-configuration(?:/.*)?"
    r"|(?:/t/[-a-zA-Z0-9_]+)?/access/v1/(?:evaluations?|elevations/[-a-zA-Z0-9_]+/consume)"
)
_NOT_HERE: Final = (
    b'{"type":"about:blank","title":"Not Found","status":404,"detail":"This server only decides.","code":"not_found"}'
)


class Door:
    """Answers questions for decisions, and hands everything else on."""

    def __init__(self, site: App) -> None:
        self.site = site
        self._decides_only = settings.PROCESS == "decide"
        self._headers = _constant_headers()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or hand it on."""
        path = environ.get("PATH_INFO", "")
        match = (
            _PATH.fullmatch(path) if environ["REQUEST_METHOD"] == "POST" and not environ.get("SCRIPT_NAME") else None
        )
        if match is None or not _is_ours(environ.get("HTTP_HOST", "")):
            if self._decides_only and _DECIDES.fullmatch(path) is None:
                return self._answer(
                    environ, start_response, 404, {"Content-Type": "application/problem+json"}, _NOT_HERE
                )
            return self.site(environ, start_response)
        asked = wire.Asked(
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
            content_type=environ.get("CONTENT_TYPE", ""),
            request_id=environ.get("HTTP_X_REQUEST_ID", ""),
            body=_body(environ),
            tenant_ref=match[1],
        )
        answered = _ANSWERED[match[2]](asked, at=now())
        _give_back_connections()
        return self._answer(environ, start_response, *answered)

    def _answer(
        self, environ: Environ, start_response: StartResponse, status: int, headers: dict[str, str], body: bytes
    ) -> Iterable[bytes]:
        constant = self._headers[_is_secure(environ)]
        start_response(_STATUS[status], [*headers.items(), ("Content-Length", str(len(body))), *constant])
        # A list, of one part, granian sends at once; anything else it sends as a stream.
        return [body]


def _body(environ: Environ) -> bytes:
    """Read as much of the body as is ever looked at; without a length there is none, as for Django."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return environ["wsgi.input"].read(min(length, wire.MAX_BODY + 1)) if length > 0 else b""
    except (ValueError, OSError):
        return b""


def _give_back_connections() -> None:
    """Give back what this thread took from the pool: it may next wait for a body that never ends."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        if connection.in_atomic_block:
            # It was left open, which is a mistake of ours: closed by the driver, no pool gives it out again.
            connection.connection.close()
            del connections[connection.alias]
        connection.close()


def _is_ours(host: str) -> bool:
    # Strangers choose what it says: what no host can be called is not remembered.
    return len(host) <= _LONGEST_HOST and _is_known(host)


@lru_cache(maxsize=256)
def _is_known(host: str) -> bool:
    # Behind a proxy that names the host elsewhere, or of an odd shape, Django says what is right.
    name, _port = split_domain_port(host)
    return bool(name) and not settings.USE_X_FORWARDED_HOST and validate_host(name, settings.ALLOWED_HOSTS)


def _is_secure(environ: Environ) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        said = environ.get(name)
        if said is not None:
            return bool(said.partition(",")[0].strip() == secure)
    return bool(environ.get("wsgi.url_scheme") == "https")


def _constant_headers() -> dict[bool, list[tuple[str, str]]]:
    """Write what Django's middleware adds to every answer, by whether it came over https."""
    plain = [
        ("X-Frame-Options", settings.X_FRAME_OPTIONS),
        ("Content-Security-Policy", build_policy(cast("Any", settings.SECURE_CSP))),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
        ("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
    ]
    hsts = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        hsts += "; includeSubDomains"
    secure = [*plain, ("Strict-Transport-Security", hsts)] if settings.SECURE_HSTS_SECONDS else plain
    return {False: plain, True: secure}
