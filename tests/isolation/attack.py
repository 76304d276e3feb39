"""Asks about things of Globex and about their ghosts: the answers must not differ, and Globex stays as it is."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import psycopg
from django.http import HttpResponseBase
from django.test import Client
from psycopg import sql

from authlevels.cookies import browser_cookie_name, session_cookie_name
from isolation import clock
from tests.isolation.addresses import UNSAFE, Request, requests
from tests.isolation.schema import tenant_tables
from tests.isolation.sides import World

TELLS_THE_TRAIL: Final[Mapping[str, str]] = {
    "/v1/sign-in": "whoever tries somebody's door is told of in the trail of whose door it is",
    "/sign-in": "whoever tries somebody's door is told of in the trail of whose door it is",
}
"""Addresses that may append to the trail of a tenant that is not the caller's, and to what it knows of failed sign-ins."""
_OF_TRIES: Final = frozenset({"riskengine_signal"})

_SET_ANEW: Final = """
    DELETE FROM authlevels_attempt_counter;
    UPDATE authlevels_totpdevice SET throttling_failure_count = 0, throttling_failure_timestamp = NULL, disabled_at = NULL
"""
# What each request leaves of itself: an entry in its own tenant's trail. Taken back by itself, since to put every
# table back costs as much as ten requests.
_WITHOUT_ENTRIES: Final = """
    SET LOCAL session_replication_role = replica;
    DELETE FROM audit_entry e WHERE e.tenant_id = {acme} AND NOT EXISTS (SELECT FROM {kept} k WHERE k.id = e.id)
"""
# Below a minute, after which a session's use would be written down.
_FRESH: Final = timedelta(seconds=30)
# What differs from one request to the next, whatever was asked.
_VOLATILE: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,64}|[A-Za-z0-9_-]{43,}"
    r"|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)?|\bg\d+\.t\d+\b|nonce=\"[^\"]*\"|(?<=value=\")[A-Za-z0-9]{64}(?=\")"
    r"|\b\d+ seconds?\b|(?<=\"retry_after\":)\d+"
)
_TOLD: Final = ("Content-Type", "Location", "WWW-Authenticate", "Allow", "Content-Disposition", "Link")


@dataclass
class Attack:
    """Asks as Acme, compares answers, and looks after both tenants' rows."""

    world: World
    superuser: psycopg.Connection
    kept: str
    """The schema that holds both tenants' rows as they were made."""
    restore: Callable[[], None]
    found: list[str] = field(default_factory=list)
    asked: int = 0
    reached: int = 0

    def __post_init__(self) -> None:
        self.client = Client(raise_request_exception=False)
        self.requests = requests(self.world.acme)
        self._query = _digest_query(self.superuser).encode()
        self._without_entries = (
            sql.SQL(_WITHOUT_ENTRIES)
            .format(acme=sql.Literal(self.world.acme.tenant_id), kept=sql.Identifier(self.kept, "audit_entry"))
            .as_bytes(self.superuser)
        )
        self._begin_anew()

    def compare(self, caller: str, real: Request, ghost: Request) -> None:
        """Ask about a thing of Globex and about its ghost, and note where the answers tell them apart."""
        answers = [self.ask(caller, one) for one in (real, ghost)]
        told, of_ghost = (self._plain(one) for one in answers)
        place = f"{caller}: {real.method} {real.address} {json.dumps(real.body)[:300]}"
        if told != of_ghost and self._is_steady(caller, real, told):
            self.found.append(f"{place}\n  is answered {told[:500]}\n  and its ghost {of_ghost[:500]}")
        body = _text(answers[0])
        said = real.told()
        leaked = [mark for mark in self.world.marks if mark in body and mark not in said]
        if leaked:
            self.found.append(f"{place}\n  tells of {leaked[:5]}")

    def _is_steady(self, caller: str, request: Request, told: str) -> bool:
        """Say whether the same request is answered alike again: what counts itself, as figures do, is not."""
        return self._plain(self.ask(caller, request)) == told

    def ask(self, caller: str, request: Request) -> HttpResponseBase:
        """Make one request as a service, the owner or a browser of Acme's; afterwards all is as it was."""
        side = self.world.acme
        headers = {"Authorization": f"Bearer {side.key if caller == 'service' else side.secret}"}
        if caller == "browser":
            headers = {}
            self.client.cookies[session_cookie_name()] = side.secret
            self.client.cookies[browser_cookie_name()] = "tgb_of-both"
        else:
            self.client.cookies.clear()
        kept = {name: value for name, value in request.query.items() if value}
        request = replace(request, query=kept)
        content: dict[str, Any] = {}
        if request.body is not None and request.is_form:
            content = {"data": urlencode(request.body), "content_type": "application/x-www-form-urlencoded"}
        elif request.body is not None:
            content = {"data": json.dumps(request.body), "content_type": "application/json"}
        if request.method in UNSAFE:
            self.superuser.execute(_SET_ANEW)
        answer = self.client.generic(request.method, request.address, headers=headers, **content)
        self.asked += 1
        self.reached += answer.status_code < 300
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.found.append(f"{caller}: {request.method} {request.address}: {answer.status_code}")
        self._look_after(caller, request)
        return answer

    def _look_after(self, caller: str, request: Request) -> None:
        ours, theirs, trail = self._digests()
        is_told = request.route in TELLS_THE_TRAIL
        if theirs != self._digest[1] or (trail != self._digest[2] and not is_told):
            self.found.append(f"{caller}: {request.method} {request.address} changed something of Globex")
        if (ours, theirs, trail) != self._digest or clock.now() - self._fresh_at > _FRESH:
            self._begin_anew()
        else:
            self.superuser.execute(self._without_entries)

    def _begin_anew(self) -> None:
        self.restore()
        self._fresh_at = clock.now()
        self._digest = self._digests()

    def _digests(self) -> tuple[str, str, str]:
        """Sum up Acme's rows without its trail, Globex's with its people and their factors, and Globex's trail."""
        found = self.superuser.execute(
            self._query, {"acme": self.world.acme.tenant_id, "globex": self.world.globex.tenant_id}
        ).fetchone()
        assert found is not None
        return found[0], found[1], found[2]

    def _plain(self, answer: HttpResponseBase) -> str:
        """Write an answer without what differs anyway; a thing and its ghost have one name."""
        headers = [f"{name}: {answer[name]}" for name in _TOLD if answer.has_header(name)]
        cookies = sorted(answer.cookies)
        text = "\n".join([str(answer.status_code), *headers, f"cookies: {cookies}", _text(answer)])
        for value, ghost in self.world.by_length:
            text = text.replace(value, "<it>").replace(ghost, "<it>")
        return _VOLATILE.sub("<...>", text)


def _text(answer: HttpResponseBase) -> str:
    content: bytes = answer.getvalue() if answer.streaming else answer.content  # type: ignore[attr-defined]
    return content.decode("utf-8", "replace")


def _digest_query(inside: psycopg.Connection) -> str:
    """Write the query that sums up two tenants' rows; a person of our own sign-in is of the tenant in their name."""
    lines: list[sql.Composable] = [
        sql.SQL("SELECT tenant_id AS whose, {} AS is_trail, t::text AS line FROM {} t{}").format(
            sql.Literal(table.startswith("audit_") or table in _OF_TRIES),
            sql.Identifier(table),
            sql.SQL(" WHERE tenant_id <> %(acme)s" if table.startswith("audit_") else ""),
        )
        for table in tenant_tables(inside)
    ]
    lines.append(sql.SQL("SELECT id, false, t::text FROM licensing_tenant t"))
    whose = (
        "coalesce(u.realm, (SELECT id FROM licensing_tenant WHERE slug = substring(u.subject_id FROM '-of-([a-z]+)$')))"
    )
    lines.append(sql.SQL(f"SELECT {whose}, false, u::text FROM authlevels_user u"))  # noqa: S608 - constants
    lines.append(
        sql.SQL(
            f"SELECT {whose}, false, d::text FROM authlevels_totpdevice d JOIN authlevels_user u ON u.id = d.user_id"  # noqa: S608 - constants
        )
    )
    rows = sql.SQL(" UNION ALL ").join(lines)
    return (
        sql.SQL(
            "SELECT md5(string_agg(line, '|' ORDER BY line) FILTER (WHERE whose = %(acme)s AND NOT is_trail)),"
            " md5(string_agg(line, '|' ORDER BY line) FILTER (WHERE whose = %(globex)s AND NOT is_trail)),"
            " md5(string_agg(line, '|' ORDER BY line) FILTER (WHERE whose = %(globex)s AND is_trail)) FROM ({}) rows"
        )
        .format(rows)
        .as_string(inside)
    )
