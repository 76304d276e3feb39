"""Erase a person from the trail, which stays true."""

from datetime import datetime
from uuid import UUID

from audit.trail import append_erasure
from isolation.api import tenant_transaction


def erase_person(*, tenant_id: UUID, subject: tuple[str, str], by: str, at: datetime) -> None:
    """Make nobody able to say any more whose entries these are, or to read what only their key opens.

    What happened stays, under the tag, and one entry tells that somebody was erased. This process forgets with the
    commit; the caller tells the others to call `forget_people`. The same name met again is another person.

    :raises PersonNotFound: the trail knows nobody of that name.
    """
    with tenant_transaction(tenant_id):
        append_erasure(tenant_id=tenant_id, subject=subject, by=by, at=at)
