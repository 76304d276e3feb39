"""What will become of what a workspace has: a change that is planned, an end, a payment that is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing import api as billing
from console.selling.foreseen import Foreseen, foreseen_of
from licensing import api as licensing
from tiergate import FeatureSpec

_PAST_DUE: Final = "past_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A change or an end that is planned.

    title: what is had from then on; "" where nothing is paid for any more. is_own: the workspace ordered it, and may
    take it back.
    """

    at: datetime
    title: str
    foreseen: Foreseen
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """A payment that is missing. until: so long everything stays as it is; None where nobody can say."""

    until: datetime | None


def coming_to(
    *, tenant_id: UUID, state: billing.BillingState | None, features: Mapping[str, FeatureSpec], at: datetime
) -> Coming | None:
    """Say what is planned for a workspace's plan; None for nothing.

    state: what it pays for; None for nothing. What is planned at Stripe comes first: that is what will be paid.
    """
    if state is not None and state.cancel_at is not None and state.cancel_at > at:
        return _coming(tenant_id, state.cancel_at, (), features, at, is_own=True)
    if state is not None and state.upcoming_at is not None and state.upcoming_at > at:
        return _coming(tenant_id, state.upcoming_at, state.upcoming, features, at, is_own=True)
    try:
        waiting = licensing.get_change(tenant_id=tenant_id)
    except licensing.ChangeNotFound:
        return None
    versions: list[tuple[str, str, int]] = []
    if waiting.plan is not None and waiting.version is not None:
        versions.append(("plan", waiting.plan, waiting.version))
    versions += [("add_on", key, number) for key, number in waiting.add_ons]
    return _coming(tenant_id, waiting.effective_at, versions, features, at, is_own=False)


def unpaid_of(plan: licensing.HeldPlan | None) -> Unpaid | None:
    """Say whether a payment is missing, and until when everything stays as it is."""
    return Unpaid(until=plan.grants_until) if plan is not None and plan.status == _PAST_DUE else None


def left_without(*, tenant_id: UUID, features: Mapping[str, FeatureSpec], at: datetime) -> Foreseen:
    """Say what is lost where nothing is paid for any more."""
    return foreseen_of(licensing.foresee(tenant_id=tenant_id, versions=(), at=at), features)


def _coming(
    tenant_id: UUID,
    when: datetime,
    versions: Sequence[tuple[str, str, int]],
    features: Mapping[str, FeatureSpec],
    at: datetime,
    *,
    is_own: bool,
) -> Coming:
    named = {(one.kind, one.plan, one.number): one.title for one in licensing.list_priced_versions()}
    known = [one for one in versions if one in named]
    # A price that nobody knows here is settled by nobody: what it will bring cannot be said.
    is_known = len(known) == len(versions)
    return Coming(
        at=when,
        title=" and ".join(named[one] for one in known) or ("" if is_known else "Another plan"),
        foreseen=foreseen_of(licensing.foresee(tenant_id=tenant_id, versions=known, at=at), features)
        if is_known
        else Foreseen(),
        is_own=is_own,
    )
