"""Tenants and people become what the file says, by what is printed, and by nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

import licensing.api
from authlevels.models import TotpDevice, User
from authlevels.tenant_file.applying import apply_tenants
from authlevels.tenant_file.desired import desired_tenants
from licensing.catalog_file.source import read_text
from tests import rows
from tests.files.conftest import SMALL, TENANTS, Apply

pytestmark = pytest.mark.django_db

NOBODY_LEFT = "A workspace keeps at least one owner: make somebody else an owner first."
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _sold(apply: Apply, db: None, worlds: rows.Worlds) -> None:
    """Sell what the small file says: applied once, then put back row by row."""
    assert worlds.put_back("small_catalogue", lambda: apply("catalog", SMALL)).code == 0


def acme() -> UUID:
    return licensing.api.get_tenant("acme").id


def changed(old: str, new: str) -> str:
    assert TENANTS.count(old) == 1, f"{old!r} must stand once in the tenants file"
    return TENANTS.replace(old, new)


def test_a_first_file_makes_everything(apply: Apply) -> None:
    ran = apply("tenants", TENANTS)
    assert ran.err == []
    assert ran.out == [
        "+ user alice",
        "+ tenant acme",
        "+ member acme account:alice: [owner]",
        "+ member acme user:42: [member]",
        "+ factor acme user:42",
        "+ subscription acme: free@1",
        "+ override acme exports: value",
    ]
    assert User.objects.get(subject_id="42").realm == acme()
    assert TotpDevice.objects.filter(confirmed=True).count() == 2


def test_the_same_file_again_writes_nothing(apply: Apply, footprint: Callable[[], list[object]]) -> None:
    apply("tenants", TENANTS)
    before = footprint()
    assert apply("tenants", TENANTS).out == ["= nothing to change"]
    assert apply("tenants", TENANTS, "--prune").out == ["= nothing to change"]
    assert footprint() == before


def test_a_plan_prints_what_applying_would_and_writes_nothing(
    apply: Apply, footprint: Callable[[], list[object]]
) -> None:
    before = footprint()
    planned = apply("tenants", TENANTS, "--plan", "--exit-code")
    assert planned.code == 2
    assert footprint() == before
    assert apply("tenants", TENANTS).out == planned.out
    assert apply("tenants", TENANTS, "--plan", "--exit-code").code == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: Acme", "name: Acme Ltd", '~ tenant acme: name Acme -> "Acme Ltd"'),
        ("name: Acme", "name: Acme\n    status: suspended", "~ tenant acme: status active -> suspended"),
        ("[member]", "[admin]", "~ member acme user:42: roles [member] -> [admin]"),
        ("display_name: Ines", "active: false", "~ member acme user:42: active true -> false"),
        ("{plan: free}", "{plan: business}", "~ subscription acme: plan free@1 -> business@1"),
        ("{plan: free}", "{plan: free, status: past_due}", "~ subscription acme: status active -> past_due"),
        ("{plan: free}", "{plan: free, add_ons: [more-calls]}", "~ subscription acme: add_ons [] -> [more-calls@1]"),
        ("value: true", "value: false", "~ override acme exports: value true -> false"),
        (
            "totp_secret: ALICE",
            "password: alice-reads-reports, totp_secret: ALICE",
            "~ user alice: password former -> new",
        ),
        ("totp_secret: ALICE", "totp_secret: BLICE", "~ user alice: totp former -> new"),
        ("alice@acme", "al@acme", "~ user alice: email former -> new"),
        (
            "    members:",
            "    environments: {live: production}\n    members:",
            "~ environments acme: live none -> production",
        ),
        ("    members:", "    roles: {clerk: {privileges: [reports.read]}}\n    members:", "+ role acme clerk"),
    ],
)
def test_one_change_is_one_line(apply: Apply, old: str, new: str, told: str) -> None:
    apply("tenants", TENANTS)
    assert apply("tenants", changed(old, new)).out == [told]


def test_what_the_file_does_not_say_stays(apply: Apply) -> None:
    apply("tenants", changed("{plan: free}", "{plan: free, status: past_due, add_ons: [more-calls], to: 2031-01-01}"))
    apply("tenants", TENANTS)
    held = licensing.api.get_subscription(tenant_id=acme(), at=NOW + timedelta(days=365))
    assert (held.status, held.add_ons, held.active_to) == (
        "past_due",
        (("more-calls", 1),),
        datetime(2031, 1, 1, tzinfo=UTC),
    )
    assert (
        "to 2031-01-01T00:00:00+00:00 -> none"
        in apply("tenants", changed("{plan: free}", "{plan: free, to: null}")).out[0]
    )


def test_a_new_version_of_a_plan_moves_nobody(apply: Apply) -> None:
    apply("tenants", TENANTS)
    apply("catalog", SMALL.replace("limit: 10", "limit: 20"))
    assert apply("tenants", TENANTS).out == ["= nothing to change"]
    assert apply("tenants", changed("{plan: free}", "{plan: free, version: 2}")).out == [
        "~ subscription acme: plan free@1 -> free@2"
    ]


def test_members_and_overrides_that_are_absent_stay_unless_pruned(apply: Apply) -> None:
    apply("tenants", TENANTS)
    shorter = TENANTS[: TENANTS.index("      user:42")] + "    overrides: []\n"
    told = apply("tenants", shorter).out
    assert told[0] == "= nothing to change"
    assert [one.split(" is ")[0] for one in told[1:]] == ["- member acme user:42", "- override acme exports"]
    assert apply("tenants", shorter, "--prune").out == ["- member acme user:42", "- override acme exports"]
    assert licensing.api.get_member(tenant_id=acme(), subject_type="user", subject_id="42") is None


def test_a_file_hands_a_workspace_over_and_never_leaves_it_without_an_owner(apply: Apply) -> None:
    apply("tenants", TENANTS)
    lower = changed("[owner]", "[admin]")
    assert apply("tenants", lower).err == [f"tenants.yaml:7: {NOBODY_LEFT}"]
    without = TENANTS.replace("      account:alice: [owner]\n", "")
    assert apply("tenants", without, "--prune").err == [f"tenants.yaml:6: {NOBODY_LEFT}"]
    assert apply("tenants", lower.replace("[member]", "[owner]")).out == [
        "~ member acme user:42: roles [member] -> [owner]",
        "~ member acme account:alice: roles [owner] -> [admin]",
    ]
    closed = without.replace("name: Acme", "name: Acme\n    status: closed")
    assert apply("tenants", closed, "--prune").code == 0
    assert [one.subject_id for one in licensing.api.list_members(tenant_id=acme())] == ["42"]


def test_an_override_that_is_over_is_passed_by(apply: Apply) -> None:
    ran = apply("tenants", changed("reason: A trial", "reason: A trial, expires: 2020-01-01"))
    assert ran.code == 0
    assert ran.out[-1].startswith("! override acme exports is over since 2020-01-01")


def test_a_plan_that_begins_later_does_not_hold_yet() -> None:
    text = changed("{plan: free}", "{plan: free, from: 2026-12-01, to: 2027-01-01T00:00:00+01:00}")
    desired = desired_tenants(read_text("t.yaml", text.encode()))
    apply_tenants(desired, by="a test", at=NOW)
    held = licensing.api.get_subscription(tenant_id=acme(), at=datetime(2026, 12, 1, tzinfo=UTC))
    assert held.active_to == datetime(2026, 12, 31, 23, tzinfo=UTC)
    with pytest.raises(licensing.api.SubscriptionNotFound):
        licensing.api.get_subscription(tenant_id=acme(), at=NOW)
    assert apply_tenants(desired, by="a test", at=NOW).changes == ()


def test_the_vendor_gets_operators_and_no_tenant_does(apply: Apply) -> None:
    operator = "  vendor: {members: {account:alice: [operator]}}\n"
    assert apply("tenants", TENANTS + operator).out[-1] == "+ member vendor account:alice: [operator]"
    for wrong in (
        TENANTS + operator.replace("[operator]", "[owner]"),
        TENANTS + operator.replace("[operator]", "[]"),
        TENANTS + operator.replace("members", "name: Mine, members"),
        changed("[owner]", "[operator]"),
    ):
        assert apply("tenants", wrong).code == 1


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("{plan: free}", "{plan: gold}", 9, ""),
        ("{plan: free}", "{plan: free, version: 9}", 9, ""),
        ("{plan: free}", "{plan: free, add_ons: [gold]}", 9, ""),
        ("{plan: free}", "{plan: free, from: 2027-01-02, to: 2027-01-01}", 9, "later"),
        ("{plan: free}", "{plan: free, from: 2027-02-30}", 9, "is no day or time that exists: 2027-02-30."),
        ("{plan: free}", "{plan: free, from: tomorrow}", 9, "must be an instant such as"),
        ("{plan: free}", "{plan: free, from: 20270101}", 9, "must be text, not 20270101 (an instant such as"),
        ("{plan: free}", "{plan: free, from: 2027-01-01T00:00:00}", 9, "must be an instant such as"),
        ("feature: exports", "feature: nothing", 11, ""),
        ("value: true", "limit: 3", 11, "is a switch"),
        ("effect: value", "effect: inherit", 11, "carries no value"),
        ("reason: A trial", "reason: ' '", 11, ""),
        (
            "reason: A trial}",
            "reason: A}\n      - {feature: exports, effect: removed, reason: B}",
            12,
            "like that on line 11",
        ),
        ("[owner]", "[boss]", 7, "boss"),
        ("account:alice:", "account:bob:", 7, "account:bob is nobody"),
        ("account:alice:", "alice:", 7, "a subject such as account:alice"),
        ("[owner]", "{roles: [owner], totp_secret: ALICEALICEALICEALICEALICEALICEAA}", 7, "among the users"),
        ("[owner]", "{display_name: Alice}", 7, "lacks roles"),
        ("[owner]", "owner", 7, "must be a list or a mapping, not the text 'owner'"),
        ("  acme:\n", "  Acme:\n", 4, "cannot be a key"),
        ("name: Acme", "name: 7", 5, "must be text, not 7"),
        ("name: Acme", "name: Acme\n    status: gone", 6, "must be one of active, suspended, closed"),
        ("    members:", "    roles: {clerk: {privileges: [operator.admin]}}\n    members:", 6, "vendor"),
        ("  alice: {", "  al@ice: {", 2, "cannot be a key"),
        ("totp_secret: ALICE", "password: password, totp_secret: ALICE", 2, "The password of user alice is refused."),
    ],
)
def test_a_mistake_is_told_on_its_line_and_nothing_is_written(
    apply: Apply, footprint: Callable[[], list[object]], old: str, new: str, line: int, said: str
) -> None:
    before = footprint()
    ran = apply("tenants", changed(old, new))
    assert (ran.code, ran.out) == (1, [])
    assert any(one.startswith(f"tenants.yaml:{line}: ") and said in one for one in ran.err), ran.err
    assert footprint() == before


def test_every_mistake_of_the_doors_is_told_at_once(apply: Apply) -> None:
    text = (
        changed("{plan: free}", "{plan: gold}")
        .replace("feature: exports", "feature: nothing")
        .replace("[owner]", "[boss]")
    )
    assert [one.split(" ")[0] for one in apply("tenants", text).err] == [f"tenants.yaml:{line}:" for line in (7, 9, 11)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("totp_secret: ALICE", "password: 71717171717, totp_secret: ALICE"),
        ("totp_secret: ALICE", "password: '717', totp_secret: ALICE"),
        ("totp_secret: ALICE", "password: 717171717171717171717171, totp_secret: ALICE"),
        ("ALICEALICEALICEALICEALICEALICEAA", "A717717717"),
        ("ALICEALICEALICEALICEALICEALICEAA", "[A717717717]"),
    ],
)
def test_a_secret_that_is_wrong_is_not_shown(apply: Apply, old: str, new: str) -> None:
    ran = apply("tenants", changed(old, new))
    assert ran.code == 1
    assert ran.err
    assert "717" not in "".join(ran.err)


def test_a_password_lets_its_person_in_and_the_same_again_writes_nothing(
    apply: Apply, footprint: Callable[[], list[object]]
) -> None:
    text = changed("totp_secret: ALICE", "password: alice-reads-reports, totp_secret: ALICE")
    apply("tenants", text)
    before = footprint()
    assert apply("tenants", text).out == ["= nothing to change"]
    assert footprint() == before
    assert User.objects.get(subject_id="alice").check_password("alice-reads-reports")


def test_an_address_belongs_to_one_person(apply: Apply) -> None:
    ran = apply("tenants", changed("tenants:\n", "  bob: {email: Alice@acme.example}\ntenants:\n"))
    assert ran.err == ["tenants.yaml:3: The e-mail address of user bob is another person's."]


def test_a_downgrade_keeps_what_a_regulated_feature_asked(apply: Apply, superuser: psycopg.Connection) -> None:
    regulated = SMALL.replace("title: Exports, kind: switch", "title: Exports, kind: switch, sensitivity: regulated")
    apply("catalog", regulated.replace("exports: true,", "exports: {value: true, requires: {level: aal2}},"))
    apply("tenants", changed("{plan: free}", "{plan: business}"))
    apply("tenants", TENANTS)
    floors = superuser.execute("SELECT requirement FROM licensing_requirement_floor").fetchall()
    superuser.rollback()
    assert floors == [({"level": "aal2"},)]
