"""No two different requests share a binding."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiergate import binding, bound_fields

ORDINARY: dict[str, Any] = {
    "tenant": "acme",
    "subject": ("user", "alice"),
    "session": "ses_1",
    "action": "payments.send",
    "resource": ("account", "7"),
    "fields": {"resource.properties.amount": 100, "resource.properties.to": {"iban": "DE1", "name": "Bob"}},
}


def _hash(**changed: Any) -> str:
    return binding(**{**ORDINARY, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"tenant": "globex"},
        {"subject": ("user", "bob")},
        {"subject": ("account", "alice")},
        {"subject": ("useralice", "")},
        {"session": "ses_2"},
        {"action": "payments.send2"},
        {"resource": ("account", "8")},
        {"resource": ("accoun", "t7")},
        {"fields": {}},
    ],
)
def test_each_part_of_a_request_changes_its_binding(changed: dict[str, Any]) -> None:
    assert _hash(**changed) != _hash()


def test_values_that_look_alike_are_different() -> None:
    alike = [
        1,
        "1",
        True,
        1.0,
        [1],
        {"1": 1},
        None,
        "",
        "null",
        "true",
        False,
        0,
        -0.0,
        0.0,
        [],
        {},
        "\u00e9",
        "e\u0301",
    ]
    assert len({_hash(fields={"amount": value}) for value in alike}) == len(alike)


def test_the_order_of_keys_does_not_matter() -> None:
    one = {"to": {"name": "Bob", "iban": "DE1"}, "amount": 100}
    other = {"amount": 100, "to": {"iban": "DE1", "name": "Bob"}}
    assert _hash(fields=one) == _hash(fields=other)


def test_the_order_of_a_list_matters() -> None:
    assert _hash(fields={"to": ["a", "b"]}) != _hash(fields={"to": ["b", "a"]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {"a": [float("nan")]}])
def test_a_number_that_is_not_finite_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        _hash(fields={"amount": value})


@pytest.mark.parametrize("value", [{1: "a"}, {True: "a"}, {None: "a"}, [{1.5: "a"}], (1, 2), b"1", {1, 2}, object()])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"no text|no JSON"):
        _hash(fields={"amount": value})


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "1", "a"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=4,
)


def _typed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _typed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_typed(member) for member in value]
    return type(value).__name__, value


@given(json_values, json_values)
def test_two_requests_share_a_binding_only_if_they_are_the_same(one: object, other: object) -> None:
    same = _typed(one) == _typed(other)
    assert (_hash(fields={"f": one}) == _hash(fields={"f": other})) == same


def test_bound_fields_are_picked_by_path_and_the_missing_ones_named() -> None:
    document = {"resource": {"properties": {"amount": 0, "note": None}}, "context": {"ip": "192.0.2.1"}}
    binds = ("resource.properties.amount", "resource.properties.note", "resource.properties.to", "context.ip.x")
    found, missing = bound_fields(binds, document)
    assert found == {"resource.properties.amount": 0, "resource.properties.note": None}
    assert missing == ("resource.properties.to", "context.ip.x")


@pytest.mark.parametrize("odd", ['"', "\\", "\x7f", "\n", "é", "\ud800", '","', "plain"])
@pytest.mark.parametrize("place", ["tenant", "subject", "session", "action", "resource"])
def test_without_fields_it_is_still_the_hash_of_json(place: str, odd: str) -> None:
    """Most requests bind no field, and are written without the encoder where nothing is to be escaped."""
    document: dict[str, object] = {
        "tenant": "t", "subject": ["user", "a"], "session": "s", "action": "x", "resource": ["r", "1"], "fields": {}
    }  # fmt: skip
    document[place] = [odd, odd] if isinstance(document[place], list) else odd
    written = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    named = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    assert binding(**named) == hashlib.sha256(b"tiergate-binding-v1\x00" + written).hexdigest()  # type: ignore[arg-type]
