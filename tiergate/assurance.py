"""How sure the proofs of a session make us at an instant: sets of proofs, never a ladder or a stored level."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tiergate.actions import Action
from tiergate.durations import of_seconds
from tiergate.levels import REAUTHENTICATION, Level
from tiergate.proofs import (
    OWN_ISSUER,
    SESSION_WIDE,
    Authenticator,
    FactorKind,
    Proof,
    ProofScope,
    Target,
)
from tiergate.requirements import NARROWNESS, Requirement, Scope

OF_LEVEL: Mapping[Level, Requirement] = {one: Requirement(level=one) for one in REAUTHENTICATION}
"""What asks for a level and nothing else."""

# Two machines' clocks may differ by this much; a proof from further in the future is no evidence.
CLOCK_SKEW = timedelta(seconds=5)


class Activity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a session was last used, and since when without too long a pause.

    aal2_since, aal3_since: proofs older than this no longer uphold that level, since the session was left
    idle for longer than the level allows; None: no such pause yet.
    riskier_since: when the session last came to look riskier than before; None: it never did. What was shown before
    says who signed in and no more: it leads to no level above aal1, and is fresh for nothing.
    """

    last_seen_at: datetime | None = None
    aal2_since: datetime | None = None
    aal3_since: datetime | None = None
    riskier_since: datetime | None = None

    def since(self, level: Level) -> datetime | None:
        """Give the instant before which proofs do not count for ``level``; what ended aal2 ended aal3 too."""
        if level == Level.AAL1:
            return None
        if level == Level.AAL2 or self.aal3_since is None:
            return self.aal2_since
        return self.aal3_since if self.aal2_since is None else max(self.aal2_since, self.aal3_since)

    def seen(self, at: datetime) -> "Activity":
        """Record that the session was used at ``at``, noting each pause that outlasted its level's limit.

        Of a session never seen before nothing is known: proofs as old as a whole pause do not count.
        """
        if self.last_seen_at is None:
            return Activity(
                last_seen_at=at,
                aal2_since=_later(self.aal2_since, _pause_before(at, Level.AAL2)),
                aal3_since=_later(self.aal3_since, _pause_before(at, Level.AAL3)),
                riskier_since=self.riskier_since,
            )
        if at <= self.last_seen_at:
            return self
        return Activity(
            last_seen_at=at,
            aal2_since=at if self.last_seen_at < _pause_before(at, Level.AAL2) else self.aal2_since,
            aal3_since=at if self.last_seen_at < _pause_before(at, Level.AAL3) else self.aal3_since,
            riskier_since=self.riskier_since,
        )


# The longest pause of a level that has a limit; the others never ask.
_PAUSE = {level: limits.inactivity for level, limits in REAUTHENTICATION.items() if limits.inactivity is not None}
_ABSOLUTES = tuple(limits.absolute for limits in REAUTHENTICATION.values())


def _pause_before(at: datetime, level: Level) -> datetime:
    return at - _PAUSE[level]


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def satisfied_until(
    requirement: Requirement,
    proofs: Iterable[Proof],
    *,
    target: Target,
    activity: Activity,
    at: datetime,
    enrolled: Sequence[Authenticator] = (),
) -> datetime | None:
    """Find until when these proofs meet ``requirement`` for ``target``; None when they do not meet it at ``at``.

    They meet it at every instant from ``at`` on and before the answer, and at none from the answer on. A proof
    that is expired, in the future, idled out, or given for something else counts as absent. The *leading* proof
    is of the factor that the level itself needs (at aal2 the second factor): ``max_age``, the flags and the
    scope are asked of it, and that the session has not come to look riskier since. Inactivity is left out of the
    instant, since use prolongs it.

    For changing factors, the ceilings of new ones are passed over: what asks for the highest level that the person
    holds counts them in full too, so that nobody sheds a new factor by having it count for nothing. Not the ceiling
    below what the person's other factors reach as they count now: else what was enrolled by less, with a recovery
    code, would drive those out.

    enrolled: what the person could show, for changing factors; with none known every ceiling holds.
    """
    best: datetime | None = None
    for proof, upheld, knowledge in _leading(
        requirement, proofs, target=target, activity=activity, at=at, enrolled=enrolled
    ):
        end = upheld
        if requirement.max_age is not None:
            end = min(end, proof.at + of_seconds(requirement.max_age))
        if knowledge is not None and proof.user_verified is not True:
            end = min(end, knowledge)
        if end > at and (best is None or end > best):
            best = end
    return best


def _leading(
    requirement: Requirement,
    proofs: Iterable[Proof],
    *,
    target: Target,
    activity: Activity,
    at: datetime,
    enrolled: Sequence[Authenticator],
) -> Iterator[tuple[Proof, datetime, datetime | None]]:
    """Go through the proofs that lead to a requirement's level as it wants them, its ``max_age`` apart.

    Each with the instants at which it, and the knowledge beside it at aal2, cease to count.
    """
    fully = _level_without_new(target, enrolled, at=at)
    counting = _counting(requirement.level, proofs, target=target, activity=activity, at=at)
    knowledge = None
    if requirement.level == Level.AAL2:
        known = [end for proof, end in counting if proof.factor_kind == FactorKind.KNOWLEDGE]
        knowledge = max(known) if known else None
    is_more = requirement.level > Level.AAL1 or requirement.max_age is not None
    riskier_since = activity.riskier_since if is_more else None
    for proof, upheld in counting:
        if riskier_since is not None and proof.at < riskier_since:
            continue
        if proof.ceiling is not None and requirement.level > proof.ceiling and (fully is None or fully > proof.ceiling):
            continue
        if _leads(proof, requirement, has_knowledge=knowledge is not None):
            yield proof, upheld, knowledge


def leading_proofs(
    level: Level,
    proofs: Iterable[Proof],
    *,
    target: Target,
    activity: Activity,
    at: datetime,
    enrolled: Sequence[Authenticator] = (),
) -> tuple[Proof, ...]:
    """List the proofs of the factor that ``level`` itself needs, where they reach it for ``target`` at ``at``.

    Empty when it is not reached. The arguments are those of `satisfied_until`.
    """
    found = _leading(OF_LEVEL[level], proofs, target=target, activity=activity, at=at, enrolled=enrolled)
    return tuple(proof for proof, _, _ in found)


def _level_without_new(target: Target, enrolled: Sequence[Authenticator], *, at: datetime) -> Level | None:
    """Give the level that a person's factors reach as they count now; None where ceilings hold in any case."""
    if target.action != Action.FACTORS_MANAGE or not enrolled:
        return None
    return held_level([one.shown(at=at, scope=SESSION_WIDE) for one in enrolled], activity=Activity(), at=at)


def _counting(
    level: Level, proofs: Iterable[Proof], *, target: Target, activity: Activity, at: datetime
) -> list[tuple[Proof, datetime]]:
    """List the proofs that uphold ``level`` for ``target`` at ``at``, each with the instant at which it ceases to."""
    latest = at + CLOCK_SKEW
    earliest = _earliest(level, activity, at=at, latest=latest)
    absolute = REAUTHENTICATION[level].absolute
    out = []
    for proof in proofs:
        if not earliest <= proof.at <= latest or not proof.scope.covers(target):
            continue
        end = proof.at + absolute
        if proof.scope.until is not None and proof.scope.until < end:
            end = proof.scope.until
        if end > at:
            out.append((proof, end))
    return out


def _earliest(level: Level, activity: Activity, *, at: datetime, latest: datetime) -> datetime:
    """Give the earliest instant of a proof that can uphold ``level`` at ``at``."""
    limits = REAUTHENTICATION[level]
    earliest = at - limits.absolute
    since = activity.since(level)
    if since is not None and since > earliest:
        earliest = since
    if limits.inactivity is not None:
        seen = activity.last_seen_at
        idle = at - limits.inactivity
        # A use in the future is no evidence that the session is in use.
        if (seen is None or not idle <= seen <= latest) and idle > earliest:
            earliest = idle
    return earliest


def _leads(proof: Proof, requirement: Requirement, *, has_knowledge: bool) -> bool:
    """Say whether ``proof`` is of the factor that the level needs, complete, and as the requirement wants it."""
    if (
        (requirement.phishing_resistant and proof.phishing_resistant is not True)
        or (requirement.device_bound and proof.device_bound is not True)
        or NARROWNESS[proof.scope.kind] < NARROWNESS[requirement.scope]
    ):
        return False
    if requirement.level == Level.AAL1:
        return True
    if proof.factor_kind != FactorKind.POSSESSION:
        return False
    if requirement.level == Level.AAL2:
        return has_knowledge or proof.user_verified is True
    # NIST SP 800-63B-4, 2.3: phishing-resistant, the user verified, the key not exportable.
    return proof.phishing_resistant is True and proof.user_verified is True and proof.device_bound is True


def changes_at(requirement: Requirement, proofs: Iterable[Proof], *, at: datetime) -> datetime | None:
    """Give the next instant after ``at`` at which some proof may begin or cease to count; inactivity apart."""
    absolute = REAUTHENTICATION[requirement.level].absolute
    instants: list[datetime] = []
    for proof in proofs:
        instants += [proof.at - CLOCK_SKEW, proof.at + absolute]
        if requirement.max_age is not None:
            instants.append(proof.at + of_seconds(requirement.max_age))
        if proof.scope.until is not None:
            instants.append(proof.scope.until)
    return min([one for one in instants if one > at], default=None)


def change_at_any_level(proofs: Iterable[Proof], *, at: datetime) -> datetime | None:
    """Give the earliest of what `changes_at` gives for each of the levels."""
    instants: list[datetime] = []
    for proof in proofs:
        instants += [proof.at - CLOCK_SKEW, *[proof.at + absolute for absolute in _ABSOLUTES]]
        if proof.scope.until is not None:
            instants.append(proof.scope.until)
    return min([one for one in instants if one > at], default=None)


# Nothing is asked about this target by name: only session-wide proofs cover it.
_ANYTHING = Target(action="", resource="", binding="")


def held_level(proofs: Sequence[Proof], *, activity: Activity, at: datetime) -> Level:
    """Give the highest level that the session-wide proofs reach together at ``at``."""
    for level in (Level.AAL3, Level.AAL2, Level.AAL1):
        if satisfied_until(OF_LEVEL[level], proofs, target=_ANYTHING, activity=activity, at=at):
            return level
    return Level.NONE


def reachable_level(enrolled: Sequence[Authenticator], *, at: datetime) -> Level:
    """Give the highest level that the person's authenticators could reach if all were shown, ceilings passed over."""
    shown = [replace(one.shown(at=at, scope=SESSION_WIDE), ceiling=None) for one in enrolled]
    return held_level(shown, activity=Activity(), at=at)


def could_satisfy(
    requirement: Requirement,
    proofs: Sequence[Proof],
    enrolled: Sequence[Authenticator],
    *,
    target: Target,
    activity: Activity,
    at: datetime,
) -> tuple[Authenticator, ...]:
    """List the authenticators to show, with the live proofs, to meet ``requirement``; empty when none would do.

    An authenticator is listed when showing it gives something that is missing: either it can lead, or it is
    the knowledge beside the second factor that no live proof gives any more. What a provider verifies counts for
    the whole session, so it never meets a requirement of a narrower scope.
    """
    scope = elevation_scope(requirement.scope, target)
    shown = {one: one.shown(at=at, scope=scope if one.issuer == OWN_ISSUER else SESSION_WIDE) for one in enrolled}

    def meets(extra: Iterable[Proof]) -> bool:
        together = [*proofs, *extra]
        until = satisfied_until(requirement, together, target=target, activity=activity, at=at, enrolled=enrolled)
        return until is not None

    if not meets(shown.values()):
        return ()
    alone = tuple(one for one, proof in shown.items() if meets([proof]))
    if alone:
        return alone
    # No single one is enough: list each that, beside those of the other kinds, makes the difference.
    useful = []
    for one, proof in shown.items():
        others = [other for rival, other in shown.items() if rival.factor_kind != one.factor_kind]
        if meets([proof, *others]) and not meets(others):
            useful.append(one)
    return tuple(useful)


def elevation_scope(scope: Scope, target: Target, *, until: datetime | None = None) -> ProofScope:
    """Make the scope of a proof given for ``target`` at the width that a requirement asks."""
    return ProofScope(
        kind=scope,
        action=None if scope == Scope.SESSION else target.action,
        resource=target.resource if scope in {Scope.RESOURCE, Scope.TRANSACTION} else None,
        binding=target.binding if scope == Scope.TRANSACTION else None,
        until=until,
    )


def until_max_age(requirement: Requirement, *, at: datetime, default: timedelta) -> datetime:
    """Give the instant at which an elevation for ``requirement`` that is passed at ``at`` ends."""
    return at + (default if requirement.max_age is None else of_seconds(requirement.max_age))
