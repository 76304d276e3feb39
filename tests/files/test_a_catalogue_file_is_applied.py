"""The catalogue becomes what the file says, by what is printed, and by nothing else."""

from collections.abc import Callable

import psycopg
import pytest

import audit.api
from isolation.api import tenant_transaction
from licensing.api import VENDOR_TENANT_ID
from licensing.models import Action, Feature, Plan, RoleDefault
from tests.files.conftest import SMALL, Apply

pytestmark = pytest.mark.django_db


def test_a_first_file_makes_everything(apply: Apply) -> None:
    ran = apply("catalog", SMALL)
    assert (ran.code, ran.err) == (0, [])
    assert {"+ feature reports", "+ action reports.read", "+ plan free@1", "+ plan business@1"} <= set(ran.out)
    assert "+ add-on more-calls@1" in ran.out
    assert set(Feature.objects.values_list("key", flat=True)) == {"reports", "exports", "calls", "days"}
    assert set(RoleDefault.objects.get(key="owner").privileges) == {"reports.read", "exports.create"}
    assert RoleDefault.objects.get(key="member").privileges == ["reports.read"]


def test_the_same_file_again_writes_nothing(apply: Apply, footprint: Callable[[], list[object]]) -> None:
    apply("catalog", SMALL)
    before = footprint()
    assert apply("catalog", SMALL).out == ["= nothing to change"]
    assert apply("catalog", SMALL, "--prune").out == ["= nothing to change"]
    assert footprint() == before


def test_a_plan_prints_what_applying_would_and_writes_nothing(
    apply: Apply, footprint: Callable[[], list[object]]
) -> None:
    before = footprint()
    planned = apply("catalog", SMALL, "--plan")
    assert footprint() == before
    assert planned.code == 0
    assert apply("catalog", SMALL).out == planned.out


def test_a_plan_exits_with_2_when_asked_to_and_anything_would_change(apply: Apply) -> None:
    assert apply("catalog", SMALL, "--plan", "--exit-code").code == 2
    apply("catalog", SMALL)
    assert apply("catalog", SMALL, "--plan", "--exit-code").code == 0
    shorter = SMALL.replace(
        "  exports.create: {title: Export, feature: exports, resource: report, granted_to: [owner]}\n", ""
    )
    assert apply("catalog", shorter, "--plan", "--exit-code").code == 0, "what is absent stays"
    assert apply("catalog", shorter, "--plan", "--exit-code", "--prune").code == 2


def test_applying_leaves_one_entry_in_the_vendors_trail(apply: Apply) -> None:
    apply("catalog", SMALL)
    apply("catalog", SMALL.replace("title: Exports,", "title: Exporting,"))
    with tenant_transaction(VENDOR_TENANT_ID):
        told = audit.api.list_entries(tenant_id=VENDOR_TENANT_ID, kinds=[audit.api.Kind.CATALOG_APPLIED])
    assert [len(one.payload["changes"]) for one in told] == [11, 1]
    assert told[1].payload["by"] == "manage.py"


def test_a_changed_feature_says_from_what_to_what(apply: Apply) -> None:
    apply("catalog", SMALL)
    other = SMALL.replace("title: Exports, kind: switch", "title: Exports, kind: switch, sensitivity: regulated")
    assert apply("catalog", other).out == ["~ feature exports: sensitivity standard -> regulated"]


def test_changed_terms_are_a_new_version_and_the_old_one_stays_as_it_was(
    apply: Apply, superuser: psycopg.Connection
) -> None:
    apply("catalog", SMALL)
    told = apply("catalog", SMALL.replace("{value: 90}", "{value: 365, requires: {level: aal2}}")).out
    moved = "days 90 -> {value: 365, requirement: {level: aal2}}"
    assert told == [f"+ plan business@2: {moved} (subscriptions on business@1 stay on it)"]
    plan = Plan.objects.get(key="business")
    days = {row.number: row.terms.get(feature__key="days").value for row in plan.versions.all()}
    assert days == {1: 90, 2: 365}
    assert plan.current is not None
    assert plan.current.number == 2


def test_a_changed_price_is_a_new_version_and_a_changed_title_is_not(apply: Apply) -> None:
    apply("catalog", SMALL)
    assert apply("catalog", SMALL.replace("title: Business", "title: Firm")).out == [
        "~ plan business: title Business -> Firm"
    ]
    told = apply("catalog", SMALL.replace("title: Business", "title: Firm").replace("4900", "5900")).out
    assert len(told) == 1
    assert told[0].startswith("+ plan business@2: price {amount: 4900")


def test_going_back_is_the_old_version_again(apply: Apply) -> None:
    apply("catalog", SMALL)
    apply("catalog", SMALL.replace("4900", "5900"))
    assert apply("catalog", SMALL).out[0].startswith("+ plan business@1: price {amount: 5900")
    assert Plan.objects.get(key="business").versions.count() == 2


SHORTER = """\
features:
  reports: {title: Reports, kind: switch, requires: {level: aal1}}
actions:
  reports.read: {title: Read, feature: reports, resource: report, granted_to: [owner]}
plans:
  free: {title: Free, rank: 1, terms: {reports: true}}
"""


def test_what_is_absent_stays_and_is_told(apply: Apply) -> None:
    apply("catalog", SMALL)
    told = apply("catalog", SHORTER).out
    stays = "is not in the file; it stays, unless you say --prune"
    assert [one for one in told if one.startswith("- ")] == [
        f"- action exports.create {stays}",
        f"- role member {stays}",
        f"- plan business {stays}",
        f"- add-on more-calls {stays}",
        f"- feature calls {stays}",
        f"- feature days {stays}",
        f"- feature exports {stays}",
    ]
    assert Action.objects.filter(name="exports.create").exists()
    assert "exports.create" in RoleDefault.objects.get(key="owner").privileges, "it works for whom it worked for"


def test_pruning_removes_what_nothing_stands_on_and_says_what_stays(apply: Apply) -> None:
    apply("catalog", SMALL.replace("features:\n", "features:\n  spare: {title: Spare, kind: switch}\n"))
    told = apply("catalog", SHORTER, "--prune").out
    assert "- action exports.create" in told
    assert "- role member" in told
    assert "- feature spare" in told
    assert "- plan business@1: off sale; who is on it stays on it" in told
    assert sum(one.startswith("! The feature ") for one in told) == 3
    assert not Action.objects.filter(name="exports.create").exists()
    assert Plan.objects.get(key="business").current is None
    assert RoleDefault.objects.get(key="owner").privileges == ["reports.read"]
    again = apply("catalog", SHORTER, "--prune").out
    assert again[0] == "= nothing to change"


def test_a_privilege_taken_from_a_role_is_gone(apply: Apply) -> None:
    apply("catalog", SMALL)
    told = apply("catalog", SMALL.replace("granted_to: [owner, member]", "granted_to: [owner]")).out
    assert told[0] == "~ role member: privileges [reports.read] -> []"
    assert RoleDefault.objects.get(key="member").privileges == []


@pytest.mark.parametrize(
    ("old", "new", "is_warned"),
    [
        ("{level: aal1}", "{level: aal2}", False),
        ("{level: aal2}", "{level: aal1}", True),
        ("{level: aal2, max_age: 60}", "{level: aal2}", True),
        ("{level: aal2}, sensitivity: regulated", "{level: aal2}", True),
        ("{level: aal2}", "{level: aal2, scope: action}", False),
    ],
)
def test_whoever_asks_less_than_before_is_warned_of(apply: Apply, old: str, new: str, is_warned: bool) -> None:  # noqa: FBT001
    apply("catalog", SMALL.replace("{level: aal1}", old))
    told = apply("catalog", SMALL.replace("{level: aal1}", new)).out
    assert told[0].startswith("~ feature reports: ")
    assert told[1:] == ["! feature reports asks less of people than it did"] * is_warned


def test_a_value_that_cannot_be_stored_is_told_on_its_plans_line(apply: Apply) -> None:
    ran = apply("catalog", SMALL.replace("{value: 90}", f"{{value: {'x' * 17_000}}}"))
    assert ran.code == 1
    assert ran.err[0].startswith("catalog.yaml:14: ")
