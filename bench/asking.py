"""One question over HTTP, and the one word that its answer comes down to."""

import http.client
import json
from typing import Any

from bench.questions import Prepared
from config.demo.ports import HOST

_TIMEOUT_SECONDS = 10


def ask(port: int, path: str, prepared: Prepared) -> str:
    """Return our outcome, Cerbos's effect, or what is the matter."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    headers = {"Content-Type": "application/json", "Host": "localhost"}
    if prepared.authorization:
        headers["Authorization"] = prepared.authorization
    try:
        connection.request("POST", path, body=prepared.body, headers=headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    finally:
        connection.close()
    if response.status != http.client.OK:
        return f"status {response.status}: {body[:500].decode(errors='replace')}"
    return _word(json.loads(body))


def _word(document: dict[str, Any]) -> str:
    if "results" in document:
        (result,) = document["results"]
        (effect,) = result["actions"].values()
        return str(effect)
    outcome = str(document["context"]["outcome"])
    # Act on `decision` alone is what callers are told: the two must say the same.
    return (
        outcome if document["decision"] is (outcome == "allow") else f"{outcome}, but decision {document['decision']}"
    )
