"""A service that exports and pays, and believes nothing but a token: any WSGI server runs it.

TIERGATE=http://localhost:8000 TENANT=globex python docs/examples/tokens/wsgi.py
"""

import io
import json
import os
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import make_server

from tiergate.errors import ErrorKind, TiergateError
from tiergate.guard import CLAIMS, Environ, Guard, StartResponse, WsgiApp
from tiergate.tokens import Wanted

MAX_BODY = 64 * 1024
# Whose people are served; another tenant's may be called just the same.
TENANT = os.environ.get("TENANT", "globex")


class BodyRefused(TiergateError):
    """The payment cannot be read."""

    code = "body_refused"
    kind = ErrorKind.INVALID


def the_payment(environ: Environ) -> Wanted:
    """Say what a payment asks of a token: the very amount and payee that its person has seen and confirmed."""
    length = environ.get("CONTENT_LENGTH") or "0"
    body = environ["wsgi.input"].read(min(int(length), MAX_BODY)) if length.isascii() and length.isdigit() else b""
    environ["wsgi.input"] = io.BytesIO(body)
    try:
        asked = json.loads(body)
        properties = {f"resource.properties.{name}": asked[name] for name in ("amount", "payee")}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BodyRefused("Send an amount and a payee.") from None
    return Wanted(
        tenant=TENANT, scope="payments", resource=f"payment/{environ['PATH_INFO'].rpartition('/')[2]}", bound=properties
    )


def application(guard: Guard) -> WsgiApp:
    """Put both doors behind a guard."""

    @guard.wsgi(
        Wanted(tenant=TENANT, scope="exports", acr=("urn:tiergate:acr:aal2", "urn:tiergate:acr:aal3"), max_age=300)
    )
    def exports(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return answer(start_response, {"exported_by": environ[CLAIMS].sub})

    @guard.wsgi(the_payment)
    def payments(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # A token for one payment is good for one: keep its `jti` until its `exp`, and pay once.
        return answer(start_response, {"paid": json.loads(environ["wsgi.input"].read())["amount"]})

    def choose(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        doors = {"exports": exports, "payments": payments}
        door = doors.get(environ["PATH_INFO"].split("/")[1])
        if door is None:
            return answer(start_response, {"detail": "There is nothing here."}, status="404 Not Found")
        return door(environ, start_response)

    return choose


def answer(start_response: StartResponse, body: dict[str, Any], *, status: str = "200 OK") -> Iterable[bytes]:
    """Write an answer."""
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


if __name__ == "__main__":
    guard = Guard(issuer=os.environ["TIERGATE"], audience="https://exports.example")
    with make_server("localhost", 8080, application(guard)) as server:
        server.serve_forever()
