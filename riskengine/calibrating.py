"""Where bands begin: by what a tenant's own people score, of late; by all tenants' where that is too little."""

from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connections

from isolation.api import by_itself, tenant_transaction
from licensing import api as licensing
from riskengine.bands import BUILT_IN, LEAST_SAMPLES, Cutoffs, calibrated
from riskengine.models import PlatformCutoffs, TenantCutoffs
from riskengine.turns import alone

SWEEP: Final = "sweep"
SINCE: Final = timedelta(days=30)
MOST_SAMPLES: Final = 20_000
MOST_OF_PERSON: Final = 20
"""Nobody moves a tenant's bands by coming often."""
MOST_OF_TENANT: Final = 500
"""Nor a tenant those of all."""
_TENANTS: Final = 500

# Any number will do that nobody else uses.
_LOCK: Final = 0x746965726763616C

# What was most likely the person's own: nothing that failed, and of no session of which somebody said that it was not theirs.
_SCORES: Final = """
    SELECT score FROM (
        SELECT s.score, s.at, row_number() OVER (PARTITION BY s.subject_type, s.subject_id ORDER BY s.at DESC) AS nth
        FROM riskengine_signal s
        WHERE s.tenant_id = %(tenant)s AND s.at > %(since)s AND s.at <= %(at)s AND s.score IS NOT NULL
          AND s.kind IN ('sign_in', 'seen', 'step_up_passed', 'confirmed_mine')
          AND (s.session_id IS NULL OR s.session_id NOT IN (
            SELECT n.session_id FROM riskengine_signal n
            WHERE n.tenant_id = %(tenant)s AND n.at > %(since)s AND n.kind = 'confirmed_not_mine' AND n.session_id IS NOT NULL
          ))
    ) AS own WHERE nth <= %(each)s ORDER BY at DESC LIMIT %(most)s
"""

_log = structlog.get_logger(__name__)


def calibrate(*, at: datetime) -> int:
    """Find anew where bands begin in each tenant, and for those with few scores; give how many have cutoffs of their own.

    Where another run is under way, nothing is done. One that is killed has done some tenants; the next does all again.
    """
    with alone(_LOCK) as is_alone:
        if not is_alone:
            return 0
        own, samples = 0, array("d")
        for tenant_id in _tenants():
            with by_itself("risk_calibration", tenant_id=tenant_id):
                scores = _scores(tenant_id, at=at)
                own += _keep(tenant_id, scores, at=at)
                samples.extend(_evenly(scores, MOST_OF_TENANT))
        if len(samples) >= LEAST_SAMPLES:
            found = calibrated(samples, fallback=BUILT_IN)
            PlatformCutoffs.objects.using(SWEEP).update_or_create(id=1, defaults=_columns(found, at=at))
    _log.info("risk_calibrated", tenants=own, samples=len(samples))
    return own


def _tenants() -> Iterator[UUID]:
    after = ""
    while page := licensing.list_tenants(after=after, limit=_TENANTS):
        yield from (one.id for one in page)
        after = page[-1].slug


def _scores(tenant_id: UUID, *, at: datetime) -> list[float]:
    asked: dict[str, Any] = {
        "tenant": tenant_id,
        "since": at - SINCE,
        "at": at,
        "each": MOST_OF_PERSON,
        "most": MOST_SAMPLES,
    }
    with tenant_transaction(tenant_id), connections["default"].cursor() as cursor:
        cursor.execute(_SCORES, asked)
        return [row[0] for row in cursor.fetchall()]


def _keep(tenant_id: UUID, scores: list[float], *, at: datetime) -> bool:
    """Write a tenant's cutoffs, or delete them where it has too few scores by now, and say which."""
    with tenant_transaction(tenant_id):
        if len(scores) < LEAST_SAMPLES:
            TenantCutoffs.objects.filter(tenant_id=tenant_id).delete()
            return False
        # By what is built in, and not by all tenants': what others score moves nobody who has enough scores.
        found = calibrated(scores, fallback=BUILT_IN)
        TenantCutoffs.objects.update_or_create(tenant_id=tenant_id, defaults=_columns(found, at=at))
        return True


def _evenly(scores: list[float], most: int) -> list[float]:
    """Give some scores that are spread as all are."""
    if len(scores) <= most:
        return scores
    ordered = sorted(scores)
    return [ordered[(2 * number + 1) * len(ordered) // (2 * most)] for number in range(most)]


def _columns(found: Cutoffs, *, at: datetime) -> dict[str, Any]:
    return {
        "medium": found.medium,
        "high": found.high,
        "critical": found.critical,
        "samples": found.samples,
        "calibrated_at": at,
    }
