"""Which rules are in force is the vendor's people's to say: one confirmation changes one thing, as it was shown."""

import json
from typing import Any

from django.test import Client

from authlevels import api as authlevels
from decisions.policy.activating import read_stage
from decisions.policy.history import list_activations
from isolation import clock
from licensing import api as licensing
from tests.api.asking import put_dora, sign_in
from tests.attacks.parallel import at_once
from tests.attacks.test_support_never_elevates_as_somebody_else import OF_ALICE, employ, start
from tests.decisions.asking import ask, body
from tests.decisions.bundles import applied, stored
from tests.decisions.conftest import World, client, world
from tests.decisions.operators import Operator, publisher
from tiergate import Action, Verb
from tiergate.actions import IMPERSONATED_MAY

__all__ = ["client", "world"]

DIGEST = "0" * 64
ACTIVATIONS = "/v1/policy/activations"
DOORS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/v1/policy", None),
    ("GET", "/v1/policy/bundles", None),
    ("POST", "/v1/policy/bundles", {"files": {}}),
    ("GET", f"/v1/policy/bundles/{DIGEST}", None),
    ("GET", f"/v1/policy/bundles/{DIGEST}/diff?against={DIGEST}", None),
    ("GET", ACTIVATIONS, None),
    ("POST", ACTIVATIONS, {"digest": DIGEST, "mode": "active", "because": "I say so."}),
    ("POST", "/v1/policy/rollbacks", {"because": "I say so."}),
    ("POST", "/v1/policy/plans", {"digest": DIGEST}),
    ("GET", "/v1/policy/plans/00000000-0000-0000-0000-000000000000", None),
    ("POST", "/v1/policy/replays", {}),
    ("GET", "/v1/policy/replays/00000000-0000-0000-0000-000000000000", None),
)


def statuses(client: Client, authorization: str) -> set[int]:
    """Knock at every door of rules, and give what is answered."""
    headers = {"Authorization": authorization} if authorization else {}
    return {
        client.generic(
            method, path, "" if body is None else json.dumps(body), content_type="application/json", headers=headers
        ).status_code
        for method, path, body in DOORS
    }


def change(digest: str | None, **how: Any) -> dict[str, Any]:
    return {"digest": digest, "mode": "active", "because": "It was reviewed."} | how


def test_nobody_of_a_tenant_sees_or_changes_the_vendors_rules(client: Client, world: World) -> None:
    put_dora(world)
    _told, tenants = authlevels.create_credential(
        tenant_id=world.acme, name="acme-all", verbs=list(Verb), by="test", at=clock.now()
    )
    assert statuses(client, sign_in(world)) == {403}
    assert statuses(client, f"Bearer {tenants}") == {403}
    assert statuses(client, "") == statuses(client, "Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA") == {401}


def test_of_the_vendors_only_who_has_the_verb_gets_in(client: Client, world: World) -> None:
    support = Operator(client, "sam", roles=("support",))
    assert statuses(client, f"Bearer {support.secret}") == {403}
    assert statuses(client, f"Bearer {world.vendor_key}") == {403}
    reader = publisher(Verb.BUNDLES_READ, Verb.BUNDLES_WRITE)
    for path in (ACTIVATIONS, "/v1/policy/rollbacks"):
        asked = change(stored().digest) if path == ACTIVATIONS else {"because": "I say so."}
        assert ask(client, reader, asked, path=path, status=403)["code"] == "no_privilege"
    assert list_activations() == []


def test_a_confirmation_is_good_for_the_change_that_was_shown_and_for_it_once(client: Client, world: World) -> None:
    first, second = stored("first").digest, stored("second", says="aal2").digest
    olga = Operator(client)
    olga.confirm(olga.post(ACTIVATIONS, change(first), status=401))
    for other in (
        change(second),
        change(None),
        change(first, mode="shadow"),
        change(first, mode="staged", percent=1),
        change(first, because="Another reason."),
    ):
        assert olga.post(ACTIVATIONS, other, status=401)["code"] == "step_up_required"
    assert olga.post("/v1/policy/rollbacks", {"because": "It was reviewed."}, status=401)["code"] == "step_up_required"
    assert olga.post(ACTIVATIONS, change(first))["digest"] == first
    assert olga.post(ACTIVATIONS, change(first), status=401)["code"] == "step_up_required"
    assert [one.by for one in list_activations()] == ["account:olga"]


def test_of_one_confirmation_used_twice_at_once_one_is_refused(client: Client, world: World) -> None:
    first = stored("first").digest
    olga = Operator(client)
    olga.confirm(olga.post(ACTIVATIONS, change(first), status=401))

    def act(_number: int) -> int:
        response = Client().post(
            ACTIVATIONS,
            change(first),
            content_type="application/json",
            headers={"Authorization": f"Bearer {olga.secret}"},
        )
        return response.status_code

    answers = sorted(map(int, at_once(act, 2)))  # type: ignore[arg-type]  # what is raised is no number, and fails
    assert answers[0] == 201
    assert answers[1] in {401, 409}
    assert len(list_activations()) == 1


def test_a_change_that_fails_gives_the_confirmation_back(client: Client, world: World) -> None:
    first, second = stored("first").digest, stored("second").digest
    olga = Operator(client)
    told = change(second, expected=first)
    olga.confirm(olga.post(ACTIVATIONS, told, status=401))
    assert olga.post(ACTIVATIONS, told, status=409)["code"] == "stage_changed"
    applied("first")
    assert olga.post(ACTIVATIONS, told)["digest"] == second


def test_going_back_is_to_what_was_confirmed_and_to_nothing_else(client: Client, world: World) -> None:
    first, second = applied("first").digest, applied("second").digest
    olga = Operator(client)
    back = {"because": "Too strict."}
    refused = olga.post("/v1/policy/rollbacks", back, status=401)
    olga.confirm(refused)
    third = applied("third").digest
    assert olga.post("/v1/policy/rollbacks", back, status=401)["code"] == "step_up_required"
    assert read_stage().active == third != first
    olga.confirm(olga.post("/v1/policy/rollbacks", back, status=401))
    assert olga.post("/v1/policy/rollbacks", back)["digest"] == second


def test_who_acts_as_another_changes_no_rules(client: Client, world: World) -> None:
    sam = employ("sam", licensing.VENDOR_TENANT_ID, ["support", "operator"])
    employ("olga", licensing.VENDOR_TENANT_ID, ["operator"])
    of_olga = OF_ALICE | {"tenant": "vendor", "subject": {"type": "account", "id": "olga"}}
    start(client, sam, of_olga, status=403)
    handle = start(client, sam)["session"]
    for action in (Action.BUNDLE_READ, Action.BUNDLE_WRITE, Action.BUNDLE_APPLY):
        assert action not in IMPERSONATED_MAY
        told = ask(client, world.globex_key, body(action, resource=("tiergate", DIGEST), session=handle))
        assert told["decision"] is False
        assert "challenge" not in told["context"]
