"""Whether anything was taken back, since a session was read, from whoever has one in a tenant."""

from typing import Final
from uuid import UUID

from isolation.api import global_row

_STANDING: Final = """
    concat(
        coalesce((SELECT number FROM authlevels_standing WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 0),
        '.', coalesce((SELECT number FROM authlevels_standing WHERE scope = %s::uuid), 0)
    )
"""


def standing_of(tenant_id: UUID) -> str:
    """Read a tenant's standing, in one statement; equal ones mean that nothing was taken back in between.

    ``<own>.<tenant>``: the counter of the people of our own sign-in, and that of the tenant and its product's people.
    Neither rises where something is only added, nor with a use of something, but for a session's first use after a
    pause that ended a level. One that went back is another one, too.
    :raises django.db.DatabaseError: it failed.
    """
    standing: str
    (standing,) = global_row(_STANDING, [tenant_id])
    return standing
