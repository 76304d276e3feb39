"""Redeeming what a browser brings back: the product says that it is the browser that began, and the elevation counts."""

from datetime import datetime

from authlevels.challenges import is_of_own, pending_proofs
from authlevels.elevations import unended_elevations
from authlevels.errors import ChallengeNotFound, RedemptionRefused
from authlevels.models import Challenge, Elevation
from authlevels.principals import Credential
from authlevels.public_ids import parse_challenge_ref
from authlevels.refusals import record_refused_redemption
from authlevels.risk import look_at_answer, tell_step_up
from authlevels.verification import Passed, code_digests, passed_with, record_created
from isolation.api import tenant_transaction
from riskengine import api as riskengine
from tiergate import Verb


def redeem(*, ref: str, code: str, credential: Credential, at: datetime) -> Passed:
    """Make the elevation count that a hosted page has left, once.

    ref: ``chl_…``. code: ``cmp_…``, as the browser brought it to ``return_to``. The caller has compared ``state``
    with what its own session of that browser holds (as for OAuth, RFC 6749 section 10.12): without it, a person to
    whom a link was mailed would lift the sender's session.
    :raises ChallengeNotFound: there is none for this credential.
    :raises RedemptionRefused: the code is another, was redeemed, or is too old, or its session has ended.
    """
    ids = parse_challenge_ref(ref)
    if ids is None or not credential.reaches(ids[0]) or Verb.STEP_UP_CREATE not in credential.verbs:
        raise ChallengeNotFound("There is no such challenge for you.")
    tenant_id, challenge_id = ids
    with tenant_transaction(tenant_id):
        row = Challenge.objects.filter(tenant_id=tenant_id, id=challenge_id).first()
        if row is None or is_of_own(row):
            raise ChallengeNotFound("There is no such challenge for you.")
        riskengine.hold_session(tenant_id=tenant_id, session_id=row.session_id)
        waiting = unended_elevations(tenant_id, at=at).filter(challenge_id=challenge_id)
        # One statement finds and clears the code, so of two at once one finds it.
        counted = waiting.filter(awaits_digest__in=code_digests(row, code), awaits_until__gt=at).update(
            awaits_digest=None, awaits_until=None
        )
        if counted:
            elevation = Elevation.objects.get(tenant_id=tenant_id, challenge_id=challenge_id)
            record_created(row, elevation, by=f"credential:{credential.name}", at=at)
            tell_step_up(row, look_at_answer(row, None, at=at), pending_proofs(row), teaches=True, at=at)
            return passed_with(row, elevation)
    record_refused_redemption(tenant_id=tenant_id, challenge_id=challenge_id, credential=credential, at=at)
    raise RedemptionRefused("The code is not right, was redeemed already, or is too old.")
