"""What is asked of a person: a lattice, so that each further source can only ask for more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import or_

from tiergate.levels import Level

MAX_APPROVALS = 10
MAX_AGE_LIMIT = 30 * 24 * 3600


class Scope(StrEnum):
    """How much one proof is good for, from widest to narrowest."""

    SESSION = "session"
    ACTION = "action"
    RESOURCE = "resource"
    TRANSACTION = "transaction"

    @property
    def narrowness(self) -> int:
        """Rank the scope: 0 is the widest."""
        return _NARROWNESS[self]


_NARROWNESS = {scope: rank for rank, scope in enumerate(Scope)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a person must have shown before an action goes ahead.

    level: the assurance level that the session's proofs must reach together.
    max_age: seconds since the newest proof of a factor that the level itself needs; None: the level's own limit.
    phishing_resistant, device_bound: asked of that same proof.
    scope: the widest scope that this proof may have been given for.
    approvals: other people who must have agreed.
    """

    level: Level = Level.AAL1
    max_age: int | None = None
    phishing_resistant: bool = False
    device_bound: bool = False
    scope: Scope = Scope.SESSION
    approvals: int = 0

    def __post_init__(self) -> None:
        """Refuse what could never be meant: a requirement that asks for nothing, or a negative amount."""
        if self.level == Level.NONE:
            msg = "a requirement asks for aal1 at the least"
            raise ValueError(msg)
        if self.max_age is not None and not 0 < self.max_age <= MAX_AGE_LIMIT:
            msg = f"max_age must be between 1 and {MAX_AGE_LIMIT} seconds, not {self.max_age}"
            raise ValueError(msg)
        if not 0 <= self.approvals <= MAX_APPROVALS:
            msg = f"approvals must be between 0 and {MAX_APPROVALS}, not {self.approvals}"
            raise ValueError(msg)

    def __or__(self, other: "Requirement") -> "Requirement":
        """Join two requirements: whatever meets the result meets both."""
        ages = [age for age in (self.max_age, other.max_age) if age is not None]
        return Requirement(
            level=max(self.level, other.level),
            max_age=min(ages) if ages else None,
            phishing_resistant=self.phishing_resistant or other.phishing_resistant,
            device_bound=self.device_bound or other.device_bound,
            scope=max(self.scope, other.scope, key=lambda scope: scope.narrowness),
            approvals=max(self.approvals, other.approvals),
        )

    def is_at_least(self, other: "Requirement") -> bool:
        """Say whether meeting this one always means that ``other`` is met too."""
        return self | other == self

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Requirement":
        """Read a requirement from its JSON object, strictly.

        :raises ValueError: an unknown member, or a value out of range or of the wrong type.
        """
        known = {
            "level",
            "max_age",
            "phishing_resistant",
            "device_bound",
            "scope",
            "approvals",
        }
        unknown = sorted(set(value) - known)
        if unknown:
            msg = f"unknown member {unknown[0]!r} in a requirement"
            raise ValueError(msg)
        return cls(
            level=Level(_text(value, "level", Level.AAL1)),
            max_age=_whole(value, "max_age", None),
            phishing_resistant=_flag(value, "phishing_resistant"),
            device_bound=_flag(value, "device_bound"),
            scope=Scope(_text(value, "scope", Scope.SESSION)),
            approvals=_whole(value, "approvals", 0) or 0,
        )

    def to_json(self) -> dict[str, object]:
        """Write the requirement as a JSON object that leaves out what it does not ask for."""
        out: dict[str, object] = {"level": self.level.value}
        if self.max_age is not None:
            out["max_age"] = self.max_age
        if self.phishing_resistant:
            out["phishing_resistant"] = True
        if self.device_bound:
            out["device_bound"] = True
        if self.scope != Scope.SESSION:
            out["scope"] = self.scope.value
        if self.approvals:
            out["approvals"] = self.approvals
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One source's part in the requirement.

    source: where it comes from, e.g. ``"plan:business@3"`` or ``"role:admin"``.
    because: a sentence for a person; empty when the source says it all.
    """

    source: str
    requirement: Requirement
    because: str = ""


def join(contributions: Iterable[Contribution]) -> Requirement | None:
    """Join what all sources ask for; None when nobody asked, which is never permission."""
    requirements = [one.requirement for one in contributions]
    return reduce(or_, requirements) if requirements else None


def _text(value: Mapping[str, object], key: str, default: str) -> str:
    found = value.get(key, default)
    if not isinstance(found, str):
        msg = f"{key} must be text"
        raise ValueError(msg)  # noqa: TRY004 - one error type for whoever reads a file
    return found


def _whole(value: Mapping[str, object], key: str, default: int | None) -> int | None:
    found = value.get(key, default)
    if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
        msg = f"{key} must be a whole number"
        raise ValueError(msg)
    return found


def _flag(value: Mapping[str, object], key: str) -> bool:
    found = value.get(key, False)
    if not isinstance(found, bool):
        msg = f"{key} must be true or false"
        raise ValueError(msg)  # noqa: TRY004 - one error type for whoever reads a file
    return found
