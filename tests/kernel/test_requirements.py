"""Levels compare by strength, and a requirement is read strictly."""

from typing import Any

import pytest

from tiergate import DEFAULT_ACR, REAUTHENTICATION, Level, Requirement, Scope, acr_values
from tiergate.requirements import NARROWNESS


def test_levels_compare_by_strength() -> None:
    assert Level.NONE < Level.AAL1 < Level.AAL2 < Level.AAL3
    assert max(Level.AAL3, Level.AAL1) == Level.AAL3


def test_scopes_narrow_from_session_to_transaction() -> None:
    ranked = sorted(Scope, key=lambda scope: NARROWNESS[scope])
    assert ranked == [Scope.SESSION, Scope.ACTION, Scope.RESOURCE, Scope.TRANSACTION]


def test_acr_values_name_every_level_that_would_do_best_first() -> None:
    assert acr_values(Level.AAL2) == "urn:tiergate:acr:aal3 urn:tiergate:acr:aal2"
    assert acr_values(Level.AAL3, {Level.AAL3: "https://acme.example/gold"}) == "https://acme.example/gold"
    assert set(DEFAULT_ACR) == set(REAUTHENTICATION) == set(Level) - {Level.NONE}


def test_a_stronger_level_never_lasts_longer() -> None:
    limits = [REAUTHENTICATION[level] for level in (Level.AAL1, Level.AAL2, Level.AAL3)]
    assert limits[0].absolute > limits[1].absolute > limits[2].absolute
    assert limits[1].inactivity is not None
    assert limits[2].inactivity is not None
    assert limits[1].inactivity > limits[2].inactivity


@pytest.mark.parametrize(
    "value",
    [
        {"level": "aal4"},
        {"level": "AAL2"},
        {"level": "aal0"},
        {"level": 2},
        {"level": None},
        {"max_age": 0},
        {"max_age": -1},
        {"max_age": 2592001},
        {"max_age": 1.5},
        {"max_age": "300"},
        {"max_age": True},
        {"phishing_resistant": 1},
        {"phishing_resistant": "true"},
        {"phishing_resistant": None},
        {"device_bound": 0},
        {"scope": "galaxy"},
        {"scope": None},
        {"approvals": -1},
        {"approvals": 11},
        {"approvals": True},
        {"approvals": "1"},
        {"maxage": 300},
        {"level": "aal2", "acr": "x"},
        {1: "aal2"},
    ],
)
def test_from_json_refuses_what_could_not_be_meant(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Requirement.from_json(value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "aal2"},
        {"level": Level.NONE},
        {"scope": "action"},
        {"phishing_resistant": None},
        {"device_bound": "no"},
        {"max_age": float("nan")},
        {"max_age": True},
        {"approvals": None},
        {"approvals": True},
    ],
)
def test_a_requirement_of_the_wrong_types_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cannot be|at the least"):
        Requirement(**wrong)


def test_an_empty_object_asks_for_the_least() -> None:
    assert Requirement.from_json({}) == Requirement(level=Level.AAL1)
    assert Requirement().to_json() == {"level": "aal1"}


def test_to_json_leaves_out_what_is_not_asked() -> None:
    full = {
        "level": "aal3",
        "max_age": 60,
        "phishing_resistant": True,
        "device_bound": True,
        "scope": "transaction",
        "approvals": 2,
    }
    assert Requirement.from_json(full).to_json() == full
    assert Requirement.from_json({"level": "aal2", "approvals": 0, "max_age": None}).to_json() == {"level": "aal2"}
