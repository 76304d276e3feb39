"""No two entries have the same leaf: what moves from one column to the next is another entry."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entry_rows import hash_entry, hash_row
from audit.verifier import FIELDS, Unreadable, leaf_bytes, leaf_hash

text = st.text(max_size=4)
number = st.integers(0, 300)
entries = st.fixed_dictionaries(
    {name: number if name in {"seq", "ordinal", "previous_seq"} else text for name in FIELDS}
    | {"session_id": st.none() | text}
)
ENTRY: dict[str, Any] = {name: 7 if name in {"seq", "ordinal", "previous_seq"} else "x" for name in FIELDS}


@given(entries, entries)
def test_other_entries_have_other_bytes(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (leaf_bytes(one) == leaf_bytes(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"subject_type": "user", "subject_id": "7"}, {"subject_type": "user7", "subject_id": ""}),
        ({"kind": "ab", "at": "c"}, {"kind": "a", "at": "bc"}),
        ({"session_id": None}, {"session_id": ""}),
        ({"ordinal": 1, "previous_seq": 23}, {"ordinal": 12, "previous_seq": 3}),
    ],
)
def test_what_stands_side_by_side_is_kept_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert leaf_bytes(ENTRY | one) != leaf_bytes(ENTRY | other)


@pytest.mark.parametrize(
    "broken", [{"seq": "7"}, {"seq": True}, {"kind": 7}, {"payload": {"n": 1}}, {"kind": None}, {"at": ["x"]}]
)
def test_a_value_of_another_type_is_no_entry(broken: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        leaf_bytes(ENTRY | broken)


odd = st.text(max_size=400) | st.text("\x00\x7f\x80\xff\u0100\U0001d6fc\ud800", min_size=60, max_size=300)
odd_entries = st.fixed_dictionaries(
    {name: st.integers(0, 2**63 - 1) if name in {"seq", "ordinal", "previous_seq"} else odd for name in FIELDS}
    | {"session_id": st.none() | odd}
)


@given(odd_entries)
def test_the_sealer_hashes_a_row_as_the_verifier_does(entry: dict[str, Any]) -> None:
    row = (*(entry[name] for name in FIELDS[:-2]), "what else a query may add")
    chain = {"ordinal": entry["ordinal"], "previous_seq": entry["previous_seq"]}
    assert hash_row(row, **chain) == hash_entry(entry, **chain) == leaf_hash(leaf_bytes(entry))
