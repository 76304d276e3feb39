"""Ending a member's pause after wrong codes, by an administrator who stepped up."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import audit.api
import licensing.api
from authlevels.attempts import AttemptLimit, charge, give_back
from authlevels.errors import SubjectNotMember
from authlevels.models import PasskeyDevice, TotpDevice, User
from authlevels.models.people import ACCOUNT
from authlevels.notices import NoticeKind, notify
from authlevels.passwords import password_bucket
from isolation.api import tenant_transaction

UNLOCK_LIMIT: Final = AttemptLimit(attempts=3, pause=timedelta(days=1), window=timedelta(days=1))
"""Of one member: an administrator who unlocks on and on would let somebody guess on and on."""


def unlock_member(*, tenant_id: UUID, subject: tuple[str, str], by: str, at: datetime) -> None:
    """End the pauses of a member's factors and password; what counts towards a hundred in a row counts on.

    A factor that was disabled stays so: it has to be bound anew.
    :raises SubjectNotMember: the tenant has no such member, or nobody that we know of by that name.
    :raises Throttled: three times in a day already.
    """
    with tenant_transaction(tenant_id):
        member = licensing.api.get_member(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])
        realm = None if subject[0] == ACCOUNT else tenant_id
        user = User.objects.filter(realm=realm, subject_type=subject[0], subject_id=subject[1]).first()
    if member is None or user is None:
        raise SubjectNotMember("The tenant has no such member with a factor here.")
    charge(bucket=f"unlock:{user.id}", limit=UNLOCK_LIMIT, at=at)
    with tenant_transaction(tenant_id):
        for table in (TotpDevice, PasskeyDevice):
            table.objects.filter(user=user, locked_until__isnull=False).update(locked_until=None)
        for bucket in (password_bucket(user), f"recovery:{user.id}"):
            give_back(bucket=bucket, at=at)
        notify(tenant_id=tenant_id, user=user, kind=NoticeKind.UNLOCKED, at=at)
        audit.api.append(
            tenant_id=tenant_id, kind=audit.api.Kind.MEMBER_UNLOCKED, at=at, subject=subject, payload={"by": by}
        )
