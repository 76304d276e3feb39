"""What rules read is what the decision is made from: no second opinion, and nothing better than what is known."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from tests.kernel.case_vocabulary import NINE, facts_of
from tests.kernel.strategies import facts as any_facts
from tiergate import Circumstances, EnvironmentSensitivity, Facts, Level, Requirement, SessionFacts, satisfied_until
from tiergate.policy import FIELDS, Request, request_of
from tiergate.policy.from_facts import READERS
from tiergate.policy.request import (
    AssuranceRead,
    DeviceRead,
    EnvironmentRead,
    OriginRead,
    RiskRead,
    SessionRead,
    SubjectRead,
    TimeRead,
    TransactionRead,
)


def _known(facts: Facts, circumstances: Circumstances) -> Request:
    return request_of(replace(facts, circumstances=circumstances))


def test_an_ordinary_request_is_read_as_it_is() -> None:
    known = _known(facts_of({}), Circumstances(scopes=("reports:read",), plans=("business",)))
    assert known.to_json() == {
        "action": {
            "name": "reports.read",
            "resource_type": "report",
            "feature": "",
            "sensitivity": "standard",
            "scopes": ["reports:read"],
        },
        "subject": {
            "type": "user",
            "id": "alice",
            "roles": ["analyst"],
            "is_service": False,
            "is_impersonated": False,
        },
        "tenant": {"id": "acme", "slug": "acme", "is_vendor": False},
        "plan": {"keys": ["business"]},
        "resource": {"type": "report", "id": "q3"},
        "environment": {"name": ""},
        "session": {"is_present": True},
        "assurance": {"level": 1, "age": 3600},
        "time": {"now": "2026-11-02T09:00:00Z"},
    }
    assert Request.from_json(known.to_json()) == known


def test_what_was_shown_is_read_as_the_decision_reads_it() -> None:
    shown = facts_of({"session": {"proofs": [{"password": "2h ago"}, {"hardware key": "3m ago"}]}})
    assert request_of(shown).assurance == AssuranceRead(
        level=3, age=180, is_phishing_resistant=True, is_device_bound=True
    )
    elsewhere = {"kind": "action", "action": "payments.send"}
    lent = facts_of({"session": {"proofs": [{"password": "2h ago"}, {"totp": "3m ago", "for": elsewhere}]}})
    assert request_of(lent).assurance == AssuranceRead(level=1, age=7200)
    assert request_of(facts_of({"session": "none"})).assurance == AssuranceRead()


@settings(max_examples=12, deadline=None)
@given(any_facts)
def test_the_level_that_rules_read_is_the_one_that_the_decision_would_find(facts: Facts) -> None:
    read = request_of(facts)
    session = facts.session
    for rank, level in enumerate((Level.AAL1, Level.AAL2, Level.AAL3), 1):
        until = session and satisfied_until(
            Requirement(level=level),
            session.proofs,
            target=facts.target(),
            activity=session.activity,
            at=facts.at,
            enrolled=session.enrolled,
        )
        assert (until is not None) == (read.assurance.level == rank) or read.assurance.level > rank
    for name, field in FIELDS.items():
        value = getattr(getattr(read, field.group), field.member)
        assert value is None or field.admits(value), name


def test_what_nobody_said_is_absent_or_the_worst() -> None:
    known = request_of(facts_of({"tenant": "none", "member": "none", "session": "none", "action": "no.such"}))
    assert known.to_json() == {
        "action": {"name": "no.such"},
        "subject": {"type": "user", "id": "alice", "is_service": False, "is_impersonated": False},
        "resource": {"type": "report", "id": "q3"},
        "environment": {"name": ""},
        "time": {"now": "2026-11-02T09:00:00Z"},
    }
    assert (known.risk, known.origin, known.device) == (RiskRead(), OriginRead(), DeviceRead())
    assert (known.action.sensitivity, known.environment.sensitivity) == ("regulated", "production")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, EnvironmentRead(name="", sensitivity=EnvironmentSensitivity.PRODUCTION)),
        ({"environment": "staging"}, EnvironmentRead(name="staging", sensitivity=EnvironmentSensitivity.STAGING)),
        ({"environment": "development", "environments": {"eu-1": "production"}}, EnvironmentRead(name="development")),
        (
            {"environment": "eu-1", "environments": {"eu-1": "development"}},
            EnvironmentRead(name="eu-1", sensitivity=EnvironmentSensitivity.DEVELOPMENT),
        ),
    ],
)
def test_an_environment_is_what_its_tenant_declares(given: dict[str, object], read: EnvironmentRead) -> None:
    assert request_of(facts_of(given)).environment == read


def test_a_feature_that_nobody_resolved_is_regulated() -> None:
    exporting = facts_of({"action": "reports.export"})
    assert request_of(exporting).action.sensitivity == "regulated"
    held = facts_of({"action": "reports.export", "entitlement": {"sensitivity": "premium", "plan": {"value": True}}})
    assert request_of(held).action.sensitivity == "premium"
    other = facts_of({"action": "reports.export", "entitlement": {"feature": "reports", "plan": {"value": True}}})
    assert request_of(other).action.sensitivity == "regulated"


def test_a_service_has_no_roles_and_no_session() -> None:
    service = facts_of({"caller": "service", "member": "none", "session": "none"})
    assert request_of(service).subject == SubjectRead(
        type="user", id="alice", roles=(), is_service=True, is_impersonated=False
    )
    assert request_of(service).session == SessionRead()


def test_somebody_of_support_is_seen_to_act() -> None:
    assert request_of(facts_of({"session": {"impersonated_by": "account:mona"}})).subject.is_impersonated
    session = facts_of({}).session
    assert isinstance(session, SessionFacts)
    unclear = replace(facts_of({}), session=replace(session, impersonated_by=None))
    assert request_of(unclear).subject.is_impersonated


def test_what_the_context_adds_is_read_and_an_hour_is_the_tenants() -> None:
    ordinary = facts_of({})
    assert ordinary.session is not None
    begun = replace(ordinary.session, started_at=NINE - timedelta(minutes=90))
    known = _known(
        replace(ordinary, session=begun),
        Circumstances(
            risk_band="high",
            risk_score=0.75,
            transaction_amount=0,
            country="DE",
            network_class="vpn",
            is_known_device=True,
            zone="Pacific/Auckland",
            offset=13 * 3600,
        ),
    )
    assert known.session == SessionRead(age=5400, is_present=True)
    assert known.risk == RiskRead(band="high", score=0.75)
    assert known.transaction == TransactionRead(is_present=True, amount=0)
    assert known.origin == OriginRead(is_located=True, country="DE", network_class="vpn")
    assert known.device == DeviceRead(is_known=True)
    # 9:00 on Monday is 22:00 there; three hours later it is Tuesday.
    assert known.time == TimeRead(now=NINE, hour=22, weekday=1, zone="Pacific/Auckland")
    later = replace(facts_of({}), at=NINE + timedelta(hours=3))
    assert _known(later, Circumstances(zone="Pacific/Auckland", offset=13 * 3600)).time.weekday == 2


def test_every_field_is_read_and_nothing_else() -> None:
    assert {*READERS, *(name for name in FIELDS if name.startswith("assurance."))} == set(FIELDS)
    assert not any(name.startswith("assurance.") for name in READERS)
