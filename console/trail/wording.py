"""How sentences name people, instants and things."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from audit import api as audit

type Subject = tuple[str, str]

_LONGEST: Final = 200
_MINUTES_FROM: Final = 120
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the tenant is called, and what a subject is called there; "" where nobody says."""

    tenant: str
    called: Callable[[Subject], str] = lambda _subject: ""

    def person(self, subject: Subject | None) -> str:
        """Name a subject: by what it is called and, where that says more, its id; one who was erased by tag."""
        if subject is None:
            return "somebody"
        subject_type, subject_id = subject
        if audit.is_tag(subject_id):
            return f"somebody who was erased ({subject_id[:9]})"
        if subject_type == "service":
            return f"the service {plain(subject_id)}"
        name = plain(self.called(subject))
        if not name:
            return plain(subject_id)
        return name if name.casefold() == subject_id.casefold() else f"{name} ({plain(subject_id)})"

    def member(self, subject: Subject | None) -> str:
        """Name a subject with its tenant: ``Alice of Acme``."""
        return f"{self.person(subject)} of {plain(self.tenant)}"

    def actor(self, actor: object) -> str:
        """Name who did something, as the trail writes it: ``account:bob``, ``credential:reports-api``, ``manage.py``."""
        subject_type, colon, subject_id = str(actor or "").partition(":")
        if not colon:
            return plain(subject_type) or "somebody"
        return (
            f"the credential {plain(subject_id)}"
            if subject_type == "credential"
            else self.person((subject_type, subject_id))
        )


def plain(value: object) -> str:
    """Write a value on one line of a terminal or sheet: nothing unprintable, nothing endless."""
    text = "".join(one if one.isprintable() else "\ufffd" for one in str(value)[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def day_and_time(at: datetime) -> str:
    """Write an instant as ``3 March 10:02``, UTC; its year stands above it."""
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}"


def later(at: datetime, *, than: datetime) -> str:
    """Write an instant beside another one: ``10:07`` on the same day, else with its day, or its year too."""
    at, than = at.astimezone(UTC), than.astimezone(UTC)
    if at.date() == than.date():
        return f"{at:%H:%M}"
    return day_and_time(at) if at.year == than.year else f"{at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M}"


def instant_of(text: object) -> datetime:
    """Read an instant of a payload.

    :raises ValueError: it is none.
    """
    return datetime.fromisoformat(str(text))


def lasted(seconds: object) -> str:
    """Write a duration: ``8 s``, ``3 min``."""
    number = float(seconds) if isinstance(seconds, int | float) else 0.0
    return f"{round(number)} s" if number < _MINUTES_FROM else f"{round(number / 60)} min"


def listed(values: Any, *, nothing: str = "nothing") -> str:
    """Write several things: ``a, b and c``."""
    items = [plain(one) for one in values or ()]
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1]))) if items else nothing


def lower_first(title: str) -> str:
    """Let a title go on within a sentence; ``SSO`` stays as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def dig(payload: Any, *path: str) -> Any:
    """Return what lies at a path of a payload; None where there is nothing."""
    for member in path:
        payload = payload.get(member) if isinstance(payload, Mapping) else None
    return payload
