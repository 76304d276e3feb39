"""Who the person is: their membership and session, read in one statement, or remembered while they stand.

A membership belongs to a version of the tenant's state, as a snapshot does; both say which, so that no decision is
made from roles of one and privileges of another. A session belongs to a *standing* of its tenant, a counter that rises
in the very transaction in which anything is taken back from anybody there. What was read with the standing that the
tenant had less than a second ago is still so, whoever reads it again; after a minute it is read again all the same.

What is remembered serves a routine allow alone. Whatever else comes of it is decided again from what is read then,
so that nobody is refused, challenged or let into something premium by a state that is a second old.
"""

import dataclasses
import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from msgspec.structs import replace

from authlevels import api as authlevels
from decisions.question import Question
from isolation.api import tenant_row
from licensing import api as licensing
from tiergate import SESSION_WIDE, Band, CallerKind, MemberFact, SessionFacts, SessionState

TRUSTED_SECONDS: Final = 1.0
"""How long a tenant's standing is trusted after it was asked for: so late is seen what nobody told of."""

LONGEST_SECONDS: Final = 60.0
"""After this a person is read again, whatever their tenant's standing is."""

CAPACITY: Final = 50_000

_NEVER: Final = float("-inf")
_COLUMNS: Final = f"{licensing.MEMBER_COLUMN}, {authlevels.SESSION_COLUMN}"


@dataclass(frozen=True, slots=True)
class Person:
    """A subject as a tenant knows it; both are None for a stranger, and for a service.

    version: of the tenant's state that the membership was read in; "" where none was looked for.
    enrolment_due: from then on the plan's level is asked everywhere, if the person's factors do not reach it.
    risk_band: the riskiest that the session has looked since the person last confirmed.
    risk_version: of that; no copy of an earlier one is believed.
    """

    member: MemberFact | None = None
    session: SessionFacts | None = None
    version: str = ""
    enrolment_due: datetime | None = None
    risk_band: Band = "unknown"
    risk_version: int = 0


NOBODY: Final = Person()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    tenant_id: UUID
    tenant_key: str
    subject: tuple[str, str]
    person: Person
    standing: str
    expires_at: datetime
    read_for: datetime
    read_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """A tenant's standing. read_at: taken before it was asked for."""

    number: str
    read_at: float


class _Memory:
    """People of live sessions by the session's handle; an entry is trusted while it stands, and until it is news."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Remember nobody, in a process that was just forked too: its parent may have held the lock."""
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._standings: dict[UUID, _Standing] = {}
        self._distrusted: dict[str, float] = {}
        self._all_distrusted_until = _NEVER
        self.news = 0

    def find(self, question: Question, *, version: str, at: datetime) -> Person | None:
        entry = self._entries.get(question.context.session or "")
        if entry is None or time.monotonic() - entry.read_at >= LONGEST_SECONDS:
            return None
        is_same = (
            entry.tenant_id == question.tenant_id
            and entry.subject == (question.subject.type, question.subject.id)
            and entry.person.version == version
            # A clock that was set back must not meet elevations that had been left out as expired.
            and entry.read_for <= at < entry.expires_at
            and entry.read_at > self._all_distrusted_until
            and entry.read_at > self._distrusted.get(entry.tenant_key, _NEVER)
        )
        is_trusted = is_same and licensing.is_listening() and self._standing(entry.tenant_id) == entry.standing
        return entry.person if is_trusted else None

    def _standing(self, tenant_id: UUID) -> str | None:
        """Give a tenant's standing of less than a second ago; None where a change overtook the reading of it."""
        known = self._standings.get(tenant_id)
        if known is None or time.monotonic() - known.read_at >= TRUSTED_SECONDS:
            news, read_at = self.news, time.monotonic()
            self.confirm(tenant_id, _Standing(number=authlevels.standing_of(tenant_id), read_at=read_at), news=news)
            known = self._standings.get(tenant_id)
            if known is None or time.monotonic() - known.read_at >= TRUSTED_SECONDS:
                return None
        return known.number

    def confirm(self, tenant_id: UUID, standing: _Standing, *, news: int) -> None:
        """Note how a tenant stands, unless something changed meanwhile or a later look is known."""
        with self._lock:
            known = self._standings.get(tenant_id)
            if news != self.news or (known is not None and known.read_at > standing.read_at):
                return
            if len(self._standings) >= CAPACITY:
                self._standings.clear()
            self._standings[tenant_id] = standing

    def keep(self, handle: str, entry: _Entry, *, news: int) -> None:
        """Remember what was read, unless something changed meanwhile."""
        with self._lock:
            if news != self.news:
                return
            if len(self._entries) >= CAPACITY:
                self._entries.clear()
            self._entries[handle] = entry

    def hear(self, kind: str, key: str) -> None:
        if kind == "risk":
            # It concerns nothing that is remembered here, and whoever guesses passwords causes much of it.
            return
        with self._lock:
            self.news += 1
            if kind == "session":
                self._entries.pop(key, None)
            elif kind == "tenant":
                if len(self._distrusted) >= CAPACITY:
                    self._entries.clear()
                    self._distrusted.clear()
                self._distrusted[key] = time.monotonic()
            elif kind in {"person", licensing.RESET}:
                self._all_distrusted_until = time.monotonic()
                self._standings.clear()


_memory = _Memory()
licensing.subscribe(_memory.hear)
os.register_at_fork(after_in_child=_memory.begin_anew)


def recall_person(question: Question, *, version: str, at: datetime) -> Person | None:
    """Return what this process remembers of the person asked about; None where that is nothing to rely on.

    version: of the tenant's state; what was read in another one is not relied on.
    :raises django.db.DatabaseError: how the tenant stands could not be asked for.
    """
    return _memory.find(question, version=version, at=at)


def read_person(question: Question, *, at: datetime) -> Person:
    """Read who the person is as of now, in one statement, alone or within a transaction of the tenant asked about."""
    subject, tenant_id, handle = question.subject, question.tenant_id, question.context.session
    if question.caller == CallerKind.SERVICE or tenant_id is None:
        return NOBODY
    asked = licensing.member_parameters(tenant_id=tenant_id, subject_type=subject.type, subject_id=subject.id)
    if asked is None:
        return NOBODY
    news, read_at = _memory.news, time.monotonic()
    session_asked = (
        None
        if handle is None
        else authlevels.session_parameters(
            tenant_id=tenant_id, session=handle, subject=(subject.type, subject.id), at=at
        )
    )
    if session_asked is None:
        found, session_found = tenant_row(tenant_id, licensing.MEMBER_COLUMN, asked)[0], None
    else:
        found, session_found = tenant_row(tenant_id, _COLUMNS, [*asked, *session_asked])
    state = licensing.read_member(found)
    member, version = state.member, state.version
    if member is None:
        return Person(version=version)
    fact = MemberFact(roles=member.roles, is_active=member.is_active)
    if handle is None:
        return Person(member=fact, version=version)
    request_id = question.claim_id if question.is_claiming else ""
    seen = authlevels.read_session(session_found, handle=handle, at=at, request_id=request_id)
    person = Person(
        member=fact,
        session=seen.facts,
        version=version,
        enrolment_due=seen.enrolment_due,
        risk_band=seen.risk_band,
        risk_version=seen.risk_version,
    )
    # What is read within a transaction may be that one's own, and never come to be.
    if seen.standing and not connection.in_atomic_block:
        _memory.confirm(tenant_id, _Standing(number=seen.standing, read_at=read_at), news=news)
        entry = _entry(question, person, standing=seen.standing, read_for=at, read_at=read_at)
        if entry is not None:
            _memory.keep(handle, entry, news=news)
    return person


def _entry(question: Question, person: Person, *, standing: str, read_for: datetime, read_at: float) -> _Entry | None:
    """Make what may be remembered of a person who was read; None where that is nothing."""
    session, tenant_id = person.session, question.tenant_id
    if tenant_id is None or session is None or session.state != SessionState.LIVE or session.expires_at is None:
        return None
    # An elevation is never answered from memory: it ends, and is used up, at an instant.
    lasting = replace(session, proofs=tuple(proof for proof in session.proofs if proof.scope == SESSION_WIDE))
    return _Entry(
        tenant_id=tenant_id,
        tenant_key=str(tenant_id),
        subject=(question.subject.type, question.subject.id),
        person=dataclasses.replace(person, session=lasting),
        standing=standing,
        expires_at=session.expires_at,
        read_for=read_for,
        read_at=read_at,
    )


def forget_people() -> None:
    """Forget everybody that this process remembers."""
    _memory.hear(licensing.RESET, "")
