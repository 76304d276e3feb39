"""What came of looking at a request, and that the same comes of the same for a moment: nothing is read or priced anew meanwhile."""

import os
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from decisions.frames import Frame
from decisions.people import Person
from decisions.question import Question
from riskengine import api as riskengine
from tiergate import Band, Contribution, Forbid, Requirement, SessionFacts, Versions

CAPACITY: Final = 20_000

_MINUTE: Final = timedelta(minutes=1)


class Recorded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the trail tells of the risk of a decision, beside the facts.

    mode: of the tenant. codes: of the strongest reasons. requirement, is_blocked: what is asked, or, where the engine only observes,
    would have been.
    """

    mode: riskengine.Mode
    band: Band
    score: float | None = None
    codes: tuple[str, ...] = ()
    requirement: Requirement | None = None
    is_blocked: bool = False


class Looked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the engine says of one request, and what comes of it.

    contributions, forbids: what is asked and refused. known: members of `tiergate.Circumstances` that it knows.
    riskier_since: what the session has shown before is no longer fresh.
    told: for the trail; None where there is nothing to tell. seen: how it looked.
    """

    contributions: tuple[Contribution, ...] = ()
    forbids: tuple[Forbid, ...] = ()
    known: dict[str, Any] = {}
    riskier_since: datetime | None = None
    told: Recorded | None = None
    seen: riskengine.Seen = riskengine.NOTHING_SEEN

    def of_session(self, session: SessionFacts | None) -> SessionFacts | None:
        """Give a session as it stands after what it was seen to be."""
        since = self.riskier_since
        if session is None or since is None:
            return session
        known = session.activity.riskier_since
        if known is not None and known >= since:
            return session
        return replace(session, activity=replace(session.activity, riskier_since=since))


NOT_LOOKED: Final = Looked()


class _Kept(Struct, frozen=True, kw_only=True):
    """One look, with all that it rests on beside the question. begins, ends: the minute in which the request was read."""

    looked: Looked
    answered: riskengine.Answered
    versions: Versions
    policy: riskengine.RiskPolicy
    band: Band
    begins: datetime
    ends: datetime


_kept: dict[Hashable, _Kept] = {}
os.register_at_fork(after_in_child=_kept.clear)


def find_look(
    question: Question, frame: Frame, person: Person, policy: riskengine.RiskPolicy, *, at: datetime
) -> Looked | None:
    """Give what came of the same question by the same state of tenant and person; None where any of that is another, or is over."""
    found = _kept.get(_named(question))
    if (
        found is not None
        # Both objects are made anew with each state of the tenant, be its number one that was there before.
        and found.versions is frame.versions
        and found.policy is policy
        and found.band == person.risk_band
        and found.begins <= at < found.ends
        and found.answered.still_stands()
    ):
        return found.looked
    return None


def keep_look(
    looked: Looked,
    answered: riskengine.Answered,
    question: Question,
    frame: Frame,
    person: Person,
    policy: riskengine.RiskPolicy,
    *,
    at: datetime,
) -> None:
    """Remember what came of a question, for as long as the engine would answer the same."""
    if answered.is_over or looked.riskier_since is not None:
        # Of a session that was raised others may still have to be told: it is looked at each time.
        return
    if len(_kept) >= CAPACITY:
        _kept.clear()
    begins = at.replace(second=0, microsecond=0)
    _kept[_named(question)] = _Kept(
        looked=looked,
        answered=answered,
        versions=frame.versions,
        policy=policy,
        band=person.risk_band,
        begins=begins,
        ends=begins + _MINUTE,
    )


def _named(question: Question) -> Hashable:
    context, subject = question.context, question.subject
    return context.session, question.action, context.told, subject.id, subject.type
