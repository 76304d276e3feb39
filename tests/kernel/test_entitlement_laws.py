"""The laws of entitlements: what adds up, what only ever tightens, and when it changes."""

from datetime import datetime, timedelta

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.kernel.strategies import AT, future, mild_requirements, mostly, past, requirements
from tiergate import (
    Entitlement,
    FeatureKind,
    FeatureSpec,
    Grant,
    GrantKind,
    Override,
    OverrideEffect,
    Requirement,
    Sensitivity,
    Term,
    join,
    resolve_entitlement,
)

kinds = st.sampled_from(list(FeatureKind))
features = st.builds(
    FeatureSpec,
    key=st.just("exports"),
    kind=kinds,
    sensitivity=st.sampled_from(list(Sensitivity)),
    requirement=st.one_of(st.none(), mild_requirements),
)
values = st.sampled_from([None, True, False, {"region": "eu"}])
terms = st.builds(
    Term,
    feature=mostly("exports", "dashboards", of=5),
    value=values,
    limit=st.sampled_from([None, 0, 5, 100]),
    unlimited=mostly(good=False, bad=True, of=5),
    requirement=st.one_of(st.none(), requirements),
)
grants = st.builds(
    Grant,
    source=st.sampled_from(["plan:business@1", "add_on:boost@1"]),
    kind=st.sampled_from(list(GrantKind)),
    term=terms,
    active_from=mostly(past, future, of=4),
    active_to=st.one_of(st.none(), past, future),
)
overrides = st.builds(
    Override,
    feature=mostly("exports", "dashboards", of=5),
    effect=st.sampled_from(list(OverrideEffect)),
    reason=st.just("agreed by phone"),
    by=st.just("account:mona"),
    active_from=mostly(past, future, of=4),
    expires_at=st.one_of(st.none(), past, future),
    value=values,
    limit=st.sampled_from([None, 0, 5]),
    unlimited=mostly(good=False, bad=True, of=5),
    requirement=st.one_of(st.none(), requirements),
)
grant_lists = st.lists(grants, max_size=3)
override_lists = st.lists(overrides, max_size=3)
floors = st.one_of(st.none(), requirements)


def _asked(entitlement: Entitlement) -> Requirement:
    return join(entitlement.contributions) or Requirement()


@given(features, grant_lists, override_lists, floors)
def test_on_a_regulated_feature_an_override_only_tightens(
    feature: FeatureSpec, held: list[Grant], changed: list[Override], floor: Requirement | None
) -> None:
    feature = replace(feature, sensitivity=Sensitivity.REGULATED)
    without = resolve_entitlement(feature, grants=held, floor=floor, at=AT)
    for count in range(len(changed) + 1):
        some = resolve_entitlement(feature, grants=held, overrides=changed[:count], floor=floor, at=AT)
        assert _asked(some).is_at_least(_asked(without))
        without = some


@given(features, grant_lists, override_lists, requirements)
def test_the_floor_is_always_asked(
    feature: FeatureSpec, held: list[Grant], changed: list[Override], floor: Requirement
) -> None:
    found = resolve_entitlement(feature, grants=held, overrides=changed, floor=floor, at=AT)
    assert _asked(found).is_at_least(floor)


@given(features, grant_lists, override_lists)
def test_what_is_of_another_feature_is_ignored(
    feature: FeatureSpec, held: list[Grant], changed: list[Override]
) -> None:
    mine = [one for one in held if one.term.feature == feature.key]
    kept = [one for one in changed if one.feature == feature.key]
    assert resolve_entitlement(feature, grants=held, overrides=changed, at=AT) == resolve_entitlement(
        feature, grants=mine, overrides=kept, at=AT
    )


@given(features, grant_lists, st.datetimes(datetime(2026, 10, 1), datetime(2026, 12, 1)))  # noqa: DTZ001 - made aware below
def test_a_removal_grants_nothing_whatever_else_is_held(
    feature: FeatureSpec, held: list[Grant], since: datetime
) -> None:
    removal = Override(
        feature="exports",
        effect=OverrideEffect.REMOVED,
        reason="fraud",
        by="account:mona",
        active_from=min(since.replace(tzinfo=AT.tzinfo), AT),
    )
    found = resolve_entitlement(feature, grants=held, overrides=[removal], at=AT)
    assert not found.is_granted
    assert (found.value, found.limit, found.unlimited) == (None, None, False)


@given(features, grant_lists, override_lists)
def test_unlimited_never_comes_from_a_missing_limit(
    feature: FeatureSpec, held: list[Grant], changed: list[Override]
) -> None:
    held = [replace(one, term=replace(one.term, unlimited=False)) for one in held]
    changed = [replace(one, unlimited=False) for one in changed]
    found = resolve_entitlement(feature, grants=held, overrides=changed, at=AT)
    assert not found.unlimited
    if found.kind == FeatureKind.LIMIT and found.is_granted:
        event("granted")
        assert found.limit


@given(features, grant_lists, override_lists, floors, st.integers(0, 100))
def test_before_next_change_at_it_stays_as_it_is(
    feature: FeatureSpec, held: list[Grant], changed: list[Override], floor: Requirement | None, part: int
) -> None:
    found = resolve_entitlement(feature, grants=held, overrides=changed, floor=floor, at=AT)
    later = AT + timedelta(days=part)
    if found.next_change_at is not None:
        assert found.next_change_at > AT
        later = AT + (found.next_change_at - AT - timedelta.resolution) * part / 100
    assert resolve_entitlement(feature, grants=held, overrides=changed, floor=floor, at=later) == found


@given(features, grants)
def test_a_grant_holds_from_its_first_instant_and_not_at_its_last(feature: FeatureSpec, one: Grant) -> None:
    end = one.active_from + timedelta(hours=1)
    one = replace(one, active_to=end, term=replace(one.term, feature="exports"))
    assert not one.is_active(one.active_from - timedelta.resolution)
    assert one.is_active(one.active_from)
    assert one.is_active(end - timedelta.resolution)
    assert not one.is_active(end)
    assert resolve_entitlement(feature, grants=[one], at=end).sources == ()
    assert resolve_entitlement(feature, grants=[one], at=one.active_from).sources == (one.source,)


@given(features, grant_lists)
def test_grants_that_overlap_add_up(feature: FeatureSpec, held: list[Grant]) -> None:
    found = resolve_entitlement(feature, grants=held, at=AT)
    active = [one.term for one in held if one.is_active(AT) and one.term.feature == "exports"]
    if feature.kind == FeatureKind.SWITCH:
        assert found.is_granted == any(term.value is True for term in active)
    if feature.kind == FeatureKind.LIMIT and not found.unlimited:
        assert (found.limit or 0) == sum(term.limit or 0 for term in active)
    for term in active:
        assert term.requirement is None or _asked(found).is_at_least(term.requirement)


@given(features, grant_lists, override_lists)
def test_the_order_of_overrides_opens_nothing(feature: FeatureSpec, held: list[Grant], changed: list[Override]) -> None:
    if len({one.active_from for one in changed}) == len(changed):
        one = resolve_entitlement(feature, grants=held, overrides=changed, at=AT)
        other = resolve_entitlement(feature, grants=held, overrides=changed[::-1], at=AT)
        assert one.is_granted == other.is_granted
        assert _asked(one) == _asked(other)
