"""What a band asks for: a pure rule over the assessment, how sensitive the action is, and the tenant's table."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, get_args

from msgspec import Struct

from riskengine.assessment import Assessment
from tiergate import RISK, Band, Contribution, Forbid, Level, Requirement, Sensitivity

type Row = Mapping[Sensitivity, Requirement | None]
type Table = Mapping[Band, Row]
"""What each band asks at each sensitivity; None: nothing."""


class Mode(StrEnum):
    """What a tenant has the engine do. observe: nothing but tell in the trail what enforcing would have asked."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


BANDS: Final[tuple[Band, ...]] = get_args(Band)
RISING: Final[tuple[Band, ...]] = ("low", "medium", "high", "critical")
"""Bands from the least risk to the greatest. ``unknown`` is none of them: nobody's history says anything yet."""

_TOLD: Final = 3
_MEMBERS: Final = frozenset({"level", "max_age", "phishing_resistant", "device_bound"})


def _aal2(max_age: int, *, phishing_resistant: bool = False) -> Requirement:
    return Requirement(level=Level.AAL2, max_age=max_age, phishing_resistant=phishing_resistant)


def _row(standard: Requirement | None, premium: Requirement | None, regulated: Requirement | None) -> Row:
    return MappingProxyType(
        {Sensitivity.STANDARD: standard, Sensitivity.PREMIUM: premium, Sensitivity.REGULATED: regulated}
    )


_HARD_TO_PHISH: Final = _aal2(300, phishing_resistant=True)
DEFAULT_TABLE: Final[Table] = MappingProxyType(
    {
        "unknown": _row(None, None, None),
        "low": _row(None, None, None),
        "medium": _row(None, _aal2(3600), _aal2(900)),
        "high": _row(_aal2(900), _aal2(900), _aal2(900, phishing_resistant=True)),
        "critical": _row(_aal2(300), _HARD_TO_PHISH, _HARD_TO_PHISH),
    }
)

# An entry that cannot be read, of a band that asks nothing by default, asks what a high risk does.
_INSTEAD: Final = DEFAULT_TABLE["high"]


class Priced(Struct, frozen=True, kw_only=True):
    """What risk says to one request: asks for more, refuses it, or neither."""

    contribution: Contribution | None = None
    forbid: Forbid | None = None


NOTHING_ASKED: Final = Priced()


def rank(band: object) -> int:
    """Order bands by risk: ``unknown`` is no more than ``low``, and what is no band at all is the greatest."""
    if band == "unknown":
        return 0
    return RISING.index(band) if band in RISING else len(RISING) - 1


def price(assessment: Assessment, sensitivity: Sensitivity, table: Table, *, because: str = "") -> Priced:
    """Say what an assessment asks of an action so sensitive.

    A critical one in which an evaluator that hardly errs has spoken is refused; every other asks what the table says.
    What is no band is critical, and a table that lacks an entry asks for the default, which is never nothing there.

    because: said before the assessment's own reasons.
    """
    band = assessment.band if assessment.band in BANDS else "critical"
    why = _why(assessment, band, because)
    if band == "critical" and assessment.hard:
        return Priced(forbid=Forbid(source=RISK, because=why))
    row = table.get(band)
    asked = _fallback(band, sensitivity) if row is None or sensitivity not in row else row[sensitivity]
    if asked is None:
        return NOTHING_ASKED
    return Priced(contribution=Contribution(source=RISK, requirement=asked, because=why))


def _why(assessment: Assessment, band: Band, because: str) -> str:
    strongest = [one.because for one in assessment.reasons if one.weight > 0][:_TOLD]
    told = [one for one in (because, *strongest) if one]
    return f"{band} risk: {'; '.join(told)}" if told else f"{band} risk"


def table_from_json(value: object) -> Table:
    """Read a table strictly; a band, or a sensitivity in it, that is left out stays as it is by default.

    value: ``{"high": {"premium": {"level": "aal2", "max_age": 600}, "standard": null}, …}``.
    :raises ValueError: an unknown name, a requirement that cannot be one or that names a scope or approvals, or a greater
        risk or a more sensitive action that is asked less; it names the place.
    """
    table = {band: dict(row) for band, row in DEFAULT_TABLE.items()}
    for band, row in _object(value, "the table").items():
        if band not in table:
            raise ValueError(f"{band!r} is no band: {', '.join(BANDS)}")
        for name, asked in _object(row, band).items():
            table[band][_sensitivity(name, band)] = _requirement(asked, f"{band}.{name}")
    _check_rising(table)
    return MappingProxyType({band: MappingProxyType(row) for band, row in table.items()})


def table_to_json(table: Table) -> dict[str, dict[str, Any]]:
    """Write a table in full."""
    return {
        band: {one.value: None if asked is None else asked.to_json() for one, asked in table[band].items()}
        for band in BANDS
    }


def stored_table(value: object) -> Table:
    """Read a table as it was stored, by whatever release: an entry that cannot be read asks for the default or more.

    Never raises, and never reads what is broken as nothing.
    """
    found = value if isinstance(value, Mapping) else {} if value is None else dict.fromkeys(BANDS, value)
    return MappingProxyType({band: _stored_row(band, found.get(band, {})) for band in BANDS})


def _stored_row(band: Band, value: object) -> Row:
    row: dict[Sensitivity, Requirement | None] = {}
    for one in Sensitivity:
        if not isinstance(value, Mapping):
            row[one] = _fallback(band, one)
        elif one.value not in value:
            row[one] = DEFAULT_TABLE[band][one]
        else:
            try:
                row[one] = _requirement(value[one.value], "")
            except (ValueError, TypeError):
                row[one] = _fallback(band, one)
    return MappingProxyType(row)


def _fallback(band: Band, sensitivity: Sensitivity) -> Requirement | None:
    return DEFAULT_TABLE[band][sensitivity] or _INSTEAD[sensitivity]


def _requirement(value: object, where: str) -> Requirement | None:
    if value is None:
        return None
    members = _object(value, where)
    beyond = sorted(str(one) for one in members if one not in _MEMBERS)
    if beyond:
        raise ValueError(f"{where} may not say {beyond[0]!r}: risk asks who is there, and not what for")
    try:
        return Requirement.from_json(members)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _check_rising(table: Table) -> None:
    for band, next_band in pairwise(RISING):
        for one in Sensitivity:
            if not _is_at_least(table[next_band][one], table[band][one]):
                raise ValueError(f"{next_band}.{one.value} asks for less than {band}.{one.value}")
    for band in BANDS:
        for less, more in pairwise(Sensitivity):
            if not _is_at_least(table[band][more], table[band][less]):
                raise ValueError(f"{band}.{more.value} asks for less than {band}.{less.value}")


def _is_at_least(one: Requirement | None, other: Requirement | None) -> bool:
    return other is None or (one is not None and one.is_at_least(other))


def _sensitivity(name: object, band: str) -> Sensitivity:
    try:
        return Sensitivity(str(name))
    except ValueError:
        raise ValueError(f"{band}.{name} is no sensitivity: {', '.join(Sensitivity)}") from None


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object")  # noqa: TRY004 - one error type for whoever reads a table
    return value
