"""Questions to try the laws on: near the limits rather than spread, and allowed often enough to mean something."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from tiergate import (
    SESSION_WIDE,
    ActionSpec,
    Activity,
    Authenticator,
    CallerKind,
    Contribution,
    Entitlement,
    EnvironmentSensitivity,
    FactorKind,
    Facts,
    FeatureKind,
    Forbid,
    Level,
    MemberFact,
    Proof,
    ProofScope,
    Purpose,
    Requirement,
    Scope,
    Sensitivity,
    ServiceFact,
    SessionFacts,
    SessionState,
    Target,
    TenantFact,
    Unlock,
    UnlockKind,
    UsageFact,
)

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TARGET = Target(action="reports.export", resource="report/q3", binding="b1")

# Seconds before AT; each limit of the kernel with its neighbours, and some of the future.
_LIMITS = (5, 60, 300, 900, 3600, 12 * 3600, 24 * 3600, 30 * 24 * 3600)
_NEAR = sorted({limit + step for limit in _LIMITS for step in (-1, 0, 1)} | {0, -1, -5, -6, -900})
ages = st.one_of(st.sampled_from([0, 1, 5, 59, 60, 250, 300]), st.sampled_from(_NEAR))


def mostly(good: Any, bad: Any, *, of: int = 10) -> st.SearchStrategy[Any]:
    """Draw ``good`` all but one time in ``of``, when it is ``bad``; both are values or strategies."""
    if isinstance(good, st.SearchStrategy) or isinstance(bad, st.SearchStrategy):
        first = good if isinstance(good, st.SearchStrategy) else st.just(good)
        second = bad if isinstance(bad, st.SearchStrategy) else st.just(bad)
        return _weighted(first, second, of)
    return st.sampled_from([*[good] * (of - 1), bad])


@st.composite
def _weighted(draw: st.DrawFn, first: st.SearchStrategy[Any], second: st.SearchStrategy[Any], of: int) -> Any:
    return draw(second if draw(st.integers(0, of - 1)) == of - 1 else first)


def _ago(seconds: int) -> datetime:
    return AT - timedelta(seconds=seconds)


past = ages.map(_ago)
future = st.sampled_from([1, 60, 300, 3600]).map(lambda seconds: AT + timedelta(seconds=seconds))
flags = mostly(good=False, bad=True, of=4)

requirements = st.builds(
    Requirement,
    level=st.sampled_from([Level.AAL1, Level.AAL1, Level.AAL2, Level.AAL2, Level.AAL3]),
    max_age=st.sampled_from([None, None, 60, 300, 3600, 24 * 3600]),
    phishing_resistant=flags,
    device_bound=flags,
    scope=mostly(Scope.SESSION, st.sampled_from(list(Scope)), of=3),
    approvals=mostly(0, st.integers(1, 3)),
)
mild_requirements = st.builds(
    Requirement,
    level=mostly(Level.AAL1, Level.AAL2, of=5),
    max_age=mostly(None, st.sampled_from([300, 3600]), of=5),
    scope=mostly(Scope.SESSION, st.sampled_from(list(Scope)), of=12),
    approvals=mostly(0, 1, of=40),
)

elevations = st.builds(
    ProofScope,
    kind=st.sampled_from(list(Scope)),
    action=mostly("reports.export", st.sampled_from(["reports.read", "", None]), of=5),
    resource=mostly("report/q3", st.sampled_from(["report/q4", "", None]), of=5),
    binding=mostly("b1", st.sampled_from(["b2", "", None]), of=5),
    until=st.one_of(st.none(), past, future, future),
)
scopes = mostly(SESSION_WIDE, elevations, of=3)
_kinds = st.sampled_from([FactorKind.KNOWLEDGE, FactorKind.POSSESSION, FactorKind.POSSESSION, FactorKind.OTHER])
_issuers = mostly("tiergate", "okta", of=4)

proofs = st.builds(
    Proof,
    method=st.sampled_from(["pwd", "otp", "hwk"]),
    at=past,
    issuer=_issuers,
    authenticator=st.sampled_from(["a1", "a2"]),
    factor_kind=_kinds,
    phishing_resistant=flags,
    user_verified=flags,
    device_bound=flags,
    scope=scopes,
)
strong_proofs = proofs.map(
    lambda proof: Proof(
        method="hwk",
        at=proof.at,
        issuer="tiergate",
        authenticator="key",
        factor_kind=FactorKind.POSSESSION,
        phishing_resistant=True,
        user_verified=True,
        device_bound=True,
        scope=proof.scope,
    )
)
proof_sets = st.lists(mostly(proofs, strong_proofs, of=3), min_size=0, max_size=5).map(tuple)
authenticators = st.builds(
    Authenticator,
    method=st.sampled_from(["pwd", "otp", "hwk"]),
    authenticator=st.sampled_from(["a1", "a2", "a3"]),
    factor_kind=_kinds,
    issuer=_issuers,
    phishing_resistant=flags,
    user_verified=flags,
    device_bound=flags,
)
enrolments = st.lists(authenticators, max_size=4, unique=True).map(tuple)
activities = mostly(
    st.builds(Activity, last_seen_at=st.just(AT - timedelta(seconds=30))),
    st.builds(
        Activity,
        last_seen_at=st.one_of(st.none(), past),
        aal2_since=st.one_of(st.none(), past),
        aal3_since=st.one_of(st.none(), past),
        riskier_since=st.one_of(st.none(), past),
    ),
    of=3,
)

contributions = st.builds(
    Contribution, source=st.sampled_from(["platform", "role:analyst", "policy:x"]), requirement=mild_requirements
)
entitlements = st.builds(
    Entitlement,
    feature=mostly("exports", "dashboards", of=20),
    kind=st.just(FeatureKind.LIMIT),
    sensitivity=st.sampled_from(list(Sensitivity)),
    is_granted=mostly(good=True, bad=False),
    limit=mostly(10, st.sampled_from([None, 0]), of=12),
    unlimited=flags,
    contributions=st.lists(contributions, max_size=1).map(tuple),
    sources=st.just(("plan:business@1",)),
    next_change_at=mostly(st.none(), st.one_of(past, future), of=4),
)
usages = st.builds(
    UsageFact,
    used=mostly(st.integers(0, 9), st.sampled_from([10, 11, -1])),
    reserved=mostly(0, st.integers(0, 3), of=4),
    reset_at=mostly(st.none(), st.one_of(past, future), of=4),
)
actions = st.builds(
    ActionSpec,
    name=mostly("reports.export", "reports.read", of=40),
    resource_type=mostly("report", "folder", of=40),
    privilege=st.just("reports.export"),
    feature=st.sampled_from([None, "exports"]),
    environment_aware=flags,
    environments=st.dictionaries(st.sampled_from(list(EnvironmentSensitivity)), mild_requirements, max_size=3),
    requirement=st.one_of(st.none(), mild_requirements),
    callers=st.sampled_from([(CallerKind.PERSON,), (CallerKind.PERSON, CallerKind.SERVICE)]),
    needs_highest_held=mostly(good=False, bad=True, of=8),
    is_vendor_only=mostly(good=False, bad=True, of=20),
)
sessions = st.builds(
    SessionFacts,
    handle=st.just("ses_1"),
    state=mostly(SessionState.LIVE, st.sampled_from(list(SessionState)), of=20),
    proofs=proof_sets,
    activity=activities,
    enrolled=enrolments,
    expires_at=mostly(st.one_of(st.none(), future), past, of=20),
)
_unlock = Unlock(kind=UnlockKind.PLAN, key="business", title="Business", version=1, requirement=Requirement())
any_facts = st.builds(
    Facts,
    at=st.just(AT),
    subject=st.just(("user", "alice")),
    action_name=st.just("reports.export"),
    resource=st.just(("report", "q3")),
    binding=st.just("b1"),
    purpose=mostly(Purpose.ENFORCE, Purpose.DISPLAY),
    caller=mostly(CallerKind.PERSON, CallerKind.SERVICE, of=6),
    tenant=mostly(
        TenantFact(id="1", slug="acme", is_active=True), TenantFact(id="1", slug="a", is_active=False), of=30
    ),
    member=mostly(MemberFact(roles=("analyst",), is_active=True), st.none(), of=30),
    service=mostly(ServiceFact(name="exporter", verbs=("reports.export",)), st.none(), of=4),
    privileges=mostly(("reports.export",), ("reports.read",), of=30),
    action=mostly(actions, st.none(), of=40),
    environment=st.sampled_from(["production", "staging", "eu-1", None]),
    environments=st.dictionaries(
        st.sampled_from(["eu-1", "staging"]), st.sampled_from(list(EnvironmentSensitivity)), max_size=2
    ),
    missing_fields=mostly((), ("resource.properties.amount",), of=30),
    entitlement=mostly(entitlements, st.none(), of=20),
    unlocks=st.sampled_from([(), (_unlock,)]),
    usage=mostly(usages, st.none(), of=20),
    session=mostly(sessions, st.none(), of=30),
    approvals=st.sampled_from([0, 1, 3]),
    contributions=mostly(st.lists(contributions, min_size=1, max_size=3).map(tuple), st.just(()), of=20),
    forbids=mostly((), (Forbid(source="policy:freeze", because="Year end."),), of=30),
    faults=mostly((), ("session",), of=30),
)


def _mended(one: Facts) -> Facts:
    """Take away what most often refuses, so that what is left of the question decides it."""
    strong = HARDWARE_KEY.shown(at=AT - timedelta(seconds=30), scope=SESSION_WIDE)
    session = one.session or SessionFacts(handle="ses_1", state=SessionState.LIVE)
    entitlement = one.entitlement
    if entitlement is not None:
        entitlement = replace(entitlement, feature="exports", is_granted=True, limit=10, next_change_at=None)
    return replace(
        one,
        tenant=TenantFact(id="1", slug="acme", is_active=True, is_vendor=True),
        member=MemberFact(roles=("analyst",), is_active=True),
        privileges=("reports.export",),
        service=ServiceFact(name="exporter", verbs=("reports.export",)),
        entitlement=entitlement,
        usage=UsageFact(used=1),
        session=replace(session, state=SessionState.LIVE, proofs=(strong, *session.proofs), expires_at=None),
        approvals=3,
        missing_fields=(),
        forbids=(),
        faults=(),
    )


HARDWARE_KEY = Authenticator(
    method="hwk",
    authenticator="key",
    factor_kind=FactorKind.POSSESSION,
    phishing_resistant=True,
    user_verified=True,
    device_bound=True,
)
_mended_facts = any_facts.map(_mended)
_locked_facts = _mended_facts.map(lambda one: replace(one, entitlement=None, unlocks=(_unlock,)))
facts = st.one_of(any_facts, _mended_facts, _locked_facts)
