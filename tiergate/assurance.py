"""How sure the proofs of a session make us at an instant: sets of proofs, never a ladder or a stored level."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiergate.levels import REAUTHENTICATION, Level
from tiergate.proofs import (
    SESSION_WIDE,
    Authenticator,
    FactorKind,
    Proof,
    ProofScope,
    Target,
)
from tiergate.requirements import Requirement, Scope

# Two machines' clocks may differ by this much; a proof from further in the future is no evidence.
CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """When a session was last used, and since when without too long a pause.

    aal2_since, aal3_since: proofs older than this no longer uphold that level, since the session was left
    idle for longer than the level allows; None: no such pause yet.
    """

    last_seen_at: datetime | None = None
    aal2_since: datetime | None = None
    aal3_since: datetime | None = None

    def since(self, level: Level) -> datetime | None:
        """Give the instant before which proofs do not count for ``level``."""
        if level == Level.AAL3:
            return self.aal3_since
        return self.aal2_since if level == Level.AAL2 else None

    def seen(self, at: datetime) -> "Activity":
        """Record that the session was used at ``at``, noting each pause that outlasted its level's limit."""
        if self.last_seen_at is None or at <= self.last_seen_at:
            return Activity(
                last_seen_at=self.last_seen_at or at,
                aal2_since=self.aal2_since,
                aal3_since=self.aal3_since,
            )
        pause = at - self.last_seen_at
        return Activity(
            last_seen_at=at,
            aal2_since=at if _outlasts(pause, Level.AAL2) else self.aal2_since,
            aal3_since=at if _outlasts(pause, Level.AAL3) else self.aal3_since,
        )


def _outlasts(pause: timedelta, level: Level) -> bool:
    limit = REAUTHENTICATION[level].inactivity
    return limit is not None and pause > limit


def satisfied_until(
    requirement: Requirement,
    proofs: Iterable[Proof],
    *,
    target: Target,
    activity: Activity,
    at: datetime,
) -> datetime | None:
    """Find until when these proofs meet ``requirement`` for ``target``; None when they do not meet it at ``at``.

    A proof that is expired, in the future, idled out, or given for something else counts as absent. The
    *leading* proof is of the factor that the level itself needs (at aal2 the second factor): ``max_age``, the
    flags and the scope are asked of it. Inactivity is left out of the instant, since use prolongs it.
    """
    level = requirement.level
    counting = [
        (proof, end)
        for proof in proofs
        if (end := _upholds_until(proof, level, target=target, activity=activity, at=at)) is not None
    ]
    knowledge = max(
        (end for proof, end in counting if proof.factor_kind == FactorKind.KNOWLEDGE),
        default=None,
    )
    best: datetime | None = None
    for proof, upheld in counting:
        end = _leads_until(proof, requirement, upheld, at=at)
        if end is None:
            continue
        partner = _complete_until(proof, level, knowledge=knowledge, end=end)
        if partner is not None and (best is None or partner > best):
            best = partner
    return best


def _upholds_until(proof: Proof, level: Level, *, target: Target, activity: Activity, at: datetime) -> datetime | None:
    limits = REAUTHENTICATION[level]
    end = proof.at + limits.absolute
    if proof.scope.until is not None:
        if at >= proof.scope.until:
            return None
        end = min(end, proof.scope.until)
    if at > end or proof.at > at + CLOCK_SKEW:
        return None
    since = activity.since(level)
    if since is not None and proof.at < since:
        return None
    if limits.inactivity is not None:
        active_at = proof.at if activity.last_seen_at is None else max(proof.at, activity.last_seen_at)
        if at - active_at > limits.inactivity:
            return None
    return end if proof.scope.covers(target) else None


def _leads_until(proof: Proof, requirement: Requirement, upheld: datetime, *, at: datetime) -> datetime | None:
    if requirement.phishing_resistant and not proof.phishing_resistant:
        return None
    if requirement.device_bound and not proof.device_bound:
        return None
    if proof.scope.kind.narrowness < requirement.scope.narrowness:
        return None
    if requirement.max_age is None:
        return upheld
    fresh_until = proof.at + timedelta(seconds=requirement.max_age)
    return None if at > fresh_until else min(upheld, fresh_until)


def _complete_until(proof: Proof, level: Level, *, knowledge: datetime | None, end: datetime) -> datetime | None:
    """Say until when ``proof``, with the best knowledge proof beside it, makes up ``level``."""
    if level == Level.AAL1:
        return end
    if proof.factor_kind != FactorKind.POSSESSION:
        return None
    if level == Level.AAL3:
        # NIST SP 800-63B-4, 2.3: phishing-resistant, the user verified, the key not exportable.
        return end if proof.phishing_resistant and proof.user_verified and proof.device_bound else None
    if proof.user_verified:
        return end
    return None if knowledge is None else min(end, knowledge)


# Nothing is asked about this target by name: only session-wide proofs cover it.
_ANYTHING = Target(action="", resource="", binding="")


def held_level(proofs: Sequence[Proof], *, activity: Activity, at: datetime) -> Level:
    """Give the highest level that the session-wide proofs reach together at ``at``."""
    session_wide = [proof for proof in proofs if proof.scope.kind == Scope.SESSION]
    for level in (Level.AAL3, Level.AAL2, Level.AAL1):
        if satisfied_until(
            Requirement(level=level),
            session_wide,
            target=_ANYTHING,
            activity=activity,
            at=at,
        ):
            return level
    return Level.NONE


def reachable_level(enrolled: Sequence[Authenticator], *, at: datetime) -> Level:
    """Give the highest level that the person's authenticators could reach if all were shown now."""
    shown = [one.shown(at=at, scope=SESSION_WIDE) for one in enrolled]
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
    the knowledge beside the second factor that no live proof gives any more.
    """
    scope = elevation_scope(requirement.scope, target)
    shown = {one: one.shown(at=at, scope=scope) for one in enrolled}

    def meets(extra: Iterable[Proof]) -> bool:
        together = [*proofs, *extra]
        return satisfied_until(requirement, together, target=target, activity=activity, at=at) is not None

    if not meets(shown.values()):
        return ()
    alone = tuple(one for one, proof in shown.items() if meets([proof]))
    if alone:
        return alone
    # No single one is enough: list those without which the whole would not do, and each that has a substitute.
    useful = []
    for one, proof in shown.items():
        others = [other for rival, other in shown.items() if rival.factor_kind != one.factor_kind]
        if meets([proof, *others]):
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
