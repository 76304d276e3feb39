"""A band asks what the tenant's table says of it, whatever the table says and however it was stored."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.assessment import Assessment, RiskReason
from riskengine.requirements import (
    BANDS,
    DEFAULT_TABLE,
    NOTHING_ASKED,
    RISING,
    Table,
    price,
    rank,
    stored_table,
    table_from_json,
    table_to_json,
)
from tiergate import RISK, Band, Level, Requirement, Sensitivity

AAL2 = Level.AAL2
NOTHING = None
MOST = {"level": "aal2", "max_age": 300, "phishing_resistant": True}
"""What a table asks of the greatest risk by default: nothing else is to be less."""

bands = st.sampled_from(BANDS)
sensitivities = st.sampled_from(list(Sensitivity))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
requirements = st.none() | st.fixed_dictionaries(
    {"level": st.sampled_from(["aal1", "aal2", "aal3"])},
    optional={"max_age": st.integers(1, 86_400), "phishing_resistant": st.booleans(), "device_bound": st.booleans()},
)
tables = st.dictionaries(
    bands, st.dictionaries(st.sampled_from([one.value for one in Sensitivity]), requirements | anything)
)


def _asked(band: str, sensitivity: Sensitivity, table: Table = DEFAULT_TABLE) -> Requirement | None:
    contribution = price(Assessment(band=band), sensitivity, table).contribution  # type: ignore[arg-type]
    return None if contribution is None else contribution.requirement


@pytest.mark.parametrize(
    ("band", "standard", "premium", "regulated"),
    [
        ("unknown", NOTHING, NOTHING, NOTHING),
        ("low", NOTHING, NOTHING, NOTHING),
        ("medium", NOTHING, (3600, False), (900, False)),
        ("high", (900, False), (900, False), (900, True)),
        ("critical", (300, False), (300, True), (300, True)),
    ],
)
def test_a_tenant_that_says_nothing_has_the_table_of_the_docs(
    band: Band, standard: Any, premium: Any, regulated: Any
) -> None:
    for sensitivity, want in zip(Sensitivity, (standard, premium, regulated), strict=True):
        asked = None if want is None else Requirement(level=AAL2, max_age=want[0], phishing_resistant=want[1])
        assert _asked(band, sensitivity) == asked


@pytest.mark.parametrize("sensitivity", Sensitivity)
def test_it_is_refused_only_where_the_band_is_critical_and_a_hard_evaluator_spoke(sensitivity: Sensitivity) -> None:
    for band in BANDS:
        for hard in ((), ("impossible_travel",)):
            found = price(Assessment(band=band, hard=hard), sensitivity, DEFAULT_TABLE)
            is_blocked = band == "critical" and hard != ()
            assert (found.forbid is not None) is is_blocked
            assert found.forbid is None or (found.forbid.source, found.contribution) == (RISK, None)


def test_the_strongest_reasons_are_told_in_words_and_those_that_speak_for_the_person_are_not() -> None:
    words = [("a", 3.0), ("b", 2.0), ("c", -1.0), ("d", 1.0), ("e", 0.5)]
    reasons = tuple(RiskReason(code=one, weight=weight, because=f"reason {one}") for one, weight in words)
    found = price(Assessment(band="high", reasons=reasons), Sensitivity.STANDARD, DEFAULT_TABLE).contribution
    assert found is not None
    assert (found.source, found.because) == (RISK, "high risk: reason a; reason b; reason d")


@given(st.text(max_size=12) | st.none() | st.integers(), sensitivities)
def test_what_is_no_band_is_priced_as_critical(band: Any, sensitivity: Sensitivity) -> None:
    if band in BANDS:
        return
    assert rank(band) == rank("critical")
    assert _asked(band, sensitivity) == DEFAULT_TABLE["critical"][sensitivity]


@given(tables)
def test_a_table_that_is_taken_never_asks_less_of_more_risk_or_of_what_is_more_sensitive(said: Any) -> None:
    try:
        table = table_from_json(said)
    except ValueError:
        return
    for less, more in pairwise(RISING):
        for one in Sensitivity:
            _is_at_least(_asked(more, one, table), _asked(less, one, table))
    for band in BANDS:
        asked = [_asked(band, one, table) for one in Sensitivity]
        for milder, stricter in pairwise(asked):
            _is_at_least(stricter, milder)


def _is_at_least(one: Requirement | None, other: Requirement | None) -> None:
    assert other is None or (one is not None and one | other == one)


@given(tables)
def test_a_table_is_stored_as_it_was_said(said: Any) -> None:
    try:
        table = table_from_json(said)
    except ValueError:
        return
    assert stored_table(table_to_json(table)) == table


@given(anything | tables | st.dictionaries(st.text(max_size=8) | bands, anything), bands, sensitivities)
def test_what_cannot_be_read_of_a_stored_table_asks_for_the_default_or_more(
    stored: Any, band: Band, sensitivity: Sensitivity
) -> None:
    asked, default = _asked(band, sensitivity, stored_table(stored)), DEFAULT_TABLE[band][sensitivity]
    entry = stored.get(band, {}) if isinstance(stored, dict) else {} if stored is None else stored
    is_left_out = isinstance(entry, dict) and sensitivity.value not in entry
    if is_left_out:
        assert asked == default
        return
    try:
        said = entry[sensitivity.value]
        readable = None if said is None else Requirement.from_json(said)
    except (ValueError, TypeError, AttributeError):
        assert asked is not None
        _is_at_least(asked, default)
    else:
        assert asked == readable


@pytest.mark.parametrize(
    "broken",
    [
        {"hihg": {}},
        {"high": {"premum": None}},
        {"high": {"premium": {"level": "aal4"}}},
        {"high": {"premium": {"level": "aal2", "max_age": 0}}},
        {"high": {"premium": {"level": "aal2", "max_age": "900"}}},
        {"high": {"premium": {"level": "aal2", "scope": "transaction"}}},
        {"high": {"premium": {"level": "aal2", "approvals": 1}}},
        {"high": {"premium": {"level": "aal2", "lvl": 1}}},
        {"critical": {"regulated": {**MOST, "scope": "transaction"}}},
        {"critical": {"regulated": {**MOST, "approvals": 1}}},
        {"high": {"premium": None}},
        {"medium": {"standard": {"level": "aal3"}}},
        {"critical": {"regulated": {"level": "aal2"}}},
        {"unknown": {"standard": {"level": "aal2"}}},
        {"high": []},
        [],
        "off",
    ],
)
def test_a_table_with_a_mistake_is_refused_as_a_whole(broken: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        table_from_json(broken)


def test_a_table_without_an_entry_asks_for_more_than_nothing() -> None:
    empty: Table = {}
    for band in BANDS:
        for one in Sensitivity:
            assert price(Assessment(band=band), one, empty) != NOTHING_ASKED
