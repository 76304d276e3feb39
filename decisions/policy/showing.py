"""What is in force now, by its names and with who put it there."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from decisions.models import PolicyActivation, PolicyBundle, Step
from decisions.policy.stage import Mode
from licensing import api as licensing


class Active(Struct, frozen=True, kw_only=True):
    """The bundle that is active, with the step that put it there."""

    digest: str
    name: str
    activated_at: datetime
    by: str
    because: str


class Candidate(Struct, frozen=True, kw_only=True):
    """A bundle beside the active one. tenants: slugs."""

    digest: str
    name: str
    mode: Mode
    tenants: tuple[str, ...]
    percent: int


class Shown(Struct, frozen=True, kw_only=True):
    """Which rules are in force; None: none."""

    active: Active | None = None
    candidate: Candidate | None = None


def show_stage() -> Shown:
    """Read which bundle is active since when and by whom, and which is a candidate for whom."""
    newest = PolicyActivation.objects.select_related("active", "candidate").order_by("-number").first()
    if newest is None:
        return Shown()
    return Shown(active=_active(newest.active), candidate=_candidate(newest))


def _active(bundle: PolicyBundle | None) -> Active | None:
    if bundle is None:
        return None
    # What came after it kept it.
    step = PolicyActivation.objects.filter(step__in=(Step.ACTIVATE, Step.ROLL_BACK)).order_by("-number")[0]
    return Active(digest=bundle.digest, name=bundle.name, activated_at=step.at, by=step.by, because=step.because)


def _candidate(row: PolicyActivation) -> Candidate | None:
    if row.candidate is None:
        return None
    return Candidate(
        digest=row.candidate.digest,
        name=row.candidate.name,
        mode=Mode(row.mode),
        tenants=tuple(sorted(map(_slug, row.tenants))),
        percent=row.percent,
    )


def _slug(tenant_id: UUID) -> str:
    try:
        return licensing.get_tenant(tenant_id).slug
    except licensing.TenantNotFound:
        return str(tenant_id)
