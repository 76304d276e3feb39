"""A version is drafted, compared, published and retired; tenants are moved as they were shown, and no other way."""

from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

import audit.api
from isolation.api import tenant_transaction
from licensing import api
from licensing.models import PlanMigrationTenant
from licensing.plans.effects import effect_sentences
from tests.licensing.conftest import AAL3, NOON, later
from tests.licensing.test_http import ALL, Caller
from tests.licensing.test_subscriptions_and_overrides import asked, exports, subscribe
from tiergate import Requirement, ResetPeriod, Term, Verb

pytestmark = pytest.mark.usefixtures("catalogue")

BY: dict[str, Any] = {"by": "test", "at": NOON}


def draft(*put: Term, plan: str = "business", **more: Any) -> str:
    ref = str(api.begin_draft(plan=plan, **BY).ref)
    api.edit_draft(ref=ref, put=put, **more, **BY)
    return ref


def publish(*put: Term, **more: Any) -> str:
    ref = draft(*put, **more)
    api.publish_version(ref=ref, **BY)
    return ref


@pytest.fixture
def tenants(catalogue: None) -> dict[str, UUID]:
    """Three who are on business@1, and one who is not."""
    found = {
        one: api.put_tenant(slug=one, name=one, by="test", at=NOON)[0].id for one in ("acme", "bolt", "core", "dove")
    }
    for slug, tenant_id in found.items():
        subscribe(tenant_id, "starter" if slug == "dove" else "business", 0)
    return found


def versions(tenants: dict[str, UUID], days: float) -> dict[str, str]:
    told = {slug: api.get_subscription(tenant_id=one, at=later(days)) for slug, one in tenants.items()}
    return {slug: f"{one.plan}@{one.version}" for slug, one in told.items()}


def test_a_draft_is_nobodys_until_it_is_published_and_fixed_from_then_on(acme: UUID) -> None:
    ref = draft(Term(feature="seats", limit=50), price=api.Price(amount=5900, currency="eur", interval="month"))
    with pytest.raises(api.UnknownPlan):
        subscribe(acme, "business", 0, version=2)
    with pytest.raises(api.UnknownPlan):
        api.settle_subscription(tenant_id=acme, plan="business", version=2, at=NOON)
    assert subscribe(acme, "business", 0).version == 1
    api.publish_version(ref=ref, **BY)
    assert subscribe(acme, "business", 1, version=2).version == 2
    for change in (lambda: api.edit_draft(ref=ref, remove=["seats"], **BY), lambda: api.discard_draft(ref=ref, **BY)):
        with pytest.raises(api.CatalogueConflict):
            change()


def test_a_draft_that_says_what_a_version_says_is_not_published_twice() -> None:
    ref = draft()
    with pytest.raises(api.CatalogueConflict, match="business@1"):
        api.publish_version(ref=ref, **BY)
    api.discard_draft(ref=ref, **BY)
    assert [str(one.ref) for one in api.list_versions() if one.ref.key == "business"] == ["business@1"]


def test_publishing_moves_nobody_and_going_back_is_publishing_again(acme: UUID) -> None:
    subscribe(acme, "business", 0)
    publish(Term(feature="seats", limit=50))
    assert api.entitlements_at(tenant_id=acme, at=later(1))["seats"].limit == 40
    api.publish_version(ref="business@1", **BY)
    assert api.get_version(ref="business@1").is_on_sale


def test_a_retired_version_is_kept_by_who_has_it_and_had_by_nobody_else(acme: UUID) -> None:
    subscribe(acme, "business", 0)
    api.retire_version(ref="business@1", **BY)
    assert exports(acme, 1).is_granted
    assert subscribe(acme, "business", 1, version=1).version == 1
    other = api.put_tenant(slug="bolt", name="Bolt", by="test", at=NOON)[0].id
    for number in (None, 1):
        with pytest.raises(api.UnknownPlan):
            subscribe(other, "business", 0, version=number)


def test_a_plan_may_begin_as_a_draft(acme: UUID) -> None:
    ref = draft(Term(feature="reports", value=True), plan="gold")
    assert [one["key"] for one in _on_sale()] == ["starter", "business", "regulated"]
    api.publish_version(ref=ref, **BY)
    assert subscribe(acme, "gold", 0).plan == "gold"


def _on_sale() -> list[dict[str, Any]]:
    _status, shown = Caller(api.VENDOR_TENANT_ID).get("/v1/catalog")
    return [one for one in shown["plans"] if one["version"]]


def test_what_differs_is_told_as_data_and_in_sentences() -> None:
    new = draft(
        Term(feature="exports", value=True, requirement=Requirement(level=AAL3.level)),
        Term(feature="seats", limit=50),
        remove=["reports"],
        price=api.Price(amount=5900, currency="eur", interval="month"),
        grace_days=14,
    )
    found = api.diff_versions(old="business@1", new=new)
    assert [(one.what.value, one.key) for one in found] == [
        ("price", ""),
        ("grace", ""),
        ("level", "exports"),
        ("feature", "reports"),
        ("limit", "seats"),
    ]
    assert [one.sentence for one in found][1:] == [
        "Grace after a failed payment lasts 14 days; it was 7.",
        "exports asks level aal3; it asked level aal2, max_age 300 (less).",
        "reports: not included; it was included.",
        "seats: 50; it was 40.",
    ]
    assert api.diff_versions(old=new, new=new) == []


def test_a_preview_says_who_gains_and_loses_what_and_moves_nobody(tenants: dict[str, UUID]) -> None:
    api.put_override(
        tenant_id=tenants["bolt"], feature="seats", effect="value", limit=99, reason="agreed", by="test", at=NOON
    )
    new = publish(
        Term(feature="seats", limit=30), Term(feature="exports", value=True, requirement=AAL3), remove=["reports"]
    )
    preview = api.preview_migration(from_version="business@1", to_version=new, at=later(1))
    found = {one.slug: one.effect for one in preview.tenants}
    assert set(found) == {"acme", "bolt", "core"}
    assert found["acme"].loses == ("reports",)
    assert [(one.feature, one.old["limit"], one.new["limit"]) for one in found["acme"].limits] == [("seats", 40, 30)]
    assert [(one.feature, one.new["level"]) for one in found["acme"].assurance] == [("exports", "aal3")]
    assert found["bolt"].limits == (), "what was agreed with it alone stays"
    assert set(versions(tenants, 2).values()) == {"business@1", "starter@1"}


def test_a_preview_says_which_limits_turn_hard_or_let_nothing_go_on(tenants: dict[str, UUID]) -> None:
    soft = publish(Term(feature="seats", limit=40, reset_period=ResetPeriod.MONTH, overage=True, rollover=5))
    hard = publish(Term(feature="seats", limit=40, reset_period=ResetPeriod.MONTH))
    api.put_subscription(tenant_id=tenants["acme"], plan="business", version=2, by="test", at=NOON)
    (shown,) = api.preview_migration(from_version=soft, to_version=hard, at=later(1)).tenants
    assert effect_sentences(shown.effect) == [
        "seats: 40/month, more as overage, 5 of which may go on -> 40/month",
    ]


def test_a_move_goes_on_where_it_stopped_and_moves_nobody_twice(tenants: dict[str, UUID]) -> None:
    new = publish(Term(feature="seats", limit=50))
    digest = api.preview_migration(from_version="business@1", to_version=new, at=later(1)).digest
    lefts = [api.run_migration(digest=digest, by="test", at=later(2), limit=2).left for _ in range(3)]
    assert lefts == [1, 0, 0]
    assert versions(tenants, 3) == {"acme": new, "bolt": new, "core": new, "dove": "starter@1"}
    with tenant_transaction(tenants["acme"]):
        kinds = {audit.api.Kind.SUBSCRIPTION_CHANGED}
        told = audit.api.list_entries(tenant_id=tenants["acme"], kinds=kinds)
    assert [one.payload.get("because", "") for one in told] == ["", f"moved with {digest[:12]}"]


def test_what_the_preview_did_not_show_is_not_done(tenants: dict[str, UUID]) -> None:
    new = publish(Term(feature="seats", limit=50))
    digest = api.preview_migration(from_version="business@1", to_version=new, at=later(1)).digest
    api.put_override(
        tenant_id=tenants["acme"], feature="seats", effect="value", limit=9, reason="agreed", by="test", at=later(1)
    )
    subscribe(tenants["bolt"], "starter", 1)
    subscribe(tenants["dove"], "business", 1, version=1)
    progress = api.run_migration(digest=digest, by="test", at=later(2))
    assert (progress.moved, [slug for slug, _why in progress.refused]) == (1, ["acme", "bolt"])
    assert versions(tenants, 3) == {"acme": "business@1", "bolt": "starter@1", "core": new, "dove": "business@1"}
    with pytest.raises(api.MigrationNotFound):
        api.run_migration(digest="0" * 64, by="test", at=later(2))


def test_a_version_that_was_retired_meanwhile_is_moved_to_by_nobody(tenants: dict[str, UUID]) -> None:
    new = publish(Term(feature="seats", limit=50))
    digest = api.preview_migration(from_version="business@1", to_version=new, at=later(1)).digest
    api.retire_version(ref=new, **BY)
    assert api.run_migration(digest=digest, by="test", at=later(2)).moved == 0


def test_a_move_asks_no_less_of_a_regulated_feature_and_shows_that(acme: UUID) -> None:
    subscribe(acme, "regulated", 0)
    new = publish(Term(feature="exports", value=True), plan="regulated")
    preview = api.preview_migration(from_version="regulated@1", to_version=new, tenants=[acme], at=later(1))
    assert preview.tenants[0].effect.assurance == ()
    api.run_migration(digest=preview.digest, by="test", at=later(1))
    assert asked(acme, 2) == AAL3


def test_who_is_billed_for_the_version_of_before_is_not_moved_back_by_billing(acme: UUID) -> None:
    settle: dict[str, Any] = {"tenant_id": acme, "version": 1, "external_id": "sub_1"}
    api.settle_subscription(plan="business", at=NOON, **settle)
    new = publish(Term(feature="seats", limit=50))
    preview = api.preview_migration(from_version="business@1", to_version=new, at=later(1))
    api.run_migration(digest=preview.digest, by="test", at=later(1))
    assert not api.settle_subscription(plan="business", at=later(2), **settle)
    assert api.settle_subscription(plan="business", status="past_due", at=later(3), **settle)
    assert api.get_subscription(tenant_id=acme, at=later(4)).version == 2
    assert api.settle_subscription(plan="starter", at=later(5), **settle)
    assert api.get_subscription(tenant_id=acme, at=later(6)).plan == "starter"


def test_an_add_on_is_moved_as_a_plan_is_and_stays_moved_whatever_billing_says_again(acme: UUID) -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="pack", kind="add_on", terms=(Term(feature="seats", limit=5),)))
    settle: dict[str, Any] = {"tenant_id": acme, "plan": "business", "version": 1, "add_ons": [("pack", 1)]}
    api.settle_subscription(external_id="sub_1", at=NOON, **settle)
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="pack", kind="add_on", terms=(Term(feature="seats", limit=7),)))
    moving: dict[str, Any] = {"from_version": "add_on:pack@1", "to_version": "add_on:pack@2"}
    preview = api.preview_migration(**moving, at=later(1))
    (shown,) = preview.tenants
    assert [(one.old["limit"], one.new["limit"]) for one in shown.effect.limits] == [(45, 47)]
    assert api.run_migration(digest=preview.digest, by="test", at=later(1)).moved == 1
    held = api.get_subscription(tenant_id=acme, at=later(1))
    assert (held.plan, held.version, held.add_ons) == ("business", 1, (("pack", 2),))
    assert not api.settle_subscription(external_id="sub_1", at=later(2), **settle)
    for day, status in ((3, "past_due"), (4, "active")):
        assert api.settle_subscription(external_id="sub_1", status=status, at=later(day), **settle)
        assert api.get_subscription(tenant_id=acme, at=later(day)).add_ons == (("pack", 2),)
    with pytest.raises(api.UnknownPlan):
        api.preview_migration(from_version="add_on:pack@1", to_version="business@1", at=later(1))


def test_the_operator_does_all_of_it_over_http(tenants: dict[str, UUID]) -> None:
    vendor = Caller(api.VENDOR_TENANT_ID, [*ALL, Verb.CATALOG_WRITE])

    def post(path: str, **body: Any) -> tuple[int, Any]:
        response = vendor.client.post(f"/v1/plans/{path}", body, content_type="application/json")
        return response.status_code, response.json()

    status, begun = post("versions", plan="business")
    assert (status, begun["ref"], begun["status"]) == (201, "business@2", "draft")
    changed = vendor.client.patch(
        "/v1/plans/versions/business@2",
        {"put": [{"feature": "seats", "limit": 50}], "price": None},
        content_type="application/json",
    )
    assert (changed.status_code, changed.json()["price"]) == (200, None)
    _, told = vendor.get("/v1/plans/versions/business@1/diff/business@2")
    assert [one["what"] for one in told["items"]] == ["price", "limit"]
    assert post("versions/business@2/publish")[0] == 200
    status, shown = post("migrations", from_version="business@1", to_version="business@2")
    assert (status, shown["tenants"][0]["sentences"]) == (201, ["seats: 40 -> 50"])
    assert post(f"migrations/{shown['digest']}", limit=2)[1]["left"] == 1
    assert post(f"migrations/{shown['digest']}")[1]["left"] == 0
    assert post("versions/business@1/retire")[1]["status"] == "retired"
    assert vendor.get("/v1/plans/versions/business@9")[0] == 404
    assert vendor.get("/v1/plans/versions/nonsense")[0] == 400


def test_a_tenants_own_credential_sees_no_draft(acme: UUID) -> None:
    draft()
    own = Caller(acme, [Verb.CATALOG_READ])
    assert own.get("/v1/catalog")[0] == 200
    assert own.get("/v1/plans/versions")[0] == 403


def test_the_command_does_all_of_it_too(tenants: dict[str, UUID], capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        call_command("plans", *words)
        return capsys.readouterr().out

    assert '"ref": "business@2"' in told("draft", "business", "--put", '{"feature": "seats", "limit": 50}')
    told("draft", "business@2", "--price", "5900:eur:month")
    assert "seats: 50; it was 40." in told("diff", "business@1", "business@2")
    assert "on sale" in told("publish", "business@2")
    assert "business@2" in told("list")
    lines = told("migrate", "business@1", "business@2").splitlines()
    assert "acme: seats: 40 -> 50" in lines
    assert PlanMigrationTenant.objects.count() == 3
    assert "3 moved, 0 refused, 0 left" in told("migrate", "--run", lines[-1].split()[-1])
    with pytest.raises(CommandError, match="no version"):
        told("show", "business@7")
