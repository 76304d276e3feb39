"""A tenant's word about risk is remembered for a version of its state, and what cannot be read of it is acted on."""

from uuid import UUID

import psycopg
import pytest

from audit import api as audit
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from riskengine import policies
from tests.riskengine.conftest import NOON


def put(tenant_id: UUID, mode: str) -> None:
    risk.put_policy(tenant_id=tenant_id, mode=mode, by="test", at=NOON)


def mode_at(tenant_id: UUID, version: str = "g1.t1") -> str:
    return risk.policy_at(tenant_id=tenant_id, version=version).mode


@pytest.fixture
def remembered(acme: UUID) -> UUID:
    """A tenant that only looked on while this process read so, and has switched risk off since."""
    risk.forget_policies()
    put(acme, "observe")
    assert mode_at(acme) == "observe"
    put(acme, "off")
    return acme


def test_it_is_remembered_for_one_version_alone(remembered: UUID) -> None:
    assert [mode_at(remembered, version) for version in ("g1.t1", "g1.t2", "g1.t1")] == ["observe", "off", "off"]


def test_where_news_may_have_been_missed_it_is_read_anew(remembered: UUID) -> None:
    licensing.publish("tenant", str(remembered))
    assert mode_at(remembered) == "observe", "the version says it"
    licensing.publish(licensing.RESET, "")
    assert mode_at(remembered) == "off"


def test_a_process_remembers_so_many_and_no_more(
    remembered: UUID, globex: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "CAPACITY", 1)
    assert mode_at(globex) == "enforce"
    assert mode_at(remembered) == "off"


def test_the_same_again_is_no_change_and_not_told(acme: UUID) -> None:
    for _ in range(2):
        put(acme, "observe")
    with tenant_transaction(acme):
        assert len(audit.list_entries(tenant_id=acme, kinds=[audit.Kind.RISK_POLICY_CHANGED])) == 1


def test_a_mode_that_no_release_of_ours_wrote_is_acted_on(acme: UUID, superuser: psycopg.Connection) -> None:
    put(acme, "off")
    (check,) = superuser.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'riskengine_policy_mode'"
    ).fetchone() or ("",)
    superuser.execute("ALTER TABLE riskengine_policy DROP CONSTRAINT riskengine_policy_mode")
    try:
        superuser.execute("UPDATE riskengine_policy SET mode = 'loud'")
        assert risk.get_policy(tenant_id=acme).mode == "enforce"
    finally:
        superuser.execute("UPDATE riskengine_policy SET mode = 'off'")
        superuser.execute(f"ALTER TABLE riskengine_policy ADD CONSTRAINT riskengine_policy_mode {check}".encode())
