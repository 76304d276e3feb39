"""What a passkey is worth to a challenge, and how much of that rests on its checking whose hand it is in."""

from datetime import datetime

from msgspec import structs

from authlevels.challenges import methods_of, pending_proofs, target_of
from authlevels.methods import ChallengeMethod
from authlevels.models import Challenge
from tiergate import Authenticator, Requirement, SessionFacts, elevation_scope, satisfied_until


def rests_on_verification(row: Challenge, facts: SessionFacts, passkey: Authenticator, *, at: datetime) -> bool:
    """Say whether a passkey that would do here does less, or nothing, where its user is not verified.

    Then user verification is required of it: what browsers are asked to prefer, they may leave out.
    """
    bare = structs.replace(passkey, user_verified=False)
    if _is_met_by(row, facts, passkey, at=at) and not _is_met_by(row, facts, bare, at=at):
        return True
    enrolled = tuple(bare if one == passkey else one for one in facts.enrolled)
    still = methods_of(row, structs.replace(facts, enrolled=enrolled), at=at)
    return bare not in still.get(ChallengeMethod.PASSKEY, ())


def _is_met_by(row: Challenge, facts: SessionFacts, passkey: Authenticator, *, at: datetime) -> bool:
    """Say whether showing a passkey leaves nothing missing."""
    requirement, target = Requirement.from_json(row.requirement), target_of(row)
    shown = passkey.shown(at=at, scope=elevation_scope(requirement.scope, target))
    proofs = [*facts.proofs, *pending_proofs(row), shown]
    until = satisfied_until(requirement, proofs, target=target, activity=facts.activity, at=at, enrolled=facts.enrolled)
    return until is not None
