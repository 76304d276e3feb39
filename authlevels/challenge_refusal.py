"""A person says that what they are asked to confirm is not their doing."""

from datetime import datetime

import audit.api
from authlevels.challenges import Presenter, check_presenter, facts_of, is_answerable
from authlevels.errors import ChallengeClosed, ChallengeNotFound
from authlevels.models import Challenge, SuspendedRequest
from authlevels.public_ids import challenge_ref, decision_ref, parse_challenge_ref
from isolation.api import tenant_transaction


def refuse_challenge(*, ref: str, presenter: Presenter, at: datetime) -> None:
    """Close a challenge for good, and with it the request that waits for it; commits before it answers.

    Whoever may answer it may refuse it. What was shown to it so far counts for nothing.
    :raises ChallengeNotFound: there is none for this presenter.
    :raises ChallengeClosed: it was answered, has expired, or its session has ended.
    """
    ids = parse_challenge_ref(ref)
    if ids is None:
        raise ChallengeNotFound("There is no such challenge.")
    tenant_id, challenge_id = ids
    with tenant_transaction(tenant_id, durable=True):
        row = Challenge.objects.select_for_update().filter(tenant_id=tenant_id, id=challenge_id).first()
        row = check_presenter(row, presenter)
        if not is_answerable(row, facts_of(row, at=at), at=at):
            raise ChallengeClosed("The challenge was answered, has expired, or its session ended.")
        row.closed_at = row.refused_at = at
        row.handoff_digest = None
        row.save(update_fields=["closed_at", "refused_at", "handoff_digest"])
        SuspendedRequest.objects.filter(
            tenant_id=tenant_id, session_id=row.session_id, decision_id=row.decision_id, resumed_at__isnull=True
        ).delete()
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.CHALLENGE_REFUSED,
            at=at,
            subject=(row.subject_type, row.subject_id),
            session_id=row.session_id,
            payload={
                "challenge": challenge_ref(tenant_id, row.id),
                "decision": decision_ref(row.decision_id),
                "action": row.action,
                "response_seconds": (at - row.created_at).total_seconds(),
                "by": f"credential:{presenter.credential.name}"
                if presenter.credential is not None
                else f"{row.subject_type}:{row.subject_id}",
            },
        )
