"""The vendor's support acts as a person: for a while, with a reason, marked everywhere, and never beyond a plain session."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import time_machine
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from authlevels.models import Notice, ProofRow, User
from authlevels.untold_ends import tell_ends
from decisions import people
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, body, export, store_routine_records
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, World, client, world

__all__ = ["client", "world"]

START = "/v1/impersonations"
OF_ALICE = {"tenant": "globex", "subject": {"type": "user", "id": "alice"}, "reason": "Case 4711: her export is empty"}


def employ(name: str, tenant_id: UUID, roles: list[str], *, level: str = "aal2") -> str:
    """Let somebody of the own sign-in be a member, signed in a moment ago, and give their Authorization header."""
    at = clock.now()
    authlevels.put_user(subject_id=name, password=PASSWORD, totp_secret=TOTP_SECRET, at=at)
    licensing.put_member(tenant_id=tenant_id, subject_type="account", subject_id=name, roles=roles, by="test", at=at)
    session, secret = authlevels.sign_in_with_password(
        tenant_id=tenant_id, username=name, password=PASSWORD, network="test", at=at
    )
    if level == "aal2":
        app = next(one.id for one in authlevels.list_factors(user_id=session.user_id) if one.kind == "totp")
        with tenant_transaction(tenant_id):
            ProofRow.objects.create(
                tenant_id=tenant_id,
                session_id=session.id,
                method="otp",
                at=at,
                issuer="tiergate",
                authenticator=f"totp:{app}",
                factor_kind="possession",
            )
    return f"Bearer {secret}"


@pytest.fixture
def olga(world: World) -> str:
    """Give the Authorization header of Olga, of the vendor's support by its own role and by another."""
    vendor, may = licensing.VENDOR_TENANT_ID, ["support.impersonate"]
    licensing.put_role(tenant_id=vendor, key="helpers", privileges=may, by="test", at=world.at)
    return employ("olga", vendor, ["support", "helpers"])


def start(client: Client, authorization: str, document: Any = OF_ALICE, *, status: int = 201) -> Any:
    response = client.post(START, document, content_type="application/json", headers={"Authorization": authorization})
    assert response.status_code == status, (response.status_code, response.content)
    return response.json()


def reason(answer: Any) -> tuple[bool, str]:
    return answer["decision"], answer["context"]["reason"]


def test_support_sees_what_the_person_sees_and_every_answer_says_who_it_is(
    client: Client, world: World, olga: str
) -> None:
    handle = start(client, olga)["session"]
    allowed = ask(client, world.globex_key, body(session=handle))
    assert reason(allowed) == (True, "allowed")
    refused = ask(client, world.globex_key, body("reports.burn", session=handle))
    assert [one["context"]["impersonated_by"] for one in (allowed, refused)] == ["account:olga"] * 2
    assert (
        "impersonated_by"
        not in ask(client, world.globex_key, body(session=world.asserted(tenant=world.globex)))["context"]
    )


def test_nothing_is_asked_of_support_that_only_the_person_could_show(client: Client, world: World, olga: str) -> None:
    handle = start(client, olga)["session"]
    own = world.asserted(tenant=world.globex)
    assert reason(ask(client, world.globex_key, export(session=own))) == (False, "step_up_required")
    refused = ask(client, world.globex_key, export(session=handle))
    assert reason(refused) == (False, "impersonated")
    assert not {"challenge", "needs", "acr_values"} & set(refused["context"])
    opened = {"decision_id": refused["context"]["id"]}
    ask(client, world.globex_key, opened, path="/step-up/challenges", status=409)


@pytest.mark.parametrize(
    "action",
    ["tiergate.factors.manage", "tiergate.challenge.create", "tiergate.elevation.end", "tiergate.impersonation.start"],
)
def test_support_does_nothing_of_tiergates_own_but_look(client: Client, world: World, olga: str, action: str) -> None:
    handle = start(client, olga)["session"]
    answer = ask(client, world.globex_key, body(action, resource=("tiergate", ""), session=handle))
    assert answer["decision"] is False
    assert answer["context"]["reason"] in {"impersonated", "caller_not_allowed"}


def test_no_factor_is_enrolled_through_a_borrowed_session(client: Client, world: World, olga: str) -> None:
    handle = start(client, olga, OF_ALICE | {"tenant": "acme", "subject": {"type": "user", "id": "carol"}})["session"]
    path = f"/t/acme/sessions/{handle}/factors/totp"
    refused = ask(client, world.acme_key, {"name": "Mine"}, path=path, status=403)
    assert refused["code"] == "impersonation_forbidden"


def test_every_record_says_who_acted_and_why_it_began_under_no_name_that_stays(
    client: Client, world: World, olga: str, superuser: psycopg.Connection
) -> None:
    handle = start(client, olga)["session"]
    ask(client, world.globex_key, body(session=handle))
    ask(client, world.globex_key, export(session=handle))
    store_routine_records()
    with tenant_transaction(world.globex):
        entries = audit.list_entries(tenant_id=world.globex, limit=audit.MAX_PAGE)
    begun = next(one for one in entries if one.kind == audit.Kind.IMPERSONATION_STARTED)
    assert (begun.payload["by"], begun.personal) == ("account:olga", {"reason": OF_ALICE["reason"]})
    decided = [one for one in entries if one.kind == audit.Kind.DECISION]
    assert [one.payload["impersonated_by"] for one in decided] == ["account:olga"] * 2
    stored = superuser.execute(
        "SELECT count(*), count(*) FILTER (WHERE payload::text LIKE '%%olga%%') FROM audit_entry WHERE tenant_id = %s",
        [world.globex],
    ).fetchone()
    assert stored == (len(entries), 0)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"reason": ""}, 400, "invalid"),
        ({"reason": " \t "}, 400, "invalid"),
        ({"reason": "a\u202eb"}, 400, "impersonation_refused"),
        ({"minutes": 61}, 400, "invalid"),
        ({"minutes": 0}, 400, "invalid"),
        ({"tenant": "vendor", "subject": {"type": "account", "id": "olga"}}, 403, "impersonation_forbidden"),
        ({"tenant": "nowhere"}, 404, "tenant_not_found"),
        ({"subject": {"type": "user", "id": "mallory"}}, 404, "subject_not_member"),
        ({"subject": {"type": "account", "id": "olga"}}, 404, "subject_not_member"),
    ],
)
def test_what_cannot_be_begun_is_refused(
    client: Client, olga: str, change: dict[str, Any], status: int, code: str
) -> None:
    assert start(client, olga, OF_ALICE | change, status=status)["code"] == code


def test_a_tenant_that_lets_nobody_in_is_left_alone(client: Client, world: World, olga: str) -> None:
    authlevels.put_policy(tenant_id=world.globex, allow_impersonation=False, by="account:dora", at=clock.now())
    assert start(client, olga, status=403)["code"] == "impersonation_forbidden"
    assert start(client, olga, OF_ALICE | {"tenant": "acme"})["session"]


def test_a_tenant_that_lets_nobody_in_any_more_has_nobody_in(client: Client, world: World, olga: str) -> None:
    handle, own = start(client, olga)["session"], world.asserted(tenant=world.globex)
    assert reason(ask(client, world.globex_key, body(session=handle))) == (True, "allowed")
    authlevels.put_policy(tenant_id=world.globex, allow_impersonation=False, by="account:dora", at=clock.now())
    assert reason(ask(client, world.globex_key, body(session=handle))) == (False, "session_revoked")
    assert ask(client, world.globex_key, body(session=own))["decision"] is True


def test_only_support_begins_it_and_by_a_second_factor(client: Client, world: World) -> None:
    weak = employ("otto", licensing.VENDOR_TENANT_ID, ["support"], level="aal1")
    assert start(client, weak, status=401)["code"] == "step_up_required"
    operator = employ("oda", licensing.VENDOR_TENANT_ID, ["operator"])
    assert start(client, operator, status=403)["code"] == "no_privilege"
    owner = employ("dora", world.globex, ["owner"])
    assert start(client, owner, status=403)["code"] == "caller_not_allowed"
    _told, key = authlevels.create_credential(
        tenant_id=licensing.VENDOR_TENANT_ID, name="robot", verbs=["support.impersonate"], by="test", at=world.at
    )
    assert start(client, f"Bearer {key}", status=403)["code"] == "caller_not_allowed"


def test_the_owner_sees_it_and_ends_it_at_once(client: Client, world: World, olga: str) -> None:
    handle = start(client, olga)["session"]
    assert reason(ask(client, world.globex_key, body(session=handle))) == (True, "allowed")
    owner = {"Authorization": employ("dora", world.globex, ["owner"])}
    (seen,) = client.get("/t/globex/impersonations", headers=owner).json()["items"]
    assert (seen["by"], seen["reason"], seen["ended_at"]) == ("account:olga", OF_ALICE["reason"], None)
    for _again in range(2):
        assert client.delete(f"/t/globex/impersonations/{handle}", headers=owner).status_code == 204
    assert reason(ask(client, world.globex_key, body(session=handle))) == (False, "session_revoked")
    # It ends what support began, and no other session by that way.
    own = world.asserted(tenant=world.globex)
    assert client.delete(f"/t/globex/impersonations/{own}", headers=owner).status_code == 404


_ENDS = {
    "sign_out": "support_session_ended",
    "no_session": "support_session_ended",
    "leave": "support_membership_changed",
    "role": "support_membership_changed",
    "privilege": "support_role_changed",
    "no_role": "support_role_changed",
    "default": "support_role_changed",
    "no_default": "support_role_changed",
    "disabled": "support_account_changed",
    "password": "support_account_changed",
}
_DEFAULT = (
    "INSERT INTO licensing_role_default (id, key, privileges)"
    " VALUES (gen_random_uuid(), 'helpers', '{support.impersonate}')"
)
_BY_HAND = {
    "no_session": (
        "DELETE FROM authlevels_proof WHERE session_id = %(session)s",
        "DELETE FROM authlevels_session WHERE id = %(session)s",
    ),
    "no_role": ("DELETE FROM licensing_role WHERE key = 'helpers'",),
    "default": (_DEFAULT, "UPDATE licensing_role_default SET privileges = '{}' WHERE key = 'helpers'"),
    "no_default": (_DEFAULT, "DELETE FROM licensing_role_default WHERE key = 'helpers'"),
}


def end_of_support(how: str, client: Client, olga: str, superuser: psycopg.Connection | None = None) -> None:
    """Take away what Olga acts by."""
    if superuser is not None and how in _BY_HAND:
        mine = authlevels.resolve_session_secret(olga.removeprefix("Bearer "), at=clock.now())
        assert mine
        for statement in _BY_HAND[how]:
            superuser.execute(statement.encode(), {"session": mine.id})
        return
    vendor, at = licensing.VENDOR_TENANT_ID, clock.now()
    who: Any = {"tenant_id": vendor, "subject_type": "account", "subject_id": "olga", "by": "test", "at": at}
    if how == "sign_out":
        assert client.post("/v1/sign-out", headers={"Authorization": olga}).status_code == 204
    elif how == "leave":
        licensing.remove_member(**who)
    elif how == "role":
        licensing.put_member(**who, roles=["operator", "helpers"])
    elif how == "privilege":
        licensing.put_role(tenant_id=vendor, key="helpers", privileges=[], by="test", at=at)
    else:
        with tenant_transaction(vendor):
            changed = {"is_active": False} if how == "disabled" else {"sessions_from": at}
            User.objects.filter(realm__isnull=True, subject_id="olga").update(**changed)


@pytest.mark.parametrize("how", _ENDS)
def test_it_ends_with_what_support_acts_by_and_the_customers_trail_says_why(
    client: Client, world: World, olga: str, how: str, superuser: psycopg.Connection
) -> None:
    others = employ("oda", licensing.VENDOR_TENANT_ID, ["support"])
    mine, another = (start(client, one)["session"] for one in (olga, others))
    own = world.asserted(tenant=world.globex)
    assert reason(ask(client, world.globex_key, body(session=mine))) == (True, "allowed")
    end_of_support(how, client, olga, superuser)
    # What a process remembers is trusted for a second.
    people.forget_people()
    assert reason(ask(client, world.globex_key, body(session=mine))) == (False, "session_revoked")
    for live in (another, own):
        assert reason(ask(client, world.globex_key, body(session=live))) == (True, "allowed")
    assert [tell_ends(at=clock.now()) for _again in range(2)] == [1, 0]
    with tenant_transaction(world.globex):
        (told,) = audit.list_entries(tenant_id=world.globex, kinds=[audit.Kind.SESSION_REVOKED])
    assert (told.subject, told.payload["session"], told.payload["why"]) == (("user", "alice"), mine, _ENDS[how])


def test_what_a_process_remembers_of_it_does_not_outlast_it(client: Client, world: World, olga: str) -> None:
    start(client, olga)
    before = authlevels.standing_of(world.globex).partition(".")[2]
    end_of_support("sign_out", client, olga)
    assert authlevels.standing_of(world.globex).partition(".")[2] != before


def test_none_begins_with_a_session_of_supports_that_has_just_ended(client: Client, world: World, olga: str) -> None:
    support = authlevels.resolve_session_secret(olga.removeprefix("Bearer "), at=clock.now())
    assert support is not None
    end_of_support("sign_out", client, olga)
    with pytest.raises(authlevels.ImpersonationForbidden):
        authlevels.begin_impersonation(
            support=support,
            tenant_id=world.globex,
            subject_type="user",
            subject_id="alice",
            reason="late",
            minutes=5,
            at=clock.now(),
        )


def test_the_person_is_told_that_support_acts_for_them_and_why(client: Client, world: World, olga: str) -> None:
    employ("erin", world.globex, ["member"])
    with tenant_transaction(world.globex):
        User.objects.filter(subject_id="erin").update(email="erin@globex.example")
    start(client, olga, OF_ALICE | {"subject": {"type": "account", "id": "erin"}})
    with tenant_transaction(world.globex):
        row = Notice.objects.get()
    assert (row.address, row.kind, row.told) == ("erin@globex.example", "impersonated", {"reason": OF_ALICE["reason"]})


def test_it_is_over_when_it_was_to_be(client: Client, world: World, olga: str) -> None:
    handle = start(client, olga, OF_ALICE | {"minutes": 1})["session"]
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
        assert reason(ask(client, world.globex_key, body(session=handle))) == (False, "session_expired")


def test_no_product_vouches_in_supports_name(client: Client, world: World) -> None:
    document = {"subject": {"id": "alice"}, "amr": ["pwd"], "auth_time": 1, "idp": "tiergate-support"}
    refused = ask(client, world.acme_key, document, path="/t/acme/sessions", status=400)
    assert refused["code"] == "assertion_refused"


@pytest.mark.parametrize(
    "change",
    [
        "impersonator = ''",
        "impersonated_for = ' '",
        "expires_at = created_at + interval '61 minutes'",
        "kind = 'asserted'",
        "secret_digest = '\\x00'",
    ],
)
def test_the_database_itself_holds_a_borrowed_session_to_its_shape(
    client: Client, olga: str, superuser: psycopg.Connection, change: str
) -> None:
    start(client, olga)
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute(f"UPDATE authlevels_session SET {change} WHERE kind = 'impersonated'".encode())  # noqa: S608
