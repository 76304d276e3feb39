"""The same service where it must know at every call whether the task goes on: it asks, with a credential of its own.

TIERGATE=http://localhost:8000 TENANT=globex CREDENTIAL=tgk_… granian --interface asgi docs/examples/tokens/asgi.py:app
"""

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from tiergate.guard import CLAIMS, AsgiApp, AsgiScope, Guard
from tiergate.tokens import Wanted


def application(guard: Guard) -> AsgiApp:
    """Put the one door behind a guard."""

    @guard.asgi(Wanted(tenant=os.environ.get("TENANT", "globex"), scope="exports"))
    async def exports(
        scope: AsgiScope, _receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        body = json.dumps({"exported_by": scope[CLAIMS].sub}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return exports


if "TIERGATE" in os.environ:
    app = application(
        Guard(
            issuer=os.environ["TIERGATE"],
            audience="https://exports.example",
            credential=os.environ["CREDENTIAL"],
        )
    )
