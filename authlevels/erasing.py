"""Erase a person who has left a tenant: what is kept of them here goes, and the trail keeps a tag without a name."""

from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

import audit.api
import licensing.api
from authlevels.errors import StillMember
from authlevels.models import (
    Approval,
    ApprovalGrant,
    Ceremony,
    Challenge,
    DeviceCode,
    Elevation,
    Notice,
    PasskeyDevice,
    ProofRow,
    RecoveryCodes,
    RecoveryGrant,
    ServiceCredential,
    SessionRow,
    SuspendedRequest,
    Token,
    TotpDevice,
    Unready,
    User,
)
from authlevels.risk_of_people import forget_looks
from isolation.api import tenant_transaction

ERASED = "somebody erased"


def erase_person(*, tenant_id: UUID, subject: tuple[str, str], by: str, at: datetime) -> None:
    """Delete a former member's sessions, challenges and factors in a tenant and how they looked, and erase them from its trail.

    A session's row would lead from the trail's tag back to the name, so both go in one transaction. A person of the
    own sign-in keeps their account and its factors, which other tenants may know them by.

    :raises StillMember: the membership has to end first; it would bring the name back.
    :raises audit.api.PersonNotFound: nothing is known of such a person.
    """
    mine = {"tenant_id": tenant_id, "subject_type": subject[0], "subject_id": subject[1]}
    with tenant_transaction(tenant_id):
        if licensing.api.get_member(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1]) is not None:
            raise StillMember("End the membership first: who belongs to the tenant is told of in its trail.")
        sessions = list(SessionRow.objects.select_for_update().filter(**mine).values_list("id", flat=True))
        # What others typed of theirs is of a challenge or approval that goes too.
        DeviceCode.objects.filter(**mine).delete()
        DeviceCode.objects.filter(tenant_id=tenant_id, activated_by__in=sessions).update(activated_by=None)
        for rows in (
            SuspendedRequest.objects,
            RecoveryGrant.objects,
            ProofRow.objects,
            Token.objects,
            Elevation.objects,
            Ceremony.objects,
            Challenge.objects,
        ):
            rows.filter(tenant_id=tenant_id, session_id__in=sessions).delete()
        ApprovalGrant.objects.filter(
            Q(approval_id__in=Approval.objects.filter(**mine).values("id"))
            | Q(subject_type=subject[0], subject_id=subject[1]),
            tenant_id=tenant_id,
        ).delete()
        Approval.objects.filter(**mine).delete()
        SessionRow.objects.filter(**mine).delete()
        theirs = User.objects.filter(realm=tenant_id, subject_type=subject[0], subject_id=subject[1])
        TotpDevice.objects.filter(user__in=theirs).delete()
        PasskeyDevice.objects.filter(user__in=theirs).delete()
        RecoveryCodes.objects.filter(user__in=theirs).delete()
        Notice.objects.filter(**mine).delete()
        Unready.objects.filter(**mine).delete()
        # In SQL, since Django would look for what else refers to an operator, in tables that are not this role's.
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM authlevels_user WHERE id = ANY(%s)", [list(theirs.values_list("id", flat=True))]
            )
        author = ":".join(subject)
        ServiceCredential.objects.filter(tenant_id=tenant_id, created_by=author).update(created_by=ERASED)
        licensing.api.forget_subject(tenant_id=tenant_id, subject=subject)
        licensing.api.forget_author(tenant_id=tenant_id, author=author, instead=ERASED)
        # Of sessions that are gone: nothing that held one down is missed.
        forget_looks(tenant_id, subject, at=at)
        audit.api.erase_person(tenant_id=tenant_id, subject=subject, by=by, at=at)
        licensing.api.publish("person", "")
        licensing.api.publish("erased", str(tenant_id))
