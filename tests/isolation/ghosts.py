"""What Globex's things are known by, and for each name one of the same shape of nothing."""

import re
import secrets
import string
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from tests.isolation.schema import tenant_tables
from tests.isolation.sides import Side, World

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{32}")
# What is no name of anybody: words that both tenants' rows are full of, or that are too short to be told apart.
_SHORTEST = 6


def name_everything(world: World, inside: psycopg.Connection) -> None:
    """Collect what Globex's rows are known by, from the rows themselves, and give each a ghost."""
    acme, globex = world.acme, world.globex
    ours = _values(inside, acme.tenant_id)
    theirs = {
        column: sorted(found)
        for column, values in _values(inside, globex.tenant_id).items()
        if (found := {one for one in values if one not in ours.get(column, set())})
    }
    named = {
        "tenant": [globex.slug, str(globex.tenant_id)],
        "session": [globex.session],
        "decision_id": [globex.decision],
        "challenge": [
            globex.challenge,
            _crossed(globex.challenge, world),
            globex.handed_off,
            globex.passed,
            globex.redeemable,
        ],
        "suspended": [globex.suspended, _crossed(globex.suspended, world)],
        "elevation": [globex.elevation, _crossed(globex.elevation, world)],
        "approval": [globex.approval, _crossed(globex.approval, world)],
        "code": [globex.code],
        "handoff": [globex.handoff],
        "name": [f"vault-of-{globex.slug}"],
        # Rows of many kinds have a key. Only the first few of a name are tried everywhere: a role's, which paths name,
        # and a use's, by which it is told to be the same again.
        "key": [globex.role, f"use-of-{globex.slug}"],
    }
    for column, values in theirs.items():
        named.setdefault(column, []).extend(values)
    globex.names = named
    for value in dict.fromkeys(value for values in named.values() for value in values):
        world.ghosts[value] = ghost_of(value, globex)
    world.marks = tuple(world.ghosts)
    world.by_length = tuple(sorted(world.ghosts.items(), key=lambda pair: -len(pair[0])))


def _crossed(ref: str, world: World) -> str:
    """Name a thing of Globex as if it were Acme's."""
    return ref.replace(world.globex.tenant_id.hex, world.acme.tenant_id.hex)


def _values(inside: psycopg.Connection, tenant_id: UUID) -> dict[str, set[str]]:
    """Collect every short text and uuid in a tenant's rows, by column."""
    out: dict[str, set[str]] = {}
    for table in tenant_tables(inside):
        rows = inside.execute(
            sql.SQL(
                "SELECT one.key, one.value FROM {} t, jsonb_each_text(to_jsonb(t) - 'tenant_id') one WHERE t.tenant_id = %s"
            ).format(sql.Identifier(table)),
            [tenant_id],
        ).fetchall()
        for column, value in rows:
            is_name = (
                value is not None and _SHORTEST <= len(value) <= 80 and value[0] not in "{[\\" and not _is_time(value)
            )
            if is_name and (_UUID.fullmatch(value) or not value.isdigit()):
                out.setdefault(column, set()).add(value)
    return out


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo in (None, UTC)
    except ValueError:
        return False


def ghost_of(value: str, globex: Side) -> str:
    """Give a name of the same shape, of nothing."""
    if value == globex.slug:
        return "nobodys"
    if _UUID.fullmatch(value):
        return str(uuid4())
    ghost = _HEX.sub(lambda _found: uuid4().hex, value.replace(globex.tenant_id.hex, uuid4().hex))
    if ghost != value:
        return ghost
    if globex.slug in value:
        return value.replace(globex.slug, "nobodys")
    head, tail = value[:4], value[4:]
    return head + "".join(_like(one) for one in tail)


def _like(letter: str) -> str:
    """Give another letter of the same kind, or what is none as it is."""
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
        if letter in kind:
            return secrets.choice(kind)
    return letter
