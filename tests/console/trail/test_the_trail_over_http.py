"""The trail is read over HTTP by whom it concerns, a page at a time."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from authlevels import api as authlevels
from licensing import api as licensing
from tests.console.trail.conftest import MARCH_1, MORNING, Office
from tiergate import Verb

pytestmark = pytest.mark.django_db


def key(tenant_id: Any, *verbs: Verb) -> str:
    _credential, secret = authlevels.create_credential(
        tenant_id=tenant_id, name=f"reader-{len(verbs)}", verbs=verbs, by="manage.py", at=MARCH_1
    )
    return secret


def read(secret: str, tenant: str = "acme", *, status: int = 200, **query: Any) -> Any:
    response = Client().get(f"/v1/tenants/{tenant}/audit", query, headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == status, response.content
    return response.json()


def test_the_trail_is_read_page_by_page(office: Office) -> None:
    office.export()
    secret = key(office.tenant_id, Verb.AUDIT_READ)
    whole = read(secret, subject="user:alice")["items"]
    assert len(whole) > 6
    paged: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = read(secret, subject="user:alice", limit=2, after=after)
        assert 0 < len(page["items"]) <= 2
        paged += page["items"]
        after = page["next"]
    assert paged == whole
    told = [one for one in whole if one["kind"] == "challenge.passed"]
    assert [one["sentence"] for one in told] == [
        "On 3 March 10:02 Alice of Acme gave a code after 8 s for customers.export."
    ]
    assert told[0]["subject"] == {"type": "user", "id": "alice"}
    some = read(secret, kind="challenge.passed,elevation.created", since="2026-03-03T00:00:00Z")["items"]
    assert [one["kind"] for one in some] == ["challenge.passed", "elevation.created"]
    nothing = read(secret, until="2026-02-01T00:00:00+01:00")
    assert (nothing["items"], nothing["next"]) == ([], None)


def test_who_follows_the_trail_is_given_what_is_new_alone(office: Office) -> None:
    office.export()
    secret = key(office.tenant_id, Verb.AUDIT_READ)
    page = read(secret, subject="user:alice", limit=2)
    assert page["next"] == page["follow"]
    given = page["items"]
    while page["next"]:
        page = read(secret, subject="user:alice", limit=2, after=page["next"])
        given += page["items"]
    assert given == read(secret, subject="user:alice")["items"]
    assert read(secret, subject="user:alice", after=page["follow"])["items"] == []
    office.assert_session(at=MORNING + timedelta(hours=1))
    new = read(secret, subject="user:alice", after=page["follow"])["items"]
    assert [one["kind"] for one in new] == ["session.started"]


def test_a_number_is_understood_as_it_was_before_there_were_cursors(office: Office) -> None:
    office.export()
    secret = key(office.tenant_id, Verb.AUDIT_READ)
    whole = read(secret, subject="user:alice")["items"]
    assert read(secret, subject="user:alice", after=str(whole[2]["seq"]))["items"] == whole[3:]


@pytest.mark.parametrize("odd", ["x", "9" * 19, "\u0661", "bJQ", "lAAAAA", "A" * 9_000])
def test_what_is_no_cursor_is_refused_by_name(office: Office, odd: str) -> None:
    assert read(key(office.tenant_id, Verb.AUDIT_READ), status=400, after=odd)["code"] == "invalid_cursor"


def test_it_is_for_those_who_may_read_it(office: Office) -> None:
    globex, _ = licensing.put_tenant(slug="globex", name="Globex", by="manage.py", at=MARCH_1)
    read(key(office.tenant_id, Verb.MEMBERS_READ, Verb.TENANTS_READ), status=403)
    read(key(globex.id, Verb.AUDIT_READ), status=403)
    assert read(key(licensing.VENDOR_TENANT_ID, Verb.AUDIT_READ), "globex")["items"]
    assert Client().get("/v1/tenants/acme/audit").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        *({"limit": "0"}, {"limit": "251"}, {"limit": "many"}, {"after": "x"}, {"kind": "gossip"}),
        *({"since": "2026-03-03"}, {"until": "soon"}, {"subject": "No One:x"}, {"subject": ""}),
    ],
)
def test_an_odd_question_is_refused(office: Office, wrong: dict[str, str]) -> None:
    assert read(key(office.tenant_id, Verb.AUDIT_READ), status=400, **wrong)["code"]
