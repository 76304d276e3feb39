"""What a plan would ask of a tenant's members that nothing asks yet, and who of them could not show it.

No lower room may know all of it: licensing what is asked, authlevels who has what, billing what is bought.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from authlevels import api as authlevels
from licensing import api as licensing
from tiergate import Entitlement, Level, Requirement, Unlock

MOST_NAMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a feature will ask, where it asks less now, or is not had. before: None for the latter."""

    feature: str
    before: Requirement | None
    after: Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityDelta:
    """What comes on top. requirement: the join of it; None: nothing does.

    members, ready: how many active members there are, and how many of them have what it takes.
    not_ready: who has not, 100 at most. sentences: the same for a person.
    """

    requirement: Requirement | None
    features: tuple[Asked, ...]
    members: int
    ready: int
    not_ready: tuple[authlevels.NotReady, ...]
    sentences: tuple[str, ...]


def security_delta(*, tenant_id: UUID, versions: Iterable[tuple[str, str, int]], at: datetime) -> SecurityDelta:
    """Work out what holding ``versions`` would ask that the tenant is not asked yet.

    versions: kind, key and number of each; what is not on sale, or held already, adds nothing.
    :raises licensing.TenantNotFound: there is no such tenant.
    """
    snapshot = licensing.get_snapshot(tenant_id=tenant_id, at=at)
    wanted = set(versions)
    bought = {
        feature: [one for one in ways if (one.kind.value, one.key, one.version) in wanted]
        for feature, ways in snapshot.unlocks.items()
    }
    features = tuple(
        asked
        for feature, ways in sorted(bought.items())
        if (asked := _asked(feature, ways, snapshot.entitlements.get(feature))) is not None
    )
    if not features:
        return SecurityDelta(requirement=None, features=(), members=0, ready=0, not_ready=(), sentences=())
    requirement = reduce(or_, (one.after for one in features))
    found = authlevels.readiness_for(tenant_id=tenant_id, requirement=requirement, at=at)
    titles = sorted({one.title for ways in bought.values() for one in ways})
    return SecurityDelta(
        requirement=requirement,
        features=features,
        members=found.members,
        ready=found.ready,
        not_ready=found.not_ready[:MOST_NAMED],
        sentences=_sentences(" and ".join(titles), requirement, found.members - found.ready, found.members),
    )


def _asked(feature: str, ways: list[Unlock], held: Entitlement | None) -> Asked | None:
    after = [one.requirement for one in ways if one.requirement is not None]
    if not after:
        return None
    joined = reduce(or_, after)
    before = None
    if held is not None and held.is_granted:
        before = reduce(or_, (one.requirement for one in held.contributions), Requirement())
        if before.is_at_least(joined):
            return None
        joined = before | joined
    return None if joined == Requirement() else Asked(feature=feature, before=before, after=joined)


def _sentences(title: str, requirement: Requirement, lacking: int, members: int) -> tuple[str, ...]:
    who = f"{lacking} of {members} members {'has' if lacking == 1 else 'have'} none"
    if lacking == 0:
        who = f"all {members} members have one" if members != 1 else "your one member has it"
    out = [f"{title} needs {_factor(requirement)}: {who}."] if _factor(requirement) else []
    if requirement.approvals:
        count = requirement.approvals
        out.append(f"{title} has actions that {count} other {'member agrees' if count == 1 else 'members agree'} to.")
    return tuple(out)


def _factor(requirement: Requirement) -> str:
    if requirement.level >= Level.AAL3 or requirement.device_bound:
        return "a security key that cannot be copied"
    if requirement.phishing_resistant:
        return "a phishing-resistant factor"
    return "a second factor" if requirement.level >= Level.AAL2 else ""
