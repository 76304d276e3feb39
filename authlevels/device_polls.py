"""Polling for what somebody confirms elsewhere, at the pace that RFC 8628 section 3.5 asks for."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from authlevels.approvals import ShownApproval, parsed, show_approval
from authlevels.challenges import Presenter, show_challenge
from authlevels.errors import AccessDenied, AuthorizationPending, ChallengeNotFound, ExpiredToken, SlowDown
from authlevels.models import Challenge, DeviceCode, Elevation
from authlevels.principals import Credential, Session
from authlevels.public_ids import parse_challenge_ref
from authlevels.verification import Passed, passed_with
from isolation.api import tenant_transaction
from tiergate import TiergateError

SLOWER: Final = 5
SLOWEST: Final = 60


def poll_challenge(*, ref: str, session: Session, at: datetime) -> Passed:
    """Return what was confirmed elsewhere, to the very session that waits for it.

    :raises ChallengeNotFound: there is none of this session that has a code.
    :raises AuthorizationPending: nobody has answered yet.
    :raises SlowDown: this came sooner than ``interval`` seconds after the last one; the interval has grown.
    :raises AccessDenied: it was refused.
    :raises ExpiredToken: it has expired, or its session or what it left has ended.
    """
    ids = parse_challenge_ref(ref)
    if ids is None:
        raise ChallengeNotFound("There is no such challenge for you.")
    tenant_id, challenge_id = ids
    shown = show_challenge(ref=ref, presenter=Presenter(session=session), at=at)
    with tenant_transaction(tenant_id):
        row = Challenge.objects.get(tenant_id=tenant_id, id=challenge_id)
        left = Elevation.objects.filter(
            tenant_id=tenant_id, challenge_id=challenge_id, ended_at__isnull=True, expires_at__gt=at
        ).first()
    if row.session_id != session.id or not _pace(tenant_id, challenge_id=challenge_id, at=at):
        raise ChallengeNotFound("There is no such challenge for you.")
    if shown.state == "passed" and left is not None:
        return passed_with(row, left)
    raise _refusal(shown.state)


def poll_approval(
    *, ref: str, at: datetime, session: Session | None = None, credential: Credential | None = None
) -> ShownApproval:
    """Return an approval that enough people have agreed to, to whoever asked for it.

    :raises ApprovalNotFound: there is none for this caller.
    :raises AuthorizationPending: not enough have agreed yet.
    :raises SlowDown: as for a challenge.
    :raises AccessDenied: somebody refused it.
    :raises ExpiredToken: its hour is over, or it was used.
    """
    shown = show_approval(ref=ref, session=session, credential=credential, at=at)
    tenant_id, approval_id = parsed(ref)
    _pace(tenant_id, approval_id=approval_id, at=at)
    if shown.state == "approved":
        return shown
    with tenant_transaction(tenant_id):
        code = DeviceCode.objects.filter(tenant_id=tenant_id, approval_id=approval_id).first()
    raise _refusal("refused" if code is not None and code.denied_at else shown.state)


def _refusal(state: str) -> TiergateError:
    """Name why there is nothing to give, as RFC 8628 does."""
    if state in {"open", "pending"}:
        return AuthorizationPending("Nobody has answered yet.", error="authorization_pending")
    if state == "refused":
        return AccessDenied("It was refused.", error="access_denied")
    return ExpiredToken("It has expired, or what it left has ended.", error="expired_token")


def _pace(tenant_id: UUID, *, at: datetime, challenge_id: UUID | None = None, approval_id: UUID | None = None) -> bool:
    """Note a poll, committed before it is answered, and say whether there is anything to poll for.

    :raises SlowDown: it came too soon.
    """
    with tenant_transaction(tenant_id, durable=True):
        row = (
            DeviceCode.objects.select_for_update()
            .filter(tenant_id=tenant_id, challenge_id=challenge_id, approval_id=approval_id)
            .first()
        )
        if row is None:
            return False
        is_soon = row.polled_at is not None and at < row.polled_at + timedelta(seconds=row.interval)
        if is_soon:
            row.interval = min(row.interval + SLOWER, SLOWEST)
        row.polled_at = at
        row.save(update_fields=["interval", "polled_at"])
    if is_soon:
        raise SlowDown("Ask less often.", error="slow_down", interval=row.interval)
    return True
