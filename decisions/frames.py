"""What is the same in every question about one state of a tenant, put together once."""

from typing import Final
from uuid import UUID

from authlevels import api as authlevels
from licensing import api as licensing
from tiergate import IMPLICIT_PRIVILEGES, ActionSpec, Contribution, Requirement, TenantFact, Versions

# Everyone who is let in at all has shown something: no action is open to a session without a proof.
PLATFORM: Final = Contribution(source="platform", requirement=Requirement())

type Granted = tuple[tuple[str, ...], tuple[Contribution, ...]]

NOBODYS: Final[Granted] = ((), (PLATFORM,))
"""Privileges and demands of who is no member."""

CAPACITY: Final = 10_000


class Frame:
    """The part of the facts that one snapshot decides, and what each set of roles grants and asks in it."""

    __slots__ = ("_granted", "_scopes", "plan_level", "plans", "snapshot", "tenant", "versions", "zone")

    def __init__(self, snapshot: licensing.TenantSnapshot) -> None:
        self.snapshot = snapshot
        self.tenant = TenantFact(
            id=str(snapshot.tenant.id),
            slug=snapshot.tenant.slug,
            is_active=snapshot.tenant.is_active,
            is_vendor=snapshot.tenant.id == licensing.VENDOR_TENANT_ID,
        )
        self.versions = Versions(snapshot=snapshot.version, policy=snapshot.policy_version)
        self.plan_level = authlevels.plan_level(snapshot)
        self.plans = _plans_of(snapshot)
        self.zone = licensing.find_zone(snapshot.tenant.settings)
        self._granted: dict[tuple[tuple[str, ...], bool], Granted] = {}
        self._scopes: dict[str, tuple[str, ...]] = {}

    def scopes_of(self, action: ActionSpec | None) -> tuple[str, ...] | None:
        """List the scopes of tokens that stand for an action; None of one that nobody knows."""
        if action is None:
            return None
        found = self._scopes.get(action.name)
        if found is None:
            scopes = sorted(one.name for one in self.snapshot.scopes.values() if action.name in one.actions)
            found = self._scopes[action.name] = tuple(scopes)
        return found

    def granted(self, roles: tuple[str, ...], *, is_everybodys: bool) -> Granted:
        """Give what roles grant together, and what each asks; of what is everybody's right, a role asks nothing."""
        key = (roles, is_everybodys)
        found = self._granted.get(key)
        if found is None:
            found = self._granted[key] = self._joined(roles, is_everybodys=is_everybodys)
        return found

    def _joined(self, keys: tuple[str, ...], *, is_everybodys: bool) -> Granted:
        roles = [self.snapshot.roles[key] for key in keys if key in self.snapshot.roles]
        asked = [
            Contribution(source=f"role:{role.key}", requirement=role.requirement)
            for role in roles
            if role.requirement is not None and not is_everybodys
        ]
        privileges = IMPLICIT_PRIVILEGES.union(*(role.privileges for role in roles))
        return tuple(sorted(privileges)), (PLATFORM, *asked)


def _plans_of(snapshot: licensing.TenantSnapshot) -> tuple[str, ...]:
    """List the keys of what the tenant holds, whether it grants anything just now or not."""
    plan = snapshot.plan
    return () if plan is None else (plan.key, *sorted(key for key, _ in plan.add_ons))


_frames: dict[UUID, Frame] = {}


def frame_of(snapshot: licensing.TenantSnapshot) -> Frame:
    """Find or make the frame of a snapshot; of this very object, since its version may have been rolled back."""
    found = _frames.get(snapshot.tenant.id)
    if found is None or found.snapshot is not snapshot:
        if len(_frames) >= CAPACITY:
            _frames.clear()
        found = _frames[snapshot.tenant.id] = Frame(snapshot)
    return found
