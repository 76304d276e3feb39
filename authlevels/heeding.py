"""What a migration calls to have the standing of people raised by a table in which something is taken back."""

from typing import Final

from django.db.migrations.operations import RunSQL
from django.db.migrations.operations.base import Operation

# People of our own sign-in may have sessions in any tenant.
_TOLD: Final = """
    SELECT coalesce({realm}, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS scope,
        r.id, to_jsonb(r) - '{{{unheeded}}}'::text[] AS said
    FROM {rows} r WHERE {counts}
"""
_TAKEN_BACK: Final = """
CREATE OR REPLACE FUNCTION {table}_standing() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
DECLARE
    changed uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR changed IN SELECT DISTINCT scope FROM ({after}) a ORDER BY scope LOOP
            PERFORM authlevels_raise_standing(changed);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR changed IN SELECT DISTINCT scope FROM ({before}) b ORDER BY scope LOOP
            PERFORM authlevels_raise_standing(changed);
        END LOOP;
    ELSE
        FOR changed IN
            WITH b AS ({before}), a AS ({after})
            SELECT DISTINCT scope FROM (
                (TABLE b EXCEPT TABLE a) UNION ALL (TABLE a EXCEPT TABLE b)
            ) differing ORDER BY scope
        LOOP
            PERFORM authlevels_raise_standing(changed);
        END LOOP;
    END IF;
    RETURN NULL;
END
$fn$;
REVOKE ALL ON FUNCTION {table}_standing() FROM PUBLIC;
"""
_ROWS: Final = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def heed(
    table: str, *, realm: str, events: tuple[str, ...], unheeded: tuple[str, ...] = (), counts: str = "true"
) -> list[Operation]:
    """Raise the standing of whom a statement took something back from.

    realm: the tenant that a row ``r`` is of; NULL for the own sign-in.
    unheeded: columns that nothing remembered rests on; one that is added later counts.
    counts: of which rows ``r`` anything is remembered.
    """
    return [
        RunSQL(_function(table, realm, unheeded, counts), f"DROP FUNCTION {table}_standing()"),
        *(
            RunSQL(
                f"CREATE TRIGGER standing_{event.lower()} AFTER {event} ON {table} REFERENCING {_ROWS[event]}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_standing()",
                f"DROP TRIGGER standing_{event.lower()} ON {table}",
            )
            for event in events
        ),
    ]


def heed_less(
    table: str, *, realm: str, unheeded: tuple[str, ...], was_unheeded: tuple[str, ...], counts: str = "true"
) -> list[Operation]:
    """Leave more columns unheeded, of a table whose changes are heeded already."""
    return [RunSQL(_function(table, realm, unheeded, counts), _function(table, realm, was_unheeded, counts))]


def _function(table: str, realm: str, unheeded: tuple[str, ...], counts: str) -> str:
    before, after = (
        _TOLD.format(realm=realm, unheeded=",".join(unheeded), rows=rows, counts=counts).strip()
        for rows in ("old_rows", "new_rows")
    )
    return _TAKEN_BACK.format(table=table, before=before, after=after)
