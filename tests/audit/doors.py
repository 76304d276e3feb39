"""Each door through which something changes, gone through once at Acme, with what it tells: the journeys' together."""

from tests.audit import (
    doors_billing,
    doors_elevations,
    doors_factors,
    doors_holdings,
    doors_plans,
    doors_sessions,
    doors_step_up,
    doors_webhooks,
)
from tests.audit.told import Told

JOURNEYS = (
    *(doors_billing, doors_holdings, doors_plans, doors_webhooks),
    *(doors_sessions, doors_step_up, doors_elevations, doors_factors),
)
TOLD: Told = {door: told for journey in JOURNEYS for door, told in journey.TOLD.items()}
