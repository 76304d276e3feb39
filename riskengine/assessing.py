"""How risky a request looks: remembered for a moment, else read in one round trip, scored, and held against the cutoffs."""

import os
import threading
import time
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from msgspec import MsgspecError
from msgspec.json import decode as decode_json
from msgspec.json import encode as encode_json
from msgspec.structs import replace

from licensing import api as licensing
from riskengine import references, store
from riskengine.assessment import NOT_ASSESSED, Assessment
from riskengine.bands import banded
from riskengine.known import Known
from riskengine.metrics import ASSESSMENTS
from riskengine.requirements import rank
from riskengine.scoring import score
from riskengine.seen import NOTHING_SEEN, Seen
from riskengine.sessions import is_news, is_raised_by, note_session
from riskengine.sights import note_sight
from riskengine.stored import new_person, teach
from riskengine.subjects import Subject, storable

REMEMBERED_SECONDS: Final = 60.0
"""For so long a process answers the same question alike, as it remembers people, unless it hears that something happened to the
person: so late it sees what others failed on the same network."""
DEAF_SECONDS: Final = 1.0
"""For so long while it would hear of nothing."""
CAPACITY: Final = 20_000
_ERASED: Final = "erased"
HAPPENED: Final = "risk"
"""The kind of news, by `licensing.api.publish`: something happened to a person. Its key: tenant and subject as JSON."""

type _Person = tuple[UUID, Subject]
type _Question = tuple[UUID | None, int, Seen]
type _Answers = dict[_Person, dict[_Question, "Answered"]]


class Answered:
    """An assessment, and whether it may be given again; what others have made of it may be for as long.

    made_at: `time.monotonic` before anything was read for it. is_over: it is not remembered, or not any longer.
    """

    __slots__ = ("assessment", "is_over", "made_at")

    def __init__(self, assessment: Assessment, *, made_at: float) -> None:
        self.assessment = assessment
        self.made_at = made_at
        self.is_over = True

    def still_stands(self) -> bool:
        """Say whether this process still remembers it, is recent enough, and has heard of nothing that happened to the person."""
        if self.is_over:
            return False
        age = time.monotonic() - self.made_at
        return age < DEAF_SECONDS or (age < REMEMBERED_SECONDS and licensing.is_listening())


class _Memory:
    """What this process has answered of late: of this turn, and of the one before, so that nothing old is held."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Remember nothing, in a process that was just forked too: its parent may have held the lock."""
        self._lock = threading.Lock()
        self._young: _Answers = {}
        self._old: _Answers = {}
        self._held = 0
        self._turned_at = float("-inf")
        self.news = 0

    def find(self, person: _Person, question: _Question) -> Answered | None:
        for answers in (self._young, self._old):
            found = answers.get(person, _NONE).get(question)
            if found is not None and found.still_stands():
                return found
        return None

    def keep(self, person: _Person, question: _Question, answered: Answered, *, news: int) -> None:
        """Remember an answer, unless something was recorded since what it was made of was read."""
        with self._lock:
            if news != self.news:
                return
            if answered.made_at - self._turned_at >= REMEMBERED_SECONDS or self._held >= CAPACITY:
                for of_person in self._old.values():
                    _end(of_person)
                self._old, self._young, self._held, self._turned_at = self._young, {}, 0, answered.made_at
            answers = self._young.setdefault(person, {})
            if question in answers:
                # INVARIANT: what is not held here, and so could not be forgotten, does not stand.
                answers[question].is_over = True
            answers[question] = answered
            self._held += 1
            answered.is_over = False

    def forget(self, person: _Person | None) -> None:
        """Forget what was answered of a person, or of everybody."""
        with self._lock:
            self.news += 1
            for answers in (self._young, self._old):
                for each in list(answers) if person is None else [person]:
                    _end(answers.pop(each, _NONE))

    def hear(self, kind: str, key: str) -> None:
        """Forget whom something happened to; everybody, where it may have happened unheard."""
        if kind == HAPPENED:
            self.forget(_person_named(key))
        elif kind in {licensing.RESET, _ERASED}:
            self.forget(None)


_NONE: Final[dict[_Question, Answered]] = {}


def _end(answers: dict[_Question, Answered]) -> None:
    for answered in answers.values():
        answered.is_over = True


def _person_named(key: str) -> _Person | None:
    try:
        tenant_id, kind, name = decode_json(key)
        return UUID(tenant_id), (kind, name)
    except (MsgspecError, ValueError):
        return None


_memory: Final = _Memory()
licensing.subscribe(_memory.hear)
os.register_at_fork(after_in_child=_memory.begin_anew)


def assess(
    *,
    tenant_id: UUID,
    subject: Subject,
    session_id: UUID | None,
    seen: Seen,
    at: datetime,
    told_at: datetime | None = None,
    is_noted: bool = True,
) -> Assessment:
    """Say how risky a request looks; `NOT_ASSESSED` where nothing is told of how it looks.

    A session that looks medium or riskier in a way that it did not before is noted, durably, before this returns (`sessions`).

    told_at: when a request is told of, where that is later than ``at``: what was proved until then counts no more.
    is_noted: False where nobody asks in earnest: the answer is what it would be, and nothing comes of it.
    :raises RiskUnavailable: what is known of the person, or usual in the tenant, cannot be read.
    """
    found = answered(
        tenant_id=tenant_id,
        subject=subject,
        session_id=session_id,
        seen=seen,
        at=at,
        told_at=told_at or at,
        is_noted=is_noted,
    )
    return found.assessment


def answered(
    *,
    tenant_id: UUID,
    subject: Subject,
    session_id: UUID | None,
    seen: Seen,
    at: datetime,
    told_at: datetime,
    is_noted: bool,
    least_version: int = 0,
) -> Answered:
    """Give what `assess` does, with whether it still stands a moment later.

    least_version: of what the session was seen to risk, as the caller has just read it; an older copy is not believed.
    :raises RiskUnavailable: as `assess` does.
    """
    made_at, news = time.monotonic(), _memory.news
    if seen == NOTHING_SEEN:
        return Answered(NOT_ASSESSED, made_at=made_at)
    subject = storable(subject)
    person, question = (tenant_id, subject), (session_id, least_version, seen)
    found = _memory.find(person, question)
    if found is not None:
        return found
    known = store.read(
        tenant_id=tenant_id,
        subject=subject,
        network=seen.network,
        session_id=session_id,
        least_version=least_version,
        at=at,
    )
    assessment = _assessed(known, references.of_tenant(tenant_id), seen, at=at)
    if session_id is not None:
        session = known.session
        if not is_noted:
            raised_at = session.raised_at if session is not None else None
            is_raising = is_news(session, seen, assessment.band) and is_raised_by(assessment.band)
            return Answered(replace(assessment, raised_at=at if is_raising else raised_at), made_at=made_at)
        if is_news(session, seen, assessment.band):
            session = note_session(
                tenant_id=tenant_id,
                subject=subject,
                session_id=session_id,
                seen=seen,
                band=assessment.band,
                happened_at=at,
                at=told_at,
            )
            tell_happened(tenant_id=tenant_id, subject=subject)
        if session is not None:
            assessment = replace(assessment, raised_at=session.raised_at)
        note_sight(
            tenant_id=tenant_id,
            subject=subject,
            session_id=session_id,
            seen=seen,
            assessment=assessment,
            is_settled=session is None or rank(session.band) == 0,
            at=at,
        )
    ASSESSMENTS.labels(assessment.band).inc()
    made = Answered(assessment, made_at=made_at)
    # What is read within a transaction may be that one's own, and never come to be.
    if not connection.in_atomic_block:
        _memory.keep(person, question, made, news=news)
    return made


def tell_happened(*, tenant_id: UUID, subject: Subject) -> None:
    """Have every process forget what it has answered of a person, once the transaction around this call has committed."""
    licensing.publish(HAPPENED, encode_json([str(tenant_id), *subject]).decode())


def forget_assessments() -> None:
    """Forget what this process has answered."""
    _memory.forget(None)


def _assessed(known: Known, usual: references.Usual, seen: Seen, *, at: datetime) -> Assessment:
    stored = known.stored
    for taught in sorted(known.taught, key=lambda one: one.at):
        stored = teach(stored, taught)
    profile = (stored or new_person(at=at)).profile
    return banded(score(seen, profile, usual.population, known.failures(), at=at), usual.cutoffs)
