"""Is the role that serves requests fit to: bound by row-level security, and not the owner of what it guards?"""

from typing import Any, Final

import psycopg

from isolation.roles import OWNER_ROLE

UNFIT: Final = (
    "DATABASE_URL connects as a role that row-level security does not bind: a superuser, one with BYPASSRLS, or one "
    "that may act as the owner of the tables. Connect as the app's role (docs/runbook.md)."
)

# A role that may become one of those is one: SET ROLE is all it takes.
_QUERY: Final = """
    SELECT EXISTS (
        SELECT FROM pg_roles r
        WHERE (r.rolsuper OR r.rolbypassrls OR r.rolname = %(owner)s)
          AND pg_has_role(current_user, r.oid, 'MEMBER')
    )
"""


def is_unfit(connection: psycopg.Connection[Any]) -> bool:
    """Say whether row-level security would not bind whoever this connection is."""
    found = connection.execute(_QUERY, {"owner": OWNER_ROLE}).fetchone()
    return found is None or bool(found[0])
