"""A month of people who signed in at Acme, made up from a seed: what the pages of risk have to show from the start.

They are nobody who can sign in, so what was learned of them changes no answer that the demo's own people get.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from riskengine import api as riskengine

DAYS: Final = 30
_SEED: Final = 7
_NAMES: Final = UUID("7b0f2c56-5f0e-4f0b-9d37-0f2b8a2f1c11")
_FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0"
_CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)
_SAFARI: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15"
)
_PHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
_OLD: Final = (
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody with a home and an office, a browser at each, and the hour at which they usually begin."""

    name: str
    home: str
    office: str
    browsers: tuple[str, str]
    hour: int


# Of no country in the sample's map, whose other network is abroad.
_OFFICE: Final = "192.0.2.4"
_PEOPLE: Final = tuple(
    _Person(name, f"203.0.113.{10 + number}", _OFFICE, browsers, hour)
    for number, (name, browsers, hour) in enumerate(
        (
            ("mia", (_FIREFOX, _FIREFOX), 8),
            ("jonas", (_CHROME, _CHROME), 9),
            ("lena", (_SAFARI, _SAFARI), 7),
            ("emre", (_CHROME, _CHROME), 9),
            ("sofia", (_SAFARI, _SAFARI), 10),
            ("tomasz", (_CHROME, _FIREFOX), 8),
            ("ines", (_FIREFOX, _PHONE), 11),
            ("hana", (_SAFARI, _SAFARI), 9),
        )
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignIn:
    person: _Person
    at: datetime
    ip: str
    user_agent: str
    is_odd: bool = False
    ends: tuple[str, ...] = ()


def make_past(*, tenant_id: UUID, at: datetime) -> int:
    """Record the month before ``at`` through the engine's own doors, as the engine scored it, and give how many signed in.

    Nothing is done where something is recorded already.
    """
    if riskengine.risk_report(tenant_id=tenant_id, days=DAYS, at=at).counts.all:
        return 0
    month = sorted(_month(at), key=lambda one: one.at)
    for number, one in enumerate(month):
        _recorded(tenant_id, one, session_id=uuid5(_NAMES, f"{tenant_id} {at:%Y-%m-%d} {number}"))
    return len(month)


def _month(at: datetime) -> Iterator[_SignIn]:
    random = Random(_SEED)  # noqa: S311 - the same month each time
    for ago in range(DAYS - 1, -1, -1):
        day = datetime.combine(at.astimezone(UTC).date() - timedelta(days=ago), time(), UTC)
        is_weekend = day.isoweekday() > 5  # noqa: PLR2004 - Saturday
        for person in _PEOPLE:
            is_there = random.random() < (0.15 if is_weekend else 0.85)
            is_home = is_weekend or random.random() < 0.4  # noqa: PLR2004 - two days of five
            begins = day + timedelta(hours=person.hour, minutes=random.randrange(-40, 70))
            is_odd = ago < DAYS - 8 and random.random() < 0.055  # noqa: PLR2004 - a week of history first
            ip, agent = (person.home, person.browsers[0]) if is_home else (person.office, person.browsers[1])
            if is_there and begins < at:
                yield _SignIn(person=person, at=begins, ip=ip, user_agent=agent)
            if is_odd and (odd := _odd(random, person, day)).at < at:
                yield odd


def _odd(random: Random, person: _Person, day: datetime) -> _SignIn:
    """Make a sign-in that is unlike the person: mostly theirs all the same, on a journey or with something new."""
    where = f"192.0.{random.randrange(3, 250)}.{random.randrange(1, 250)}"
    is_thief = random.random() < 0.3  # noqa: PLR2004 - of ten three
    hour = random.choice((1, 2, 3, 4)) if is_thief else random.choice((6, 14, 17, 21))
    agent = _OLD if is_thief else random.choice((person.browsers[0], _PHONE, _CHROME))
    theirs = (("step_up_passed",), ("step_up_passed",), ("step_up_failed", "step_up_passed"), ("mine",), ())
    others = (("step_up_failed", "step_up_failed"), ("not_mine",), ("step_up_failed", "not_mine"))
    ends = random.choice(others if is_thief else theirs)
    at = day + timedelta(hours=hour, minutes=random.randrange(60))
    return _SignIn(person=person, at=at, ip=where, user_agent=agent, is_odd=True, ends=ends)


def _recorded(tenant_id: UUID, one: _SignIn, *, session_id: UUID) -> None:
    seen = riskengine.see(ip=one.ip, user_agent=one.user_agent, hour=one.at.hour, at=one.at)
    subject = ("user", one.person.name)
    riskengine.forget_assessments()
    assessment = riskengine.assess(tenant_id=tenant_id, subject=subject, session_id=None, seen=seen, at=one.at)
    has_history = all(reason.code != riskengine.FIRST_TIME for reason in assessment.reasons)
    signal: dict[str, Any] = {"tenant_id": tenant_id, "subject": subject, "session_id": session_id, "seen": seen}
    trust = riskengine.trust_of(band=assessment.band, has_history=has_history)
    riskengine.record_signal(
        **signal, kind=riskengine.Kind.SIGN_IN, trust=trust, ip=one.ip, assessment=assessment, at=one.at
    )
    # Whoever is asked on a usual day confirms, and from then on what was new is theirs.
    is_asked = riskengine.rank(assessment.band) >= riskengine.rank("medium")
    ends = one.ends if one.ends or not is_asked or one.is_odd else ("step_up_passed",)
    for number, end in enumerate(ends, 1):
        at = one.at + timedelta(minutes=number)
        if end in {"mine", "not_mine"}:
            riskengine.confirm_session(
                tenant_id=tenant_id, subject=subject, session_id=session_id, is_mine=end == "mine", trust=0.25, at=at
            )
        else:
            trust = riskengine.trust_of(band=assessment.band, has_history=True, second_factor=True)
            riskengine.record_signal(**signal, kind=end, trust=trust, was_challenged=True, at=at)
