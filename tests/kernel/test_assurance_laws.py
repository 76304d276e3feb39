"""The laws of assurance: what counts as absent, until when proofs hold, and what could be shown."""

from datetime import datetime, timedelta

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.kernel.strategies import (
    AT,
    TARGET,
    activities,
    elevations,
    enrolments,
    proof_sets,
    proofs,
    requirements,
)
from tiergate import (
    REAUTHENTICATION,
    SESSION_WIDE,
    Activity,
    Authenticator,
    Level,
    Proof,
    ProofScope,
    Requirement,
    capped_proofs,
    could_satisfy,
    elevation_scope,
    held_level,
    satisfied_until,
)
from tiergate.assurance import CLOCK_SKEW

Proofs = tuple[Proof, ...]


def _until(
    requirement: Requirement, given_: Proofs, *, at: datetime = AT, activity: Activity | None = None
) -> datetime | None:
    return satisfied_until(requirement, given_, target=TARGET, activity=activity or Activity(last_seen_at=at), at=at)


@given(requirements, proof_sets, proofs, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_an_expired_proof_counts_as_absent(asked: Requirement, held: Proofs, proof: Proof, more: timedelta) -> None:
    old = replace(proof, at=AT - REAUTHENTICATION[asked.level].absolute - more)
    assert _until(asked, (*held, old)) == _until(asked, held)


@given(requirements, proof_sets, proofs, elevations)
def test_a_proof_outside_its_scope_counts_as_absent(
    asked: Requirement, held: Proofs, proof: Proof, scope: ProofScope
) -> None:
    if not scope.covers(TARGET):
        event("outside")
        assert _until(asked, (*held, replace(proof, scope=scope))) == _until(asked, held)


@given(requirements, proof_sets, proofs, st.timedeltas(timedelta.resolution, timedelta(days=400)))
def test_a_proof_of_the_future_counts_as_absent(
    asked: Requirement, held: Proofs, proof: Proof, ahead: timedelta
) -> None:
    early = replace(proof, at=AT + CLOCK_SKEW + ahead)
    assert _until(asked, (*held, early)) == _until(asked, held)


@given(requirements, proof_sets, proofs, elevations, st.timedeltas(timedelta(0), timedelta(days=1)))
def test_a_proof_of_an_ended_elevation_counts_as_absent(
    asked: Requirement, held: Proofs, proof: Proof, scope: ProofScope, ago: timedelta
) -> None:
    ended = replace(proof, scope=replace(scope, until=AT - ago))
    assert _until(asked, (*held, ended)) == _until(asked, held)


@given(requirements, proof_sets, proofs)
def test_a_proof_from_before_the_pause_counts_as_absent(asked: Requirement, held: Proofs, proof: Proof) -> None:
    if asked.level == Level.AAL1:
        return
    back = Activity(last_seen_at=AT - timedelta(hours=2)).seen(AT)
    before = replace(proof, at=min(proof.at, AT - timedelta.resolution))
    assert _until(asked, (*held, before), activity=back) == _until(asked, held, activity=back)


@given(requirements, proof_sets, proofs, activities)
def test_a_proof_from_before_a_rise_of_risk_counts_as_absent_for_more_than_being_signed_in(
    asked: Requirement, held: Proofs, proof: Proof, activity: Activity
) -> None:
    if asked.level == Level.AAL1 and asked.max_age is None:
        return
    risen = replace(activity, riskier_since=AT)
    before = tuple(replace(one, at=min(one.at, AT - timedelta.resolution)) for one in (*held, proof))
    assert _until(asked, before, activity=risen) is None


@given(requirements, proof_sets, activities, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_rise_of_risk_never_helps(asked: Requirement, held: Proofs, activity: Activity, ago: timedelta) -> None:
    risen = replace(activity, riskier_since=AT - ago)
    calm, raised = (_until(asked, held, activity=one) for one in (replace(activity, riskier_since=None), risen))
    assert raised is None or (calm is not None and raised <= calm)


@given(requirements, proof_sets, activities)
def test_what_is_satisfied_holds_before_the_instant_named_and_not_from_it_on(
    asked: Requirement, held: Proofs, activity: Activity
) -> None:
    until = satisfied_until(asked, held, target=TARGET, activity=activity, at=AT)
    if until is None:
        event("not satisfied")
        return
    event("satisfied")
    assert until > AT

    def holds(at: datetime) -> bool:
        used = replace(activity, last_seen_at=at)
        return satisfied_until(asked, held, target=TARGET, activity=used, at=at) is not None

    middle = AT + (until - AT) / 2
    assert holds(middle)
    assert holds(until - timedelta.resolution)
    lasting = [proof for proof in held if proof.at <= AT + CLOCK_SKEW]
    assert (
        satisfied_until(asked, lasting, target=TARGET, activity=replace(activity, last_seen_at=until), at=until) is None
    )


@given(requirements, proof_sets, proofs, activities)
def test_a_further_proof_never_shortens_what_is_satisfied(
    asked: Requirement, held: Proofs, proof: Proof, activity: Activity
) -> None:
    before = _until(asked, held, activity=activity)
    after = _until(asked, (*held, proof), activity=activity)
    if before is not None:
        event("satisfied")
        assert after is not None
        assert after >= before


@given(requirements, requirements, proof_sets, activities)
def test_what_meets_the_stronger_meets_the_weaker(
    one: Requirement, two: Requirement, held: Proofs, activity: Activity
) -> None:
    both = _until(one | two, held, activity=activity)
    if both is not None:
        event("satisfied")
        for weaker in (one, two):
            alone = _until(weaker, held, activity=activity)
            assert alone is not None
            assert alone >= both


@given(requirements, proof_sets, activities)
def test_the_order_of_proofs_does_not_matter(asked: Requirement, held: Proofs, activity: Activity) -> None:
    assert _until(asked, held, activity=activity) == _until(asked, held[::-1], activity=activity)


def _shown(listed: tuple[Authenticator, ...], asked: Requirement) -> Proofs:
    scope = elevation_scope(asked.scope, TARGET)
    return tuple(one.shown(at=AT, scope=scope if one.issuer == "tiergate" else SESSION_WIDE) for one in listed)


@given(requirements, proof_sets, enrolments, activities)
def test_showing_all_that_is_listed_satisfies(
    asked: Requirement, held: Proofs, enrolled: tuple[Authenticator, ...], activity: Activity
) -> None:
    listed = could_satisfy(asked, held, enrolled, target=TARGET, activity=activity, at=AT)
    assert set(listed) <= set(enrolled)
    if listed:
        event("something is listed")
        assert _until(asked, (*held, *_shown(listed, asked)), activity=activity) is not None


@given(requirements, proof_sets, enrolments, activities)
def test_when_nothing_is_listed_showing_everything_does_not_satisfy(
    asked: Requirement, held: Proofs, enrolled: tuple[Authenticator, ...], activity: Activity
) -> None:
    if could_satisfy(asked, held, enrolled, target=TARGET, activity=activity, at=AT):
        return
    if _until(asked, held, activity=activity) is None:
        event("nothing would do")
        assert _until(asked, (*held, *_shown(enrolled, asked)), activity=activity) is None


@given(requirements, proof_sets, enrolments, activities)
def test_each_one_listed_is_of_use(
    asked: Requirement, held: Proofs, enrolled: tuple[Authenticator, ...], activity: Activity
) -> None:
    if _until(asked, held, activity=activity) is not None:
        return
    listed = could_satisfy(asked, held, enrolled, target=TARGET, activity=activity, at=AT)
    for one in listed:
        same_kind = tuple(other for other in listed if other.factor_kind == one.factor_kind and other != one)
        without = tuple(other for other in listed if other.factor_kind != one.factor_kind)
        assert (
            same_kind
            or _until(asked, (*held, *_shown(without, asked)), activity=activity) is None
            or any(_until(asked, (*held, *_shown((other,), asked)), activity=activity) is not None for other in listed)
        )


@given(proof_sets, st.sampled_from(list(Level)))
def test_capped_proofs_never_exceed_their_cap(held: Proofs, cap: Level) -> None:
    capped = capped_proofs(held, cap)
    for at in (AT, *(proof.at for proof in held)):
        assert held_level(capped, activity=Activity(last_seen_at=at), at=at) <= cap
    assert all(not (one.phishing_resistant or one.user_verified or one.device_bound) for one in capped)


@given(st.lists(st.integers(0, 7200), max_size=6), requirements, proof_sets)
def test_a_later_request_never_brings_back_what_a_pause_ended(
    gaps: list[int], asked: Requirement, held: Proofs
) -> None:
    at, activity = AT, Activity(last_seen_at=AT)
    was_met = _until(asked, held, activity=activity) is not None
    held = tuple(proof for proof in held if proof.at <= AT)
    for gap in gaps:
        at += timedelta(seconds=gap)
        # A decision is made before the use is recorded, and another after.
        for seen in (activity, activity.seen(at)):
            is_met = satisfied_until(asked, held, target=TARGET, activity=seen, at=at) is not None
            assert was_met or not is_met
            was_met = is_met
        activity = activity.seen(at)
