"""What a person confirmed can be handed on as a token: for that, for five minutes, and no longer than the task."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any, LiteralString
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from authlevels.models import Token
from authlevels.token_ends import drop_expired
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.attacks.parallel import at_once
from tests.decisions.asking import ask, export, payment, step_up
from tests.decisions.conftest import World, code_at
from tiergate import ScopeSpec, Verb
from tiergate.tokens import Claims, TokenRefused, read_token

API = "https://exports.example"
ISSUER = "http://localhost:8000"


@pytest.fixture
def at(client: Client) -> Any:
    """Time that stands still, so that seconds can be counted."""
    with time_machine.travel(clock.now().replace(microsecond=0) + timedelta(seconds=2), tick=False) as traveller:
        yield traveller


def elevated(client: Client, world: World, question: Any = None) -> tuple[str, str]:
    """A session of Globex's Alice that has confirmed an export, and its elevation."""
    handle = world.asserted(tenant=world.globex)
    document = question(session=handle) if question else export(session=handle)
    refused = ask(client, world.globex_key, document)
    passed = step_up(client, world.globex_key, refused, code_at(clock.now()))
    return handle, passed["elevation_id"]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def paying(**context: Any) -> dict[str, Any]:
    return payment(1200, **context)


def take(
    client: Client, key: str, elevation: str, scope: str = "exports", *, audience: str = API, status: int = 200
) -> Any:
    return ask(
        client,
        key,
        {"scope": scope, "audience": audience},
        path=f"/step-up/elevations/{elevation}/token",
        status=status,
    )


def keys(client: Client) -> dict[str, Any]:
    answer = client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    return {one["kid"]: one for one in answer.json()["keys"]}


def claims_of(client: Client, token: str) -> Claims:
    return read_token(token, keys=keys(client), issuer=ISSUER, audience=API, at=clock.now())


@pytest.fixture
def reader(world: World) -> str:
    """The key of the service that exports: it asks whether tokens for it are still good."""
    _credential, secret = authlevels.create_credential(
        tenant_id=world.globex,
        name="exports-api",
        verbs=[Verb.TOKENS_INTROSPECT],
        audiences=[API],
        by="test",
        at=clock.now(),
    )
    return secret


def introspected(client: Client, key: str, token: str) -> Any:
    answer = client.post(
        "/oauth/introspect",
        urlencode({"token": token}),
        content_type="application/x-www-form-urlencoded",
        headers=bearer(key),
    )
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    return answer.json()


def told(world: World, *kinds: audit.Kind) -> list[audit.Entry]:
    with tenant_transaction(world.globex):
        return audit.list_entries(tenant_id=world.globex, kinds=list(kinds))


def test_a_token_says_who_showed_what_when_and_for_what(client: Client, world: World, at: Any) -> None:
    handle, elevation = elevated(client, world)
    answer = take(client, world.globex_key, elevation)
    assert answer | {"access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "exports",
    }
    claims = claims_of(client, answer["access_token"])
    now = int(clock.now().timestamp())
    assert (claims.sub, claims.tenant, claims.sid, claims.scope) == ("user:alice", "globex", handle, "exports")
    assert (claims.acr, claims.amr) == ("urn:tiergate:acr:aal2", ("mfa", "otp", "pwd"))
    assert (claims.iat, claims.exp, claims.auth_time) == (now, now + 300, now)
    (raised,) = told(world, audit.Kind.SCOPE_RAISED)
    assert raised.payload["token"] == claims.jti
    assert raised.payload["elevation"] == elevation
    assert raised.payload["by"] == claims.client_id == "credential:globex-api"
    assert raised.payload["because"].keys() == {"snapshot", "policy_version"}


def test_a_token_never_outlasts_its_elevation(client: Client, world: World, at: Any) -> None:
    _handle, elevation = elevated(client, world)
    at.shift(timedelta(seconds=250))
    answer = take(client, world.globex_key, elevation)
    assert answer["expires_in"] == 50
    at.shift(timedelta(seconds=49))
    assert claims_of(client, answer["access_token"]).exp == int(clock.now().timestamp()) + 1
    at.shift(timedelta(seconds=1))
    with pytest.raises(TokenRefused):
        claims_of(client, answer["access_token"])
    assert take(client, world.globex_key, elevation, status=409)["code"] == "elevation_gone"


def test_the_database_itself_keeps_a_token_within_its_elevation(client: Client, world: World, at: Any) -> None:
    _handle, elevation = elevated(client, world)
    at.shift(timedelta(seconds=250))
    take(client, world.globex_key, elevation)
    longer: tuple[LiteralString, ...] = (
        "UPDATE authlevels_token SET expires_at = expires_at + interval '1 second'",
        "UPDATE authlevels_token SET expires_at = issued_at + interval '301 seconds'",
    )
    for statement in longer:
        with (
            pytest.raises(IntegrityError),
            tenant_transaction(world.globex),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_a_token_is_never_for_more_than_was_confirmed(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    for scope in ("payments", "everything", "exports payments", "admin"):
        assert take(client, world.globex_key, elevation, scope, status=403)["code"] == "invalid_scope"
    take(client, world.globex_key, elevation, " ", status=400)
    assert not told(world, audit.Kind.SCOPE_RAISED)


def test_a_payments_token_holds_it_to_its_amount_and_is_the_one_use(client: Client, world: World) -> None:
    handle, elevation = elevated(client, world, paying)
    answer = take(client, world.globex_key, elevation, "payments")
    claims = claims_of(client, answer["access_token"])
    assert claims.bound == {"resource.properties.amount": 1200, "resource.properties.payee": "ACME Ltd"}
    assert claims.resource == "payment/7"
    assert claims.txn
    assert take(client, world.globex_key, elevation, "payments", status=409)["code"] == "elevation_gone"
    again = ask(client, world.globex_key, paying(session=handle), headers={"X-Request-ID": claims.jti})
    assert again["decision"] is False, "the token is the use"


def test_a_payments_token_is_given_again_to_the_same_request_alone(client: Client, world: World) -> None:
    handle, elevation = elevated(client, world, paying)
    path, body = f"/step-up/elevations/{elevation}/token", {"scope": "payments", "audience": API}

    def asked(name: str, status: int = 200, *, key: str = world.globex_key) -> Any:
        return ask(client, key, body, path=path, status=status, headers={"X-Request-ID": name})

    _credential, other = authlevels.create_credential(
        tenant_id=world.globex, name="other", verbs=[Verb.STEP_UP_CREATE], by="test", at=clock.now()
    )
    first = claims_of(client, asked("r1")["access_token"])
    assert claims_of(client, asked("r1")["access_token"]) == first
    assert asked("r2", 409)["code"] == "elevation_gone"
    assert asked("r1", 409, key=other)["code"] == "elevation_gone"
    again = ask(client, world.globex_key, paying(session=handle), headers={"X-Request-ID": "r1"})
    assert again["decision"] is False, "the token is the use"
    _leave(client, world, handle, elevation)
    licensing.put_member(
        tenant_id=world.globex, subject_type="user", subject_id="alice", roles=["member"], by="test", at=clock.now()
    )
    assert asked("r1", 409)["code"] == "elevation_gone"


def copy_tokens(tenant_id: UUID, count: int) -> None:
    """Have more tokens alive, like the one that there is."""
    with tenant_transaction(tenant_id):
        one = Token.objects.get()
        for _ in range(count):
            one.pk = uuid4()
            one.save(force_insert=True)


def take_at_once(path: str, key: str, scope: str) -> Counter[int]:
    """Ask for eight tokens from as many connections at the same moment; count the answers by status."""

    def act(_number: int) -> int:
        asked = {"scope": scope, "audience": API}
        return Client().post(path, asked, "application/json", headers=bearer(key)).status_code

    return Counter(one for one in at_once(act) if isinstance(one, int))


def test_no_more_than_32_live_tokens_rest_on_one_elevation(client: Client, world: World, at: Any) -> None:
    _handle, elevation = elevated(client, world)
    last = take(client, world.globex_key, elevation)["access_token"]
    copy_tokens(world.globex, 31)
    refused = take(client, world.globex_key, elevation, status=429)
    assert (refused["code"], refused["retry_after"]) == ("too_many_tokens", 301)
    client.post("/oauth/revoke", {"token": last}, "application/json", headers=bearer(world.globex_key))
    take(client, world.globex_key, elevation)
    take(client, world.globex_key, elevation, status=429)


def test_of_eight_that_are_taken_at_once_no_more_are_given_than_are_left(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    take(client, world.globex_key, elevation)
    copy_tokens(world.globex, 28)
    given = take_at_once(f"/step-up/elevations/{elevation}/token", world.globex_key, "exports")
    assert given == {200: 3, 429: 5}


def test_a_use_that_was_made_leaves_nothing_for_a_token(client: Client, world: World) -> None:
    handle, elevation = elevated(client, world, paying)
    assert ask(client, world.globex_key, paying(session=handle))["decision"] is True
    assert take(client, world.globex_key, elevation, "payments", status=409)["code"] == "elevation_gone"


def test_nobody_takes_a_token_out_of_anothers_elevation(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    refused = take(client, world.acme_key, elevation, status=404)
    assert refused["code"] == "elevation_not_found"
    other = elevation[:-1] + ("1" if elevation.endswith("0") else "0")
    assert take(client, world.globex_key, other, status=404)["code"] == "elevation_not_found"


def test_a_plan_that_lost_the_feature_gives_no_token(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    licensing.put_subscription(tenant_id=world.globex, plan="starter", by="test", at=clock.now())
    refused = take(client, world.globex_key, elevation, status=403)
    assert (refused["code"], refused["reason"]) == ("invalid_scope", "upgrade_required")
    assert not told(world, audit.Kind.SCOPE_RAISED)


@pytest.mark.parametrize("question", [export, paying])
def test_a_live_token_is_active_and_says_just_what_is_in_it(
    client: Client, world: World, reader: str, question: Any
) -> None:
    _handle, elevation = elevated(client, world, question)
    token = take(client, world.globex_key, elevation, "exports" if question == export else "payments")["access_token"]
    said = json.loads(json.dumps(claims_of(client, token).members()))
    assert introspected(client, reader, token) == {"active": True, "token_type": "Bearer", **said}


def _end_task(client: Client, world: World, handle: str, elevation: str) -> None:
    client.delete(f"/step-up/elevations/{elevation}", headers=bearer(world.globex_key))


def _sign_out(client: Client, world: World, handle: str, elevation: str) -> None:
    client.delete(f"/t/globex/sessions/{handle}", headers=bearer(world.globex_key))


def _leave(client: Client, world: World, handle: str, elevation: str) -> None:
    licensing.remove_member(tenant_id=world.globex, subject_type="user", subject_id="alice", by="test", at=clock.now())


def _downgrade(client: Client, world: World, handle: str, elevation: str) -> None:
    licensing.put_subscription(tenant_id=world.globex, plan="starter", by="test", at=clock.now())


def _drop_scope(client: Client, world: World, handle: str, elevation: str) -> None:
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        edit.remove_scope("exports")


def _widen_scope(client: Client, world: World, handle: str, elevation: str) -> None:
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        edit.put_scope(ScopeSpec(name="exports", actions=("exports.create", "reports.read")))


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (_end_task, "task_ended"),
        (_sign_out, "session_ended"),
        (_leave, "task_ended"),
        (_downgrade, "no_longer_allowed"),
        (_drop_scope, "no_longer_allowed"),
        (_widen_scope, "no_longer_allowed"),
    ],
)
def test_a_token_is_dead_as_soon_as_what_it_rests_on_is(
    client: Client, world: World, reader: str, ends: Any, why: str
) -> None:
    handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    assert introspected(client, reader, token)["active"] is True
    ends(client, world, handle, elevation)
    assert [introspected(client, reader, token) for _ in range(2)] == [{"active": False}] * 2
    (dropped,) = told(world, audit.Kind.SCOPE_DROPPED)
    assert (dropped.payload["why"], dropped.payload["scope"]) == (why, "exports")


def test_asked_about_a_token_nobody_learns_more_than_that_it_is_not_for_them(
    client: Client, world: World, reader: str
) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]
    elsewhere = take(client, world.globex_key, elevation, audience="https://other.example")["access_token"]
    head, body, signature = token.split(".")
    _credential, foreign = authlevels.create_credential(
        tenant_id=world.acme, name="spy", verbs=[Verb.TOKENS_INTROSPECT], audiences=[API], by="test", at=clock.now()
    )
    _credential, unnamed = authlevels.create_credential(
        tenant_id=world.globex, name="any", verbs=[Verb.TOKENS_INTROSPECT], by="test", at=clock.now()
    )
    for key, shown in (
        (reader, elsewhere),
        (foreign, token),
        (unnamed, token),
        (reader, "garbage"),
        (reader, f"{head}.{body}."),
        (reader, f"{head}.{body}.{signature[::-1]}"),
    ):
        assert introspected(client, key, shown) == {"active": False}
    assert introspected(client, reader, token)["active"] is True
    assert not told(world, audit.Kind.SCOPE_DROPPED), "asking in vain ends nobody's token"
    refused = ask(client, world.globex_key, {"token": token}, path="/oauth/introspect", status=403)
    assert refused["code"] == "no_privilege"
    assert client.post("/oauth/introspect", {"token": token}, content_type="application/json").status_code == 401


def test_a_token_that_is_given_back_is_dead_and_nobody_else_can_give_it_back(
    client: Client, world: World, reader: str
) -> None:
    _handle, elevation = elevated(client, world)
    token = take(client, world.globex_key, elevation)["access_token"]

    def give_back(key: str, shown: str) -> None:
        answer = client.post(
            "/oauth/revoke",
            {"token": shown},
            content_type="application/json",
            headers=bearer(key),
        )
        assert (answer.status_code, answer.content) == (200, b"")

    give_back(world.acme_key, token)
    give_back(world.globex_key, "garbage")
    assert introspected(client, reader, token)["active"] is True
    for _ in range(2):
        give_back(world.globex_key, token)
    assert introspected(client, reader, token) == {"active": False}
    (dropped,) = told(world, audit.Kind.SCOPE_DROPPED)
    assert (dropped.payload["why"], dropped.payload["by"]) == ("revoked", "credential:globex-api")


def test_what_expires_by_itself_is_told_once_and_forgotten_later(client: Client, world: World, at: Any) -> None:
    _handle, elevation = elevated(client, world)
    take(client, world.globex_key, elevation)
    assert drop_expired(at=clock.now()) == 0
    at.shift(timedelta(seconds=301))
    assert [drop_expired(at=clock.now()) for _ in range(2)] == [1, 0]
    (dropped,) = told(world, audit.Kind.SCOPE_DROPPED)
    assert (dropped.payload["why"], dropped.subject) == ("expired", ("user", "alice"))
    drop_expired(at=clock.now() + timedelta(days=2))
    with tenant_transaction(world.globex):
        assert not Token.objects.filter(tenant_id=world.globex).exists()
