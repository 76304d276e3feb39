"""What is asked of a person: a lattice, so that each further source can only ask for more."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache, reduce
from operator import or_

from msgspec import Struct

from tiergate.levels import Level

MAX_APPROVALS = 10
MAX_AGE_LIMIT = 30 * 24 * 3600


class Scope(StrEnum):
    """How much one proof is good for, from widest to narrowest."""

    SESSION = "session"
    ACTION = "action"
    RESOURCE = "resource"
    TRANSACTION = "transaction"


NARROWNESS = {scope: rank for rank, scope in enumerate(Scope)}


class Requirement(Struct, frozen=True, kw_only=True, omit_defaults=True):
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
        """Refuse what could never be meant; a value of the wrong type would else read as asking for nothing.

        :raises ValueError: a value out of range or of the wrong type.
        """
        kinds = (
            type(self.level),
            type(self.max_age),
            type(self.phishing_resistant),
            type(self.device_bound),
            type(self.scope),
            type(self.approvals),
        )
        if kinds not in _KINDS:
            raise ValueError(f"a requirement cannot be {self!r}")
        if self.level == Level.NONE:
            raise ValueError("a requirement asks for aal1 at the least")
        if self.max_age is not None and not 0 < self.max_age <= MAX_AGE_LIMIT:
            raise ValueError(f"max_age must be from 1 to {MAX_AGE_LIMIT} seconds, not {self.max_age}")
        if not 0 <= self.approvals <= MAX_APPROVALS:
            raise ValueError(f"approvals must be from 0 to {MAX_APPROVALS}, not {self.approvals}")

    def __or__(self, other: "Requirement") -> "Requirement":
        """Join two requirements: whatever meets the result meets both."""
        if other in (self, _LEAST):
            return self
        if self == _LEAST:
            return other
        ages = [age for age in (self.max_age, other.max_age) if age is not None]
        return Requirement(
            level=max(self.level, other.level),
            max_age=min(ages) if ages else None,
            phishing_resistant=self.phishing_resistant or other.phishing_resistant,
            device_bound=self.device_bound or other.device_bound,
            scope=self.scope if NARROWNESS[self.scope] >= NARROWNESS[other.scope] else other.scope,
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
        unknown = sorted(str(key) for key in value if key not in cls.__struct_fields__)
        if unknown:
            raise ValueError(f"unknown member {unknown[0]!r} in a requirement")
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


_KINDS = frozenset({(Level, age, bool, bool, Scope, int) for age in (int, type(None))})

# What every requirement asks at the least; most sources ask for no more.
_LEAST = Requirement()


class Contribution(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One source's part in the requirement.

    source: where it comes from, e.g. ``"plan:business@3"`` or ``"role:admin"``.
    because: a sentence for a person; empty when the source says it all.
    """

    source: str
    requirement: Requirement
    because: str = ""


def join(contributions: Iterable[Contribution]) -> Requirement | None:
    """Join what all sources ask for; None when nobody asked, which is never permission.

    :raises TypeError: a contribution that holds no requirement; it is never skipped.
    """
    asked = tuple([one.requirement for one in contributions])
    return _joined(asked) if asked else None


@lru_cache(maxsize=4096)
def _joined(asked: tuple[Requirement, ...]) -> Requirement:
    # The same few sources ask the same things again and again.
    return reduce(or_, asked)


def _text(value: Mapping[str, object], key: str, default: str) -> str:
    found = value.get(key, default)
    if not isinstance(found, str):
        raise ValueError(f"{key} must be text")  # noqa: TRY004 - one error type for whoever reads a file
    return found


def _whole(value: Mapping[str, object], key: str, default: int | None) -> int | None:
    found = value.get(key, default)
    if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
        raise ValueError(f"{key} must be a whole number")
    return found


def _flag(value: Mapping[str, object], key: str) -> bool:
    found = value.get(key, False)
    if not isinstance(found, bool):
        raise ValueError(f"{key} must be true or false")  # noqa: TRY004 - one error type for whoever reads a file
    return found
