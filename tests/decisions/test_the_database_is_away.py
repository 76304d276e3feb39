"""Without its database the answer is "not now", for programs and people, and never an allow."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.decisions.asking import body
from tests.decisions.conftest import World


@pytest.fixture
def away() -> Iterator[None]:
    """Cut the connection's every statement, as a server that is gone does."""

    def refuse(*_args: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/access/v1/evaluation"),
        ("post", "/access/v1/evaluations"),
        ("get", "/v1/me"),
        ("get", "/v1/tenants/acme"),
        ("post", "/step-up/challenges"),
        ("post", "/t/acme/sessions"),
    ],
)
@pytest.mark.parametrize("kind", ["known", "unknown"])
def test_every_door_says_503_and_when_to_try_again(
    client: Client, world: World, away: None, method: str, path: str, kind: str
) -> None:
    key = world.acme_key if kind == "known" else "tgs_" + "0" * 32 + "_" + "x" * 43
    response = client.generic(
        method.upper(),
        path,
        b'{"subject": {"type": "user", "id": "alice"}}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    if kind == "unknown" and path.startswith("/access/"):
        assert response.status_code in {401, 503}, "a session's secret is no credential, whatever the database says"
        return
    assert response.status_code == 503, response.content
    assert response["Retry-After"] == "1"
    assert response["Content-Type"] == "application/problem+json"


def test_a_person_sees_a_page(client: Client, away: None, db: None) -> None:
    client.cookies["tiergate"] = "tgs_" + "0" * 32 + "_" + "x" * 43
    response = client.get("/operator/", headers={"Accept": "text/html"})
    assert response.status_code == 503
    assert "Try again in a moment" in response.content.decode()


def test_it_comes_back_by_itself(client: Client, world: World) -> None:
    handle = world.asserted()

    def refuse(*_args: object) -> None:
        raise OperationalError("gone")

    headers = {"Authorization": f"Bearer {world.acme_key}"}
    document = body(session=handle)
    with connection.execute_wrapper(refuse):
        assert (
            client.post("/access/v1/evaluation", document, content_type="application/json", headers=headers).status_code
            == 503
        )
    answer = client.post("/access/v1/evaluation", document, content_type="application/json", headers=headers)
    assert answer.json()["decision"] is True
