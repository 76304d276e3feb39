"""Asking as a product's API does: over HTTP, with a service credential."""

import json
from typing import Any

from django.test import Client

from audit import api as audit


def body(
    action: str = "reports.read",
    *,
    subject: str = "alice",
    resource: tuple[str, str] = ("report", "1"),
    properties: dict[str, Any] | None = None,
    **context: Any,
) -> dict[str, Any]:
    """Write an access evaluation request."""
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": resource[0], "id": resource[1], "properties": properties or {}},
        "context": context,
    }


def ask(
    client: Client,
    key: str,
    document: Any,
    *,
    path: str = "/access/v1/evaluation",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Any:
    """Post a request and read the answer, which must have the status expected."""
    response = client.post(
        path, document, content_type="application/json", headers={"Authorization": f"Bearer {key}"} | (headers or {})
    )
    assert response.status_code == status, (response.status_code, response.content)
    return response.json()


def export(**context: Any) -> dict[str, Any]:
    """Ask to make a regulated export."""
    return body("exports.create", resource=("export", "customers"), **context)


def payment(amount: int, payee: str = "ACME Ltd", **context: Any) -> dict[str, Any]:
    """Ask to approve a payment."""
    properties = {"amount": amount, "payee": payee}
    return body("payments.approve", resource=("payment", "7"), properties=properties, **context)


def step_up(client: Client, key: str, answer: Any, code: str) -> Any:
    """Pass the challenge of a refusal by relaying a code, and give the answer to it."""
    opened = ask(
        client,
        key,
        {"decision_id": answer["context"]["challenge"]["decision_id"]},
        path="/step-up/challenges",
        status=201,
    )
    return ask(
        client,
        key,
        {"method": "totp", "code": code},
        path=f"/step-up/challenges/{opened['challenge_id']}/verify",
    )


def store_routine_records() -> None:
    """Do what the worker does every second: store the routine decisions that were answered so far."""
    assert audit.flush_stream()
    audit.drain()


def encoded(document: dict[str, Any]) -> bytes:
    """Write a request as its bytes."""
    return json.dumps(document).encode()
