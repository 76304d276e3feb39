"""Which method a person confirmed by last: it is offered first."""

from collections.abc import Iterable

from authlevels.methods import ChallengeMethod, method_of
from authlevels.models import Challenge, ProofRow, SessionRow


def last_used_first(row: Challenge, methods: Iterable[ChallengeMethod]) -> tuple[ChallengeMethod, ...]:
    """Order the methods of a challenge by when this person last confirmed by each, within a transaction of its tenant.

    What was never used comes after, in the order given; a sign-in is no confirmation.
    """
    found = tuple(methods)
    theirs = SessionRow.objects.filter(
        tenant_id=row.tenant_id, subject_type=row.subject_type, subject_id=row.subject_id
    ).values("id")
    shown = ProofRow.objects.filter(tenant_id=row.tenant_id, session_id__in=theirs, challenge_id__isnull=False)
    latest = [method_of(amr) for amr in shown.order_by("-at").values_list("method", flat=True)[:20]]
    return tuple(sorted(found, key=lambda one: latest.index(one) if one in latest else len(latest)))
