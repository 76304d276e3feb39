"""Who the person is: their membership and session, read in one statement, or remembered for a second.

A membership belongs to a version of the tenant's state, as a snapshot does; both say which, so that no decision is
made from roles of one and privileges of another. What is remembered serves a routine allow alone. Whatever else comes of it is decided again from what is read then,
so that nobody is refused, challenged or let into something premium by a state that is a second old.
"""

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from authlevels import api as authlevels
from decisions.question import Question
from isolation.api import tenant_row
from licensing import api as licensing
from tiergate import SESSION_WIDE, CallerKind, MemberFact, SessionFacts, SessionState

TRUSTED_SECONDS: Final = 1.0
CAPACITY: Final = 50_000

_NEVER: Final = float("-inf")
_COLUMNS: Final = f"{licensing.MEMBER_COLUMN}, {authlevels.SESSION_COLUMN}"


@dataclass(frozen=True, slots=True)
class Person:
    """A subject as a tenant knows it; both are None for a stranger, and for a service.

    version: of the tenant's state that the membership was read in; "" where none was looked for.
    """

    member: MemberFact | None = None
    session: SessionFacts | None = None
    version: str = ""


NOBODY: Final = Person()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    tenant_id: UUID
    tenant_key: str
    subject: tuple[str, str]
    person: Person
    read_for: datetime
    read_at: float


class _Memory:
    """People of live sessions by the session's handle; an entry is trusted for a second, and until it is news."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._distrusted: dict[str, float] = {}
        self._all_distrusted_until = _NEVER
        self.news = 0

    def find(self, question: Question, *, version: str, at: datetime) -> Person | None:
        entry = self._entries.get(question.context.session or "")
        if entry is None or time.monotonic() - entry.read_at >= TRUSTED_SECONDS:
            return None
        is_same = (
            entry.tenant_id == question.tenant_id
            and entry.subject == (question.subject.type, question.subject.id)
            and entry.person.version == version
            # A clock that was set back must not meet elevations that had been left out as expired.
            and entry.read_for <= at
            and entry.read_at > self._all_distrusted_until
            and entry.read_at > self._distrusted.get(entry.tenant_key, _NEVER)
        )
        return entry.person if is_same and licensing.is_listening() else None

    def keep(self, handle: str, entry: _Entry, *, news: int) -> None:
        """Remember what was read, unless something changed meanwhile."""
        with self._lock:
            if news != self.news:
                return
            if len(self._entries) >= CAPACITY:
                self._entries.clear()
            self._entries[handle] = entry

    def hear(self, kind: str, key: str) -> None:
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


_memory = _Memory()
licensing.subscribe(_memory.hear)


def recall_person(question: Question, *, version: str, at: datetime) -> Person | None:
    """Return what this process remembers of the person asked about; None where that is nothing to rely on.

    version: of the tenant's state; what was read in another one is not relied on.
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
    session = authlevels.read_session(session_found, handle=handle, at=at, request_id=request_id)
    if session.state == SessionState.LIVE:
        # An elevation is never answered from memory: it ends, and is used up, at an instant.
        lasting = replace(session, proofs=tuple(proof for proof in session.proofs if proof.scope == SESSION_WIDE))
        _memory.keep(
            handle,
            _Entry(
                tenant_id=tenant_id,
                tenant_key=str(tenant_id),
                subject=(subject.type, subject.id),
                person=Person(member=fact, session=lasting, version=version),
                read_for=at,
                read_at=read_at,
            ),
            news=news,
        )
    return Person(member=fact, session=session, version=version)


def forget_people() -> None:
    """Forget everybody that this process remembers."""
    _memory.hear(licensing.RESET, "")
