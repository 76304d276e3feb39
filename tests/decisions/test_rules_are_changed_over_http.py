"""Rules are stored, looked at, tried and put in force over HTTP: each change confirmed by itself, and told."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from decisions.policy import views_activating
from decisions.policy.making import make_plans
from decisions.policy.storing import STORE_LIMIT, list_bundles
from isolation import clock
from tests.decisions.asking import ask, body, store_routine_records
from tests.decisions.bundles import files, stored
from tests.decisions.conftest import World
from tests.decisions.operators import get, publisher

ACTIVATIONS = "/v1/policy/activations"


@pytest.fixture
def key(world: World) -> str:
    """Let a job store rules, and put them in force."""
    assert world.acme_key
    return publisher()


def store(client: Client, key: str, name: str = "acme", *, status: int = 201, **how: str) -> Any:
    return ask(client, key, {"files": files(name, **how)}, path="/v1/policy/bundles", status=status)


def apply(client: Client, key: str, digest: str | None, mode: str = "active", *, status: int = 201, **how: Any) -> Any:
    given = {"digest": digest, "mode": mode, "because": "It was reviewed.", **how}
    return ask(client, key, given, path=ACTIVATIONS, status=status)


def outcome(client: Client, world: World, key: str | None = None, tenant: Any = None) -> tuple[str, str]:
    """Ask through the AuthZEN door who may read reports; give the outcome and the bundle that it rests on."""
    session = world.asserted(tenant=tenant)
    context = ask(client, key or world.acme_key, body(session=session))["context"]
    return context["outcome"], context.get("bundle_version", "")


def test_from_the_first_bundle_to_the_way_back(client: Client, world: World, key: str) -> None:
    calm, strict = store(client, key, "calm", says="aal2")["digest"], store(client, key, "strict")["digest"]
    assert outcome(client, world) == ("allow", "")
    apply(client, key, calm)
    assert outcome(client, world) == ("step_up", calm)
    apply(client, key, strict, "shadow")
    assert outcome(client, world) == ("step_up", calm)
    store_routine_records()
    plan = ask(client, key, {"digest": strict}, path="/v1/policy/plans", status=202)
    assert plan["status"] == "waiting"
    make_plans(clock=clock.now, until=clock.now() + timedelta(seconds=30))
    plan = get(client, key, f"/v1/policy/plans/{plan['id']}")
    assert (plan["status"], plan["done"]) == ("done", plan["total"])
    assert plan["report"]["changes"]["newly_refused"] > 0
    assert strict[:12] in plan["markdown"]
    apply(client, key, strict, "staged", tenants=["acme"])
    assert outcome(client, world) == ("deny", strict)
    assert outcome(client, world, world.globex_key, world.globex) == ("step_up", calm)
    shown = get(client, key, "/v1/policy")
    assert shown["active"] | {"activated_at": ""} == {
        "digest": calm,
        "name": "calm",
        "activated_at": "",
        "by": "credential:policy-ci",
        "because": "It was reviewed.",
    }
    assert shown["candidate"] == {
        "digest": strict,
        "name": "strict",
        "mode": "staged",
        "tenants": ["acme"],
        "percent": 0,
    }
    apply(client, key, strict)
    assert outcome(client, world, world.globex_key, world.globex) == ("deny", strict)
    back = ask(client, key, {"because": "Too strict.", "expected": strict}, path="/v1/policy/rollbacks", status=201)
    assert (back["digest"], back["mode"]) == (calm, "rollback")
    assert outcome(client, world) == ("step_up", calm)
    history = get(client, key, ACTIVATIONS)
    assert [one["mode"] for one in history["items"]] == ["rollback", "active", "staged", "shadow", "active"]
    assert "went back to calm" in history["items"][0]["sentence"]
    assert history["next"] is None


def test_whoever_brings_one_bundle_after_the_other_has_to_wait(client: Client, world: World, key: str) -> None:
    path = "/v1/policy/bundles"
    store(client, key)
    for _ in range(STORE_LIMIT.attempts - 1):
        # What is none costs a server, too.
        ask(client, key, {"files": {"bundle.yaml": "x"}}, path=path, status=422)
    refused = client.post(
        path, {"files": files()}, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= STORE_LIMIT.pause.total_seconds() + 1
    # Others go on, and so does this one with whatever else it may.
    assert store(client, publisher(name="other-ci"), "second")["is_new"]
    assert get(client, key, path)["items"]


def test_what_is_stored_can_be_looked_at_and_compared(client: Client, world: World, key: str) -> None:
    first = store(client, key, "first")
    assert (first["rules"], first["cases"], first["findings"], first["signed_by"]) == (1, 2, [], None)
    again = store(client, key, "first", status=200)
    assert again | {"is_new": True} == first
    second = store(client, key, "second", says="aal2")["digest"]
    listed = get(client, key, "/v1/policy/bundles")
    assert [(one["name"], one["rules"]) for one in listed["items"]] == [("second", 1), ("first", 1)]
    assert listed["next"] is None
    shown = get(client, key, f"/v1/policy/bundles/{second}")
    assert (shown["files"], shown["stored_by"]) == (files("second", says="aal2"), "credential:policy-ci")
    told = get(client, key, f"/v1/policy/bundles/{second}/diff?against={first['digest']}")
    assert "--- a/rules/a.yaml\n+++ b/rules/a.yaml\n@@ -1,5 +1,5 @@\n" in told
    assert "-  forbid: true\n-  because: It is first.\n+  require: {level: aal2}\n" in told
    for path in (f"/v1/policy/bundles/{'0' * 64}", f"/v1/policy/bundles/{second}/diff?against=x"):
        assert get(client, key, path, status=404)["code"] == "bundle_not_found"


def test_a_change_that_cannot_be_is_refused_with_its_reason(client: Client, world: World, key: str) -> None:
    digest = store(client, key)["digest"]
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"digest": "0" * 64}, 404, "bundle_not_found"),
        ({"digest": digest, "expected": digest}, 409, "stage_changed"),
        ({"digest": digest, "mode": "staged"}, 400, "stage_refused"),
        ({"digest": digest, "percent": 5}, 400, "stage_refused"),
        ({"digest": None, "mode": "shadow"}, 400, "stage_refused"),
        ({"digest": digest, "mode": "staged", "tenants": ["nobody"]}, 404, "tenant_not_found"),
        ({"digest": None, "mode": "withdraw"}, 409, "nothing_to_undo"),
    ]
    for given, status, code in refused:
        body = {"mode": "active", "because": "It was reviewed."} | given
        assert ask(client, key, body, path=ACTIVATIONS, status=status)["code"] == code, given
    back = {"because": "Too strict."}
    assert ask(client, key, back, path="/v1/policy/rollbacks", status=409)["code"] == "nothing_to_undo"
    bad = {**files(), "tests/a.yaml": files(says="aal2")["tests/a.yaml"]}
    untested = ask(client, key, {"files": bad}, path="/v1/policy/bundles", status=422)
    assert (untested["code"], untested["errors"][0]["file"]) == ("bundle_untested", "tests/a.yaml")
    promise = "- {id: p, on: {actions: [other.read]}, never_below: {level: aal2}, owner: security}\n"
    unproved = ask(
        client, key, {"files": {**files(), "invariants/a.yaml": promise}}, path="/v1/policy/bundles", status=422
    )
    assert (unproved["code"], unproved["errors"][0]["line"]) == ("bundle_unproved", 1)
    assert get(client, key, ACTIVATIONS)["items"] == []


def test_history_is_read_page_by_page(client: Client, world: World, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_activating, "_PAGE", 2)
    digest = store(client, key)["digest"]
    for _ in range(3):
        apply(client, key, digest)
    first = get(client, key, ACTIVATIONS)
    assert ([one["number"] for one in first["items"]], first["next"]) == ([3, 2], "2")
    last = get(client, key, f"{ACTIVATIONS}?cursor={first['next']}")
    assert ([one["number"] for one in last["items"]], last["next"]) == ([1], None)
    for odd in ("x", "-1", "9" * 30):
        assert get(client, key, f"{ACTIVATIONS}?cursor={odd}", status=400)["code"] == "bad_request"


def test_bundles_are_listed_page_by_page_and_by_as_many_questions_however_many(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    key, names = publisher(), [f"bundle-{number}" for number in range(5)]
    for name in names:
        stored(name)
    monkeypatch.setattr("decisions.policy.views._PAGE", 2)
    found: list[str] = []
    cursor, pages = "", 0
    while True:
        page = get(client, key, f"/v1/policy/bundles?cursor={cursor}")
        found, pages = found + [one["name"] for one in page["items"]], pages + 1
        if page["next"] is None:
            break
        cursor = page["next"]
    assert (found, pages) == (names[::-1], 3)
    assert get(client, key, f"/v1/policy/bundles?cursor={'0' * 64}", status=404)["code"] == "bundle_not_found"
    with django_assert_max_num_queries(2):
        assert len(list_bundles()) == 5
