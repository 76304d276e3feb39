"""What the pages of risk show, for a workspace and for the operator alike. Pure."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final
from uuid import UUID

from django.http import QueryDict

from console.risk.chart import chart_of
from console.risk.wording import MODES, OUTCOMES, a_day, percent
from riskengine import api as riskengine
from tiergate import Sensitivity

USUAL_DAYS: Final = 30
STEP: Final = "0.1"
_LONGEST: Final = 24


def days_in(query: QueryDict) -> int:
    """Read how many days are asked for; what cannot be chosen is a month."""
    found = {str(one): one for one in riskengine.DAYS}
    return found.get(query.get("days", ""), USUAL_DAYS)


def begins_in(query: QueryDict) -> dict[str, float]:
    """Read where bands are to begin, as far as that can be read."""
    found: dict[str, float] = {}
    for band in riskengine.BEGIN:
        try:
            value = float(query.get(band, "")[:_LONGEST])
        except ValueError:
            continue
        if isfinite(value):
            found[band] = value
    return found


def report_shown(report: riskengine.RiskReport, *, days: int) -> dict[str, Any]:
    """Write a report for its page. days: what was asked for."""
    rate = report.outcomes.false_alarm_rate
    risky = report.counts.risky
    return {
        **_common(report.period, report.policy, days=days),
        "by_day": report.days,
        "counts": report.counts,
        "risky_share": percent(risky / report.counts.all) if report.counts.all else "",
        "chart": chart_of(report.days),
        "reasons": [(one, percent(min(1.0, one.sessions / risky)) if risky else "") for one in report.reasons],
        "endings": list(OUTCOMES.values()),
        "outcomes": [
            (band, sum(row.values()), [(words, row.get(one, 0)) for one, words in OUTCOMES.items()])
            for band, row in report.outcomes.by_band.items()
        ],
        "own": report.outcomes.of(*riskengine.OWN),
        "known": report.outcomes.of(*riskengine.OWN, *riskengine.NOT_OWN),
        "false_alarms": None if rate is None else percent(rate),
        "missed": report.outcomes.missed,
        "challenged": [(one, OUTCOMES[one.outcome]) for one in report.challenged],
        "is_more": len(report.challenged) < risky and len(report.challenged) >= riskengine.MOST_CHALLENGED,
    }


def what_if_shown(found: riskengine.WhatIf, *, days: int) -> dict[str, Any]:
    """Write what bands elsewhere would ask."""
    premium = found.asked[Sensitivity.PREMIUM]
    return {
        **_common(found.period, found.policy, days=days),
        "is_moved": found.cutoffs_then != found.cutoffs,
        "sessions": found.now.all,
        "length": found.days,
        "not_own": found.not_own,
        "now": a_day(premium.a_day),
        "then": a_day(premium.a_day_then),
        "now_word": _prompts(premium.a_day),
        "then_word": _prompts(premium.a_day_then),
        "unasked": premium.unasked_then,
        "sliders": [_slider(band, found) for band in riskengine.BEGIN],
        "bands": [_band(band, found) for band in ("low", "unknown", *riskengine.BEGIN)],
        "sensitivities": [
            (one.value, a_day(asked.a_day), a_day(asked.a_day_then), asked.unasked, asked.unasked_then)
            for one, asked in found.asked.items()
        ],
        "step": STEP,
    }


def _common(period: riskengine.Period, policy: riskengine.RiskPolicy, *, days: int) -> dict[str, Any]:
    mode, means = MODES[policy.mode]
    return {
        "days": days,
        "choices": riskengine.DAYS,
        "first_day": period.since,
        "last_day": period.until,
        "is_cut": period.is_cut,
        "mode": policy.mode.value,
        "mode_title": mode,
        "mode_means": means,
    }


def _prompts(number: float) -> str:
    return "prompt" if a_day(number) == "1" else "prompts"


def _slider(band: str, found: riskengine.WhatIf) -> Mapping[str, Any]:
    return {
        "band": band,
        "least": f"{riskengine.least_begin(band):.1f}",
        "most": f"{riskengine.most_begin(band):.1f}",
        "value": f"{getattr(found.cutoffs_then, band):.1f}",
        "now": f"{getattr(found.cutoffs, band):.2f}",
    }


def _band(band: str, found: riskengine.WhatIf) -> tuple[str, int, str, int, str]:
    now, then, every = getattr(found.now, band), getattr(found.then, band), found.now.all
    return band, now, percent(now / every) if every else "", then, percent(then / every) if every else ""


def tenants_shown(tenants: Sequence[tuple[UUID, str, str]], counts: Mapping[UUID, riskengine.Counts]) -> dict[str, Any]:
    """Write how sessions looked, a tenant each, and in all of these together. tenants: id, name and slug."""
    none, every = riskengine.Counts(), sum(counts.values(), riskengine.Counts())
    return {
        "rows": [(one, name, slug, *_of_tenant(counts.get(one, none))) for one, name, slug in tenants],
        "every": _of_tenant(every),
    }


def _of_tenant(found: riskengine.Counts) -> tuple[riskengine.Counts, str]:
    return found, percent(found.risky / found.all) if found.all else "none"
