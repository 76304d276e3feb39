"""How many seats are taken: active members, and invitations that are still open."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import NoSeatForGood, NoSeatLeft
from licensing.models import Feature, Invitation, Member
from licensing.snapshots import get_snapshot
from licensing.unlocking import unlock_json
from tiergate import Counted, Entitlement, Unlock, list_enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """Who holds a seat, by number."""

    members: int
    invitations: int

    @property
    def taken(self) -> int:
        """Count both."""
        return self.members + self.invitations


def count_seats(*, tenant_id: UUID, at: datetime) -> Seats:
    """Count the seats that are taken at ``at``."""
    with tenant_transaction(tenant_id, savepoint=False):
        return Seats(
            members=Member.objects.filter(tenant_id=tenant_id, active=True).count(),
            invitations=Invitation.objects.filter(tenant_id=tenant_id, end="", expires_at__gt=at).count(),
        )


def is_counted(tenant_id: UUID) -> bool:
    """Say whether anybody counts a tenant's seats."""
    # The vendor sells seats, and holds its own staff to none.
    return tenant_id != names.VENDOR_TENANT_ID and Feature.objects.filter(counts=Counted.MEMBERS).exists()


def require_seat(*, tenant_id: UUID, freed: int = 0, at: datetime) -> None:
    """Refuse one more seat than every limit on members allows, in the transaction that takes it.

    After `lock_tenant`: the change of a plan takes the same lock, so that no limit is lowered between count and seat.

    freed: seats that this one takes the place of, as a member does of their invitation.
    :raises NoSeatLeft: all are taken, or the plan has none.
    """
    snapshot = get_snapshot(tenant_id=tenant_id, at=at)
    seats = count_seats(tenant_id=tenant_id, at=at)
    for feature, entitlement in sorted(snapshot.entitlements.items()):
        if entitlement.counts == Counted.MEMBERS:
            _require(entitlement, seats, seats.taken - freed + 1, snapshot.unlocks.get(feature, ()))


def _require(entitlement: Entitlement, seats: Seats, wanted: int, unlocks: tuple[Unlock, ...]) -> None:
    # INVARIANT: a limit that is missing is none at all; only the flags lift it.
    limit = (entitlement.limit or 0) if entitlement.is_granted is True else 0
    is_lifted = entitlement.unlimited is True or entitlement.overage is True
    if entitlement.is_granted is True and (is_lifted or wanted <= limit):
        return
    enough = list_enough(unlocks, limit=limit, taken=wanted)
    error = NoSeatLeft if enough else NoSeatForGood
    raise error(
        f"All {limit} seats are taken." if limit else "The plan has no seats.",
        feature=entitlement.feature,
        usage={"used": seats.members, "reserved": seats.invitations, "limit": limit},
        unlocks=[unlock_json(one) for one in enough],
    )
