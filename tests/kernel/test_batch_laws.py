"""The laws of batches: one confirmation of several things covers none that was not declared, nor more than so many."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tiergate import (
    ActionSpec,
    BatchItem,
    BatchScope,
    BatchSpec,
    ProofScope,
    Scope,
    Target,
    batch_item,
    is_within,
)

AMOUNT, PAYEE = "resource.properties.amount", "resource.properties.payee"
ids = st.sampled_from(["1", "2", "3"])
numbers = st.one_of(st.sampled_from([0, 49, 50, 51, -1, 50.0, 50.5]), st.floats(), st.integers())
values: st.SearchStrategy[Any] = st.one_of(numbers, st.booleans(), st.none(), st.text(), st.just([20]), st.just({}))
items = st.builds(
    BatchItem,
    resource_type=st.sampled_from(["record", "record/old"]),
    resource_id=ids,
    same=st.sampled_from(["s1", "s2", ""]),
    amounts=st.dictionaries(st.sampled_from([AMOUNT, PAYEE]), numbers),
)
scopes = st.builds(
    BatchScope,
    resource_type=st.just("record"),
    same=st.sampled_from(["s1", "s1", "s2", ""]),
    per_item=st.sampled_from([{}, {AMOUNT: 50}, {AMOUNT: 50, PAYEE: 1}]),
    left=st.integers(0, 2),
    taken=st.lists(ids, max_size=2).map(tuple),
    own=st.lists(items, max_size=1).map(tuple),
)


@given(scopes, items)
def test_what_is_covered_is_of_the_kind_within_each_limit_and_still_to_be_done(
    scope: BatchScope, item: BatchItem
) -> None:
    if scope.covers(item):
        event("covered")
        assert item.resource_type == scope.resource_type
        assert item.same == scope.same != ""
        assert all(0 <= item.amounts[path] <= most for path, most in scope.per_item.items())
        assert item in scope.own or (scope.left > 0 and item.resource_id not in scope.taken)


@given(scopes, items, ids)
def test_what_was_done_is_covered_by_the_request_that_did_it_alone(
    scope: BatchScope, item: BatchItem, one: str
) -> None:
    done = replace(scope, left=max(0, scope.left - 1), taken=(*scope.taken, one), own=())
    assert not done.covers(replace(item, resource_id=one))
    assert not replace(scope, left=0, own=()).covers(item)
    # Nothing is covered afterwards that was not before.
    assert scope.covers(item) or not done.covers(item)


@given(scopes, items)
def test_leaving_out_what_was_done_of_others_changes_no_answer(scope: BatchScope, item: BatchItem) -> None:
    assert scope.about(item).covers(item) == scope.covers(item)
    assert not scope.covers(None)
    assert not scope.about(None).covers(None)


@given(scopes, items, st.sampled_from(["records.delete", "other", ""]))
def test_a_batch_covers_its_own_action_alone(scope: BatchScope, item: BatchItem, action: str) -> None:
    whole = ProofScope(kind=Scope.TRANSACTION, action="records.delete", batch=scope)
    target = Target(action=action, resource="record/1", binding="b1", item=item)
    assert whole.covers(target) == (action == "records.delete" and scope.covers(item))
    assert not whole.covers(replace(target, item=None))


@given(values, st.sampled_from([0, 50, 50.5]))
def test_only_a_number_from_nought_is_within_a_limit(value: Any, most: float) -> None:
    assert is_within(value, most) == (type(value) in {int, float} and 0 <= value <= most)


def _item(amount: Any, payee: str = "Ann", *, kind: str = "record", batch: BatchSpec | None = None) -> BatchItem | None:
    spec = ActionSpec(
        name="payouts.make",
        resource_type="record",
        privilege="payouts.make",
        binds=(AMOUNT, PAYEE),
        batch=batch or BatchSpec(max_items=3, per_item={AMOUNT: 50}),
    )
    return batch_item(
        spec,
        tenant="t",
        subject=("user", "ann"),
        session="ses_1",
        resource=(kind, "1"),
        fields={AMOUNT: amount, PAYEE: payee},
    )


@given(values)
def test_what_is_beyond_a_limit_is_none_of_several(amount: Any) -> None:
    found = _item(amount)
    assert (found is not None) == is_within(amount, 50)


def test_what_has_no_limit_is_the_same_for_all_of_them() -> None:
    first, second, other, old = _item(1), _item(2), _item(1, "Mallory"), _item(1, kind="record/old")
    assert first
    assert second
    assert other
    assert old
    assert first.same == second.same
    assert len({first.same, other.same, old.same}) == 3


@pytest.mark.parametrize(
    "odd", [{"max_items": 1}, {"max_items": 101}, {"max_items": True}, {"max_items": 2, "per_item": {AMOUNT: -1}}]
)
def test_a_batch_that_could_never_be_meant_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"max_items|largest"):
        BatchSpec(**odd)
