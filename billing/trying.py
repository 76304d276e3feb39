"""Trials that begin at Stripe: a plan is tried once by a tenant, from its domain and with its card, wherever it begins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.settling import Settled
from billing.state import State, StripeSubscription
from licensing import api as licensing

TRIALING: Final = "trialing"
PAUSED: Final = "paused"


def tried_once(tenant_id: UUID, found: Settled, state: State, *, at: datetime) -> Settled:
    """Have a trial that is not the first one grant nothing until it is paid for, and call somebody; in the caller's transaction.

    At Stripe it stays as it is: to end it there would charge a card at an instant that nobody has agreed to.
    """

    def is_first(plan: str, held: StripeSubscription) -> bool:
        return licensing.claim_trial(
            tenant_id=tenant_id, plan=plan, external_id=held.id, card_fingerprint=held.card, at=at
        )

    return _granting(found, state, is_first)


def as_claimed(tenant_id: UUID, found: Settled, state: State) -> Settled:
    """Say the same of a state, and use nothing up."""

    def is_own(plan: str, held: StripeSubscription) -> bool:
        return licensing.has_claimed_trial(tenant_id=tenant_id, plan=plan, external_id=held.id)

    return _granting(found, state, is_own)


def _granting(found: Settled, state: State, is_theirs: Callable[[str, StripeSubscription], bool]) -> Settled:
    held = next((one for one in state if one.id == found.external_id), None)
    if found.plan is None or found.status != TRIALING or held is None or held.is_trial_given:
        return found
    return found if is_theirs(found.plan, held) else _granting_nothing(found)


def _granting_nothing(found: Settled) -> Settled:
    problem = f"trial_used: {found.external_id} grants nothing until it is paid for"
    return replace(found, status=PAUSED, trial_ends_at=None, problem=found.problem or problem)
