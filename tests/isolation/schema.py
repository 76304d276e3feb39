"""What the database's own catalogue says of who may see what, as sentences about whatever is wrong.

Each inspection reads ``pg_catalog`` alone, so that a table, partition, view, function or sequence which somebody adds
is looked at without being named here. What is allowed by way of exception stands in `exceptions`, with its reason.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg

from isolation.api import GLOBAL_TABLES
from isolation.roles import APP_ROLE, OWNER_ROLE, SWEEP_ROLE
from tests.isolation.exceptions import (
    DEFINER_FUNCTIONS,
    GLOBAL_WITH_TENANT,
    HIGH_ENTROPY,
    NAMING_FUNCTIONS,
    SEQUENCES,
    SOFT_REFERENCES,
)

type Inspection = Callable[[psycopg.Connection], Iterator[str]]

OWN_ROWS: Final = "(tenant_id = (current_setting('app.tenant_id'::text))::uuid)"
SEARCH_PATH: Final = "search_path=pg_catalog, public, pg_temp"
_FOR_LONGER: Final = re.compile(r"set_config\([^;]*,\s*(?!true\s*\))\w+\s*\)|\bSET\s+(SESSION\s+)?app\.", re.IGNORECASE)

# Schemas of ours: what tests keep aside belongs to the bootstrap superuser.
_OURS: Final = """
    (SELECT n.oid FROM pg_namespace n WHERE n.nspname !~ '^(pg_|information_schema$)' AND n.nspowner <> 10)
"""
# Every table of ours, partitions with the table that they are part of.
_RELATIONS: Final = f"""
    SELECT c.oid, c.relname, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
           coalesce((SELECT r.relname FROM pg_class r WHERE r.oid = pg_partition_root(c.oid)), c.relname),
           (SELECT a.attnotnull FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'),
           pg_get_userbyid(c.relowner)
    FROM pg_class c
    WHERE c.relnamespace IN {_OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname
"""  # noqa: S608 - a constant
_REACHES: Final = """
    SELECT has_table_privilege(%(role)s, %(table)s::oid, 'SELECT, INSERT, UPDATE, DELETE')
        OR has_any_column_privilege(%(role)s, %(table)s::oid, 'SELECT, INSERT, UPDATE')
"""


def relations(inside: psycopg.Connection) -> list[dict[str, Any]]:
    """List every table, partition and view of ours as the catalogue has it."""
    names = ("oid", "name", "kind", "enabled", "forced", "is_partition", "root", "has_tenant", "owner")
    return [dict(zip(names, row, strict=True)) for row in inside.execute(_RELATIONS).fetchall()]


def tenant_tables(inside: psycopg.Connection) -> list[str]:
    """List the tables that hold tenants' rows, each partitioned one once."""
    return [
        one["name"]
        for one in relations(inside)
        if one["kind"] in "rp" and not one["is_partition"] and one["name"] not in GLOBAL_TABLES
    ]


def tables_are_guarded(inside: psycopg.Connection) -> Iterator[str]:
    """Row-level security on, forced, with exactly our policies; a partition that is not is out of the app's reach."""
    for one in relations(inside):
        if one["kind"] not in "rp":
            continue
        name = one["name"]
        if one["owner"] != OWNER_ROLE:
            yield f"{name} belongs to {one['owner']}"
        if one["root"] in GLOBAL_TABLES:
            if one["has_tenant"] is not None and one["root"] not in GLOBAL_WITH_TENANT:
                yield f"{name} is listed as global and has a tenant_id"
            continue
        if one["is_partition"] and not _reaches(inside, one["oid"]):
            continue
        if not (one["enabled"] and one["forced"]):
            yield f"{name} is not under forced row-level security"
        if not one["has_tenant"]:
            yield f"{name} has no tenant_id that is NOT NULL"
        yield from _policies(inside, name, one["oid"])


def _reaches(inside: psycopg.Connection, oid: int) -> bool:
    return inside.execute(_REACHES, {"role": APP_ROLE, "table": oid}).fetchone() == (True,)


def _policies(inside: psycopg.Connection, name: str, oid: int) -> Iterator[str]:
    found = inside.execute(
        """
        SELECT p.polname, array(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END FROM unnest(p.polroles) r),
               p.polcmd::text, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
        FROM pg_policy p WHERE p.polrelid = %s
        """,
        [oid],
    ).fetchall()
    own = 0
    for policy, roles, command, is_permissive, using, check in found:
        if not is_permissive:
            continue
        if APP_ROLE in roles and (roles, command, using, check) == ([APP_ROLE], "*", OWN_ROWS, OWN_ROWS):
            own += 1
        elif set(roles) - {OWNER_ROLE, SWEEP_ROLE}:
            yield f"{name}: the policy {policy} lets {roles} see {using} and write {check}"
    if own != 1:
        yield f"{name} has {own} policies by which the app sees the rows of its transaction's tenant alone"


def foreign_keys_name_the_tenant(inside: psycopg.Connection) -> Iterator[str]:
    """Between tenants' tables a key holds the tenant on both sides, since foreign keys pass by row-level security."""
    tenants = set(tenant_tables(inside))
    keys = inside.execute(
        """
        SELECT c.conname, s.relname, t.relname, c.convalidated,
               array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, i)
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i),
               array(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (n, i)
                     JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i)
        FROM pg_constraint c JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
        WHERE c.contype = 'f' AND c.conparentid = 0
        """
    ).fetchall()
    between = [key for key in keys if key[1] in tenants and key[2] in tenants]
    held = set()
    for _name, source, target, is_valid, ours, theirs in between:
        pairs = dict(zip(ours, theirs, strict=True))
        if pairs.get("tenant_id") == "tenant_id" and is_valid:
            held |= {(source, target, column) for column in ours}
    for name, source, target, _valid, ours, _theirs in between:
        loose = [column for column in ours if (source, target, column) not in held]
        if loose:
            yield f"{name}: {source} ({', '.join(loose)}) may refer to another tenant's row of {target}"


def references_are_keys_or_named(inside: psycopg.Connection) -> Iterator[str]:
    """Each uuid of a tenant's table is its own id, a foreign key, or listed with why it may dangle."""
    for table in tenant_tables(inside):
        loose = inside.execute(
            """
            SELECT a.attname FROM pg_attribute a
            WHERE a.attrelid = %s::regclass AND a.atttypid = 'uuid'::regtype AND a.attnum > 0 AND NOT a.attisdropped
              AND a.attname NOT IN ('id', 'tenant_id')
              AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'f'
                              AND a.attnum = ANY (c.conkey))
            """,
            [table],
        ).fetchall()
        for (column,) in loose:
            if f"{table}.{column}" not in SOFT_REFERENCES:
                yield f"{table}.{column} refers to something, and no foreign key or reason says to what"


def unique_constraints_tell_nothing(inside: psycopg.Connection) -> Iterator[str]:
    """Whoever is refused as a duplicate must not learn of another tenant's row: the tenant is part of what is unique.

    A primary key that begins with a random id of its own cannot be met by guessing.
    """
    tenants = set(tenant_tables(inside))
    found = inside.execute(
        """
        SELECT t.relname, i.relname, x.indisprimary,
               array(SELECT coalesce(a.attname::text, '<expression>')
                     FROM unnest(x.indkey[:x.indnkeyatts - 1]) WITH ORDINALITY k (n, i)
                     LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n ORDER BY k.i),
               (SELECT format_type(a.atttypid, NULL) FROM pg_attribute a
                WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0])
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
        WHERE (x.indisunique OR x.indisexclusion) AND NOT t.relispartition
          AND (has_table_privilege(%(app)s, t.oid, 'INSERT, UPDATE') OR has_any_column_privilege(%(app)s, t.oid, 'INSERT, UPDATE'))
        """,
        {"app": APP_ROLE},
    ).fetchall()
    for table, index, is_primary, columns, kind in found:
        if table not in tenants or "tenant_id" in columns:
            continue
        if is_primary and columns[0] == "id" and kind == "uuid":
            continue
        if f"{table} ({', '.join(columns)})" not in HIGH_ENTROPY:
            yield f"{table}: {index} on ({', '.join(columns)}) tells one tenant of another's row"


def views_ask_as_their_reader(inside: psycopg.Connection) -> Iterator[str]:
    """A view reads as its reader; a copy of rows knows no policy, and neither does a foreign table."""
    for one in relations(inside):
        if one["kind"] == "v":
            options = inside.execute("SELECT reloptions FROM pg_class WHERE oid = %s", [one["oid"]]).fetchone()
            if not options or "security_invoker=true" not in (options[0] or []):
                yield f"the view {one['name']} reads as its owner, who sees every tenant"
        elif one["kind"] in "mf":
            yield f"{one['name']} holds rows that no policy guards"


def functions_run_as_their_caller(inside: psycopg.Connection) -> Iterator[str]:
    """A function runs as its caller, or is listed, the owner's, on a fixed path, and nobody's to call by name."""
    found = inside.execute(
        f"""
        SELECT p.proname, p.prosecdef, p.proleakproof, pg_get_userbyid(p.proowner), l.lanname, coalesce(p.proconfig, '{{}}'),
               p.prorettype = 'trigger'::regtype, has_function_privilege(%(app)s, p.oid, 'EXECUTE'), coalesce(p.prosrc, '')
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace IN {_OURS}
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        """,  # noqa: S608 - a constant
        {"app": APP_ROLE},
    ).fetchall()
    for name, is_definer, is_leakproof, owner, language, config, is_trigger, is_callable, source in found:
        if owner != OWNER_ROLE:
            yield f"the function {name} belongs to {owner}"
        if is_leakproof:
            yield f"the function {name} claims to be leakproof, so it would see rows before the policy does"
        if language not in {"sql", "plpgsql"}:
            yield f"the function {name} is written in {language}"
        yield from _what_it_says(name, source)
        if not is_definer:
            continue
        if name not in DEFINER_FUNCTIONS:
            yield f"the function {name} runs as its owner, who sees every tenant"
        if SEARCH_PATH not in config:
            yield f"the function {name} runs as its owner on the path {list(config)}"
        if is_callable and not is_trigger:
            yield f"the function {name} runs as its owner, and the app may call it"


def _what_it_says(name: str, source: str) -> Iterator[str]:
    if "app.tenant_id" in source and name not in NAMING_FUNCTIONS:
        yield f"the function {name} names a tenant by itself, or depends on the one that is named"
    if _FOR_LONGER.search(source):
        yield f"the function {name} sets something for longer than its transaction"
    if "notify" in source.lower():
        yield f"the function {name} notifies: every tenant's connection may listen"


def sequences_count_for_nobody(inside: psycopg.Connection) -> Iterator[str]:
    """A sequence that the app reads tells how much every other tenant does."""
    found = inside.execute(
        """
        SELECT relname, has_sequence_privilege(%(app)s, oid, 'USAGE'), has_sequence_privilege(%(app)s, oid, 'SELECT'),
               has_sequence_privilege(%(app)s, oid, 'UPDATE')
        FROM pg_class WHERE relkind = 'S'
        """,
        {"app": APP_ROLE},
    ).fetchall()
    for name, may_use, may_read, may_set in found:
        if may_read or may_set:
            yield f"the app may {'set' if may_set else 'read'} the sequence {name}"
        elif may_use and name not in SEQUENCES:
            yield f"the app may draw from the sequence {name}"


_ROLES: Final[Sequence[tuple[str, LiteralString]]] = (
    (
        "{} is a superuser, bypasses policies, makes roles or databases, or replicates",
        (
            "SELECT rolname FROM pg_roles WHERE rolname = ANY (%(roles)s)"
            " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
        ),
    ),
    (
        "{} may become another role",
        "SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.member::regrole::text = ANY (%(roles)s)",
    ),
    (
        "{} owns something here",
        (
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE pg_get_userbyid(relowner) = ANY (%(serving)s)"
            " UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pg_get_userbyid(proowner) = ANY (%(serving)s)"
        ),
    ),
    (
        "{} may make things in a schema",
        (
            "SELECT r || ' in ' || n.nspname FROM unnest(%(serving)s::text[]) r, pg_namespace n"
            " WHERE has_schema_privilege(r, n.oid, 'CREATE')"
        ),
    ),
    (
        "{} may make temporary tables",
        "SELECT r FROM unnest(%(serving)s::text[]) r WHERE has_database_privilege(r, current_database(), 'TEMP, CREATE')",
    ),
    (
        "{} may empty a table, refer to it or hang a trigger on it",
        (
            "SELECT DISTINCT r || ' on ' || c.relname FROM unnest(%(serving)s::text[]) r, pg_class c"
            " WHERE c.relkind IN ('r', 'p') AND has_table_privilege(r, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')"
        ),
    ),
    (
        "everybody may use {}",
        "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid >= 16384 AND a.grantee = 0",
    ),
    (
        "a setting names a tenant for {} by default",
        (
            "SELECT coalesce(nullif(setrole, 0)::regrole::text, 'everybody') FROM pg_db_role_setting, unnest(setconfig) s"
            " WHERE s ILIKE 'app.%%' OR s ILIKE 'row_security%%' OR s ILIKE 'role=%%'"
        ),
    ),
    ("{} rewrites queries", "SELECT rulename FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class >= 16384"),
    ("{} is published past every policy", "SELECT pubname FROM pg_publication"),
    ("the large object {} is nobody's and everybody's", "SELECT oid::text FROM pg_largeobject_metadata"),
    ("{} runs on every change of the schema", "SELECT evtname FROM pg_event_trigger"),
)


def roles_can_do_no_more(inside: psycopg.Connection) -> Iterator[str]:
    """The roles that serve read and write rows, and nothing else; nothing passes by the policies."""
    named = {"serving": [APP_ROLE, SWEEP_ROLE], "roles": [APP_ROLE, SWEEP_ROLE, OWNER_ROLE]}
    for sentence, query in _ROLES:
        for (what,) in inside.execute(query, named).fetchall():
            yield sentence.format(what)


INSPECTIONS: Final[Mapping[str, Inspection]] = {
    one.__name__: one
    for one in (
        tables_are_guarded,
        foreign_keys_name_the_tenant,
        references_are_keys_or_named,
        unique_constraints_tell_nothing,
        views_ask_as_their_reader,
        functions_run_as_their_caller,
        sequences_count_for_nobody,
        roles_can_do_no_more,
    )
}


def complaints(inside: psycopg.Connection) -> list[str]:
    """Give every complaint of every inspection."""
    return [told for inspection in INSPECTIONS.values() for told in inspection(inside)]
