"""Writing to members whose tenant asks for more than their factors reach, as the time that they have begins."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import licensing.api
from authlevels.models import User
from authlevels.models.people import ACCOUNT
from authlevels.notices import NoticeKind, notify
from authlevels.policy import get_policy
from tiergate import Level


def ask_to_enrol(*, tenant_id: UUID, subjects: Sequence[tuple[str, str]], level: Level, at: datetime) -> None:
    """Tell members by e-mail what will be asked of them, by when, and where they enrol; in the caller's transaction.

    subjects: whose grace for that level begins at ``at``; each is told once, by a unique row.
    """
    if not subjects:
        return
    due = at + timedelta(seconds=get_policy(tenant_id=tenant_id).enrolment_grace)
    title = licensing.api.get_tenant(str(tenant_id)).name
    for realm in (None, tenant_id):
        named = [subject_id for subject_type, subject_id in subjects if (subject_type == ACCOUNT) == (realm is None)]
        for user in User.objects.filter(realm=realm, subject_id__in=named, is_active=True):
            if (user.subject_type, user.subject_id) in subjects:
                notify(
                    tenant_id=tenant_id,
                    user=user,
                    kind=NoticeKind.ENROLMENT_ASKED,
                    at=at,
                    once=f"{level.value} from {at.astimezone(UTC).isoformat()}",
                    level=level.value,
                    due=f"{due.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
                    tenant=title,
                    realm="" if realm is None else "product",
                )
