"""What a session was seen to be is told to Valkey once it is so in the database, and not before."""

from contextlib import suppress
from uuid import UUID, uuid4

from isolation.api import tenant_transaction
from riskengine import api as risk
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, known

CRITICAL = risk.Assessment(score=9.0, band="critical")


class Refused(Exception):
    """Somebody's transaction came to nothing."""


def begins(tenant_id: UUID, session_id: UUID, seen: risk.Seen = FAR, assessment: risk.Assessment = CRITICAL) -> None:
    risk.begin_session(
        tenant_id=tenant_id, subject=OLGA, session_id=session_id, seen=seen, assessment=assessment, at=NOON
    )


def test_what_came_to_nothing_was_told_to_nobody(acme: UUID) -> None:
    session_id = uuid4()
    assert known(acme, session_id=session_id).session is None
    with suppress(Refused), tenant_transaction(acme):
        begins(acme, session_id)
        raise Refused
    assert known(acme, session_id=session_id).session is None


def test_who_read_before_reads_what_is_so_now(acme: UUID) -> None:
    session_id = uuid4()
    assert known(acme, session_id=session_id).session is None
    with tenant_transaction(acme):
        begins(acme, session_id)
    found = known(acme, session_id=session_id).session
    assert found is not None
    assert found.band == "critical"
    with tenant_transaction(acme):
        risk.settle_session(
            tenant_id=acme, session_id=session_id, seen=FAR, confirmed_at=NOON, phishing_resistant_at=NOON
        )
    found = known(acme, session_id=session_id).session
    assert found is not None
    assert found.band == "unknown"


def test_a_smaller_risk_after_a_greater_one_takes_nothing_back(acme: UUID) -> None:
    session_id = uuid4()
    with tenant_transaction(acme):
        begins(acme, session_id)
        begins(acme, session_id, HOME, risk.Assessment(score=1.0, band="medium"))
    found = known(acme, session_id=session_id).session
    assert found is not None
    assert (found.band, sorted(found.looks.values())) == ("critical", ["critical", "medium"])
