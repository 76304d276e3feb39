"""Who looked risky, how did it end, and how often was it a false alarm?

A session counts once: from when it first looked medium or riskier in the period, at the riskiest that it looked.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.json import decode

from riskengine.figures.period import LOOKS, RANK, RANKS, RISKY, SESSION, Period, rows
from riskengine.models import Kind

MOST_CHALLENGED: Final = 50
_MOST_TOLD: Final = 3


class Outcome(StrEnum):
    """How it ended; of several the first of these. OPEN: nobody confirmed anything, or nobody was asked."""

    NOT_MINE = "not_mine"
    MINE = "mine"
    PASSED = "passed"
    REFUSED = "refused"
    FAILED = "failed"
    OPEN = "open"


OWN: Final = (Outcome.MINE, Outcome.PASSED)
"""It was the person: they said so, or confirmed it."""
NOT_OWN: Final = (Outcome.NOT_MINE, Outcome.FAILED)
"""It was not, as far as anybody knows: they said so, or nobody could confirm it."""

# In one pass, without a join that a planner could misjudge. Wrong answers before it looked risky, and those after which somebody
# confirmed, end nothing.
_ENDED: Final = f"""
    WITH sessions AS (
        SELECT {SESSION} AS session, min(s.subject_type) AS subject_type, min(s.subject_id) AS subject_id,
            max(s.rank) FILTER (WHERE s.is_risky) AS rank,
            min(s.at) FILTER (WHERE s.is_risky) AS began,
            (array_agg(s.id ORDER BY s.rank DESC, s.score DESC NULLS LAST, s.at, s.id) FILTER (WHERE s.is_risky))[1] AS id,
            bool_or(s.kind = '{Kind.SIGN_IN_FAILED.value}') AS is_refused,
            max(s.at) FILTER (WHERE s.kind = '{Kind.STEP_UP_PASSED.value}') AS passed_at,
            max(s.at) FILTER (WHERE s.kind = '{Kind.STEP_UP_FAILED.value}') AS failed_at,
            bool_or(s.kind = '{Kind.CONFIRMED_MINE.value}') AS is_mine,
            bool_or(s.kind = '{Kind.CONFIRMED_NOT_MINE.value}') AS is_not_mine
        FROM (
            SELECT s.*, {RANK} AS rank, ({LOOKS}) AND {RANK} >= {RISKY} AS is_risky FROM riskengine_signal s
            WHERE s.tenant_id = %(tenant)s AND s.at >= %(since)s AND s.at <= %(until)s
        ) AS s
        WHERE s.is_risky OR s.kind IN ('step_up_passed', 'step_up_failed', 'confirmed_mine', 'confirmed_not_mine')
        GROUP BY 1
    ), ended AS (
        SELECT id, rank, began, CASE
            WHEN is_not_mine THEN '{Outcome.NOT_MINE.value}'
            WHEN is_mine THEN '{Outcome.MINE.value}'
            WHEN passed_at >= began THEN '{Outcome.PASSED.value}'
            WHEN is_refused THEN '{Outcome.REFUSED.value}'
            WHEN failed_at >= began THEN '{Outcome.FAILED.value}'
            ELSE '{Outcome.OPEN.value}' END AS outcome
        FROM sessions WHERE rank IS NOT NULL
    )
"""  # noqa: S608 - of constants
# What was missed is sought by its person, whose signals are few.
_COUNTED: Final = f"""{_ENDED}
    SELECT rank, outcome, count(*) FROM ended GROUP BY 1, 2
    UNION ALL
    SELECT NULL, NULL, count(*) FROM sessions e
    WHERE e.rank IS NULL AND e.is_not_mine AND EXISTS (
        SELECT FROM riskengine_signal s
        WHERE {LOOKS} AND s.subject_type = e.subject_type AND s.subject_id = e.subject_id AND s.session_id = e.session
    )
"""  # noqa: S608 - of constants
_LISTED: Final = f"""{_ENDED}
    SELECT s.subject_type, s.subject_id, e.began, s.band, e.outcome, s.reasons
    FROM (SELECT * FROM ended ORDER BY began DESC, id LIMIT {MOST_CHALLENGED}) AS e
    JOIN riskengine_signal s ON s.tenant_id = %(tenant)s AND s.id = e.id
    ORDER BY e.began DESC, s.id
"""  # noqa: S608 - of constants


class Outcomes(Struct, frozen=True, kw_only=True):
    """How it ended, counted. by_band: of sessions that looked risky. missed: looked low, or unknown, and were not their person's."""

    by_band: Mapping[str, Mapping[Outcome, int]]
    missed: int = 0

    def of(self, *outcomes: Outcome) -> int:
        """Count the risky ones that ended in one of these ways."""
        return sum(row.get(one, 0) for row in self.by_band.values() for one in outcomes)

    @property
    def all(self) -> int:
        """Count all that looked risky."""
        return self.of(*Outcome)

    @property
    def false_alarm_rate(self) -> float | None:
        """Say how many of those of which it is known were the person after all, 0 to 1; None where nothing is known."""
        own, known = self.of(*OWN), self.of(*OWN, *NOT_OWN)
        return own / known if known else None


class Challenged(Struct, frozen=True, kw_only=True):
    """One session that looked risky. at: when it first did. because: the strongest reasons in words."""

    subject: tuple[str, str]
    at: datetime
    band: str
    outcome: Outcome
    because: tuple[str, ...]


def count_outcomes(period: Period) -> Outcomes:
    """Count how it ended for each session of the period that looked risky."""
    by_band: dict[str, dict[Outcome, int]] = {band: {} for band in RANKS[RISKY - 1 :]}
    missed = 0
    for rank, outcome, number in rows(period, _COUNTED):
        if rank is None:
            missed = number
        else:
            by_band[RANKS[rank - 1]][Outcome(outcome)] = number
    return Outcomes(by_band=by_band, missed=missed)


def list_challenged(period: Period) -> list[Challenged]:
    """List the sessions of the period that looked risky last, at most `MOST_CHALLENGED`, the newest first."""
    return [
        Challenged(
            subject=(kind, name), at=began, band=band, outcome=Outcome(outcome), because=_strongest(decode(reasons))
        )
        for kind, name, began, band, outcome, reasons in rows(period, _LISTED)
    ]


def _strongest(reasons: Any) -> tuple[str, ...]:
    """Give the words of the reasons that raised the score; whatever else was stored says nothing."""
    told = [one for one in reasons if isinstance(one, dict)] if isinstance(reasons, list) else []
    return tuple(
        str(one.get("because", "")) for one in told if isinstance(one.get("weight"), int | float) and one["weight"] > 0
    )[:_MOST_TOLD]
