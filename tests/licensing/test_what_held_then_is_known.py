"""What a tenant could use at some instant, and why, is told from what was known then."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api
from licensing.history.wording import why
from tests.licensing.conftest import AAL2, NOON
from tests.licensing.test_http import Caller
from tiergate import FeatureKind, FeatureSpec, Sensitivity

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.fixture
def clock(superuser: psycopg.Connection) -> Callable[[], datetime]:
    """Read the instant by the database's clock, which is the one that the history is kept by."""

    def read() -> datetime:
        row = superuser.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        found: datetime = row[0]
        return found

    return read


def on(tenant_id: UUID, plan: str | None, **more: Any) -> None:
    api.settle_subscription(tenant_id=tenant_id, plan=plan, external_id="sub_1", at=now(), **more)


def is_granted(tenant_id: UUID, at: datetime) -> bool:
    return api.entitlements_known(tenant_id=tenant_id, at=at).entitlements["exports"].is_granted


def test_each_state_is_found_again_at_its_own_instant(acme: UUID, clock: Callable[[], datetime]) -> None:
    seen = []
    for plan in ("starter", "business", "starter"):
        on(acme, plan)
        seen.append(clock())
    assert [is_granted(acme, at) for at in seen] == [False, True, False]
    told = api.entitlements_known(tenant_id=acme, at=seen[1]).subscription
    assert told is not None
    assert (told.plan, told.active_to) == ("business", None), "its end was not known then"


def test_what_is_written_later_about_the_past_is_not_what_was_known(acme: UUID, clock: Callable[[], datetime]) -> None:
    then = clock()
    api.put_subscription(tenant_id=acme, plan="business", active_from=NOON, by="test", at=now())
    assert then > NOON
    assert api.entitlements_at(tenant_id=acme, at=then)["exports"].is_granted
    assert not is_granted(acme, then)


def test_an_override_that_is_gone_is_told_with_who_and_why(acme: UUID, clock: Callable[[], datetime]) -> None:
    on(acme, "business")
    api.put_override(
        tenant_id=acme, feature="exports", effect="removed", reason="an audit", by="account:olga", at=now()
    )
    removed = clock()
    api.remove_override(tenant_id=acme, feature="exports", by="account:olga", at=now())
    assert not is_granted(acme, removed)
    assert is_granted(acme, clock())
    sentences = why(api.entitlements_known(tenant_id=acme, at=removed), "exports")
    assert any("account:olga took it away" in one and "an audit" in one for one in sentences)


def test_what_the_catalogue_asked_then_is_told(acme: UUID, clock: Callable[[], datetime]) -> None:
    on(acme, "starter")
    lax = clock()
    with api.edit_catalogue(by="test", at=now()) as edit:
        edit.put_feature(
            FeatureSpec(key="reports", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.PREMIUM, requirement=AAL2)
        )
    strict = clock()
    asked = [
        [one.requirement for one in api.entitlements_known(tenant_id=acme, at=at).entitlements["reports"].contributions]
        for at in (lax, strict)
    ]
    assert asked == [[], [AAL2]]


def test_all_that_one_transaction_writes_is_written_at_one_instant(acme: UUID) -> None:
    on(acme, "starter", add_ons=[("more-seats", 1), ("export-pack", 1)])
    with tenant_transaction(acme), connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT since), count(*) FROM licensing_history WHERE until IS NULL")
        assert cursor.fetchone() == (1, 3)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_history SET since = NULL",
        "DELETE FROM licensing_history",
        'INSERT INTO licensing_history SELECT gen_random_uuid(), table_name, row_id, "row" FROM licensing_history',
        "UPDATE licensing_catalogue_history SET since = NULL",
    ],
)
def test_nobody_who_serves_anything_changes_what_was(acme: UUID, statement: str) -> None:
    on(acme, "business")
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        tenant_transaction(acme),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_of_what_was_nothing_but_an_author_who_was_erased_is_rewritten(acme: UUID) -> None:
    on(acme, "business")
    with (
        pytest.raises(DatabaseError, match="never changes"),
        tenant_transaction(acme),
        connection.cursor() as cursor,
    ):
        cursor.execute('UPDATE licensing_history SET "row" = jsonb_set("row", \'{status}\', \'"paused"\')')


def test_one_tenants_history_is_not_anothers(acme: UUID, clock: Callable[[], datetime]) -> None:
    globex = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    on(acme, "business")
    assert not is_granted(globex, clock())


def test_who_was_erased_is_in_no_state_of_old(acme: UUID, clock: Callable[[], datetime]) -> None:
    for reason in ("first", "second"):
        api.put_override(
            tenant_id=acme, feature="seats", effect="value", limit=9, reason=reason, by="user:bob", at=now()
        )
    then = clock()
    api.forget_author(tenant_id=acme, author="user:bob", instead="somebody erased")
    with tenant_transaction(acme), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM licensing_history WHERE \"row\"::text LIKE '%%user:bob%%'")
        assert cursor.fetchone() == (0,)
    assert api.entitlements_known(tenant_id=acme, at=then).overrides["seats"].by == "somebody erased"


def test_the_command_tells_it_as_a_table_and_in_sentences(
    acme: UUID, clock: Callable[[], datetime], capsys: pytest.CaptureFixture[str]
) -> None:
    api.put_subscription(tenant_id=acme, plan="business", add_ons=["more-seats"], by="account:olga", at=now())
    then = clock()
    on(acme, None)
    api.put_subscription(tenant_id=acme, plan="starter", by="account:olga", at=now())
    call_command("entitlements", "show", "--tenant", "acme", "--at", then.isoformat())
    told = capsys.readouterr().out
    assert "It was on business@1, with more-seats@1: active from" in told
    assert "put there by account:olga" in told
    assert "seats    yes      50" in told
    assert "plan:business@1 asked aal2 within 300 s." in told
    with pytest.raises(CommandError, match="no instant"):
        call_command("entitlements", "show", "--tenant", "acme", "--at", "yesterday")


def test_the_past_is_told_over_http_and_names_no_snapshot(acme: UUID, clock: Callable[[], datetime]) -> None:
    vendor = Caller(api.VENDOR_TENANT_ID)
    on(acme, "business")
    then = clock()
    on(acme, "starter")
    status, told = vendor.get("/v1/tenants/acme/entitlements", at=then.isoformat())
    exports = {one["feature"]: one for one in told["items"]}["exports"]
    assert (status, told["snapshot"], exports["is_granted"]) == (200, None, True)
    assert exports["because"][0].startswith("plan:business@1 said that it is on from")
