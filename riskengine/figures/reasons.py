"""Why did sessions look risky?"""

from typing import Final

from msgspec import Struct

from riskengine.figures.period import DAY, LOOKS, RANK, RISKY, SESSION, Period, rows

MOST_REASONS: Final = 10

# What lowers a score is no reason for a risk. Each code is told in the words that were said most often.
_TOP: Final = f"""
    SELECT reason->>'code', mode() WITHIN GROUP (ORDER BY reason->>'because'), count(DISTINCT (r.day, r.session))
    FROM (
        SELECT {DAY} AS day, {SESSION} AS session, s.reasons
        FROM riskengine_signal s
        WHERE {LOOKS} AND {RANK} >= {RISKY} AND jsonb_typeof(s.reasons) = 'array'
    ) AS r CROSS JOIN LATERAL jsonb_array_elements(r.reasons) AS reason
    WHERE (reason->>'weight')::float8 > 0
    GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT {MOST_REASONS}
"""  # noqa: S608 - of constants


class TopReason(Struct, frozen=True, kw_only=True):
    """One reason. sessions: how many it made riskier, each once a day."""

    code: str
    because: str
    sessions: int


def top_reasons(period: Period) -> list[TopReason]:
    """List what most often made a session of the period look risky, the most frequent first."""
    return [
        TopReason(code=code, because=because or code, sessions=sessions)
        for code, because, sessions in rows(period, _TOP)
    ]
