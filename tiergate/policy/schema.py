"""What a rule may read: one table of names, types, values, and what each is when nobody knows."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tiergate.catalogue import Sensitivity
from tiergate.environments import EnvironmentSensitivity
from tiergate.policy.limits import MAX_ITEMS, MAX_TEXT

NETWORK_CLASSES: Final = ("residential", "mobile", "business", "hosting", "vpn", "tor", "unknown")
RISK_BANDS: Final = ("low", "medium", "high", "critical", "unknown")
# How far a whole number goes in CEL.
INT_MIN: Final = -(1 << 63)
INT_MAX: Final = (1 << 63) - 1
_MAX_DOUBLE: Final = 1.7976931348623157e308


class Kind(StrEnum):
    """The type of a field, by CEL's own name."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    STRINGS = "list(string)"
    TIMESTAMP = "timestamp"


type Value = bool | int | float | str | tuple[str, ...] | datetime


class Field(Struct, frozen=True, kw_only=True):
    """One thing that a rule may read.

    values: all that a text may be; () for any. lowest, highest: of a number, both included; None: no such limit.
    unknown: what it counts as when nobody knows: the worst that it can be. None: it is absent then, and a rule that
    needs it refuses.
    """

    name: str
    kind: Kind
    sentence: str
    values: tuple[str, ...] = ()
    lowest: int | float | None = None
    highest: int | float | None = None
    unknown: bool | float | int | str | None = None

    @property
    def group(self) -> str:
        """Give the first part of the name."""
        return self.name.partition(".")[0]

    @property
    def member(self) -> str:
        """Give the second part of the name."""
        return self.name.partition(".")[2]

    def admits(self, value: object) -> bool:
        """Say whether this is a value that the field can have; what it admits CEL reads without an error."""
        return self.check()(value)

    def check(self) -> Callable[[object], bool]:
        """Give what says whether something is a value that the field can have, for who asks it often."""
        return _CHECKS[self.kind](self)


def _check_bool(_: Field) -> Callable[[object], bool]:
    return lambda value: value is True or value is False


def _check_int(field: Field) -> Callable[[object], bool]:
    lowest = INT_MIN if field.lowest is None else field.lowest
    highest = INT_MAX if field.highest is None else field.highest
    # INVARIANT: a bool is a number to Python, and to CEL where it is handed one; it is none here.
    return lambda value: type(value) is int and lowest <= value <= highest


def _check_double(field: Field) -> Callable[[object], bool]:
    lowest = -_MAX_DOUBLE if field.lowest is None else field.lowest
    highest = _MAX_DOUBLE if field.highest is None else field.highest
    # What is no number, and what has no end, is between none.
    return lambda value: (type(value) is float or type(value) is int) and lowest <= value <= highest


def _check_string(field: Field) -> Callable[[object], bool]:
    values = frozenset(field.values)
    return (lambda value: isinstance(value, str) and value in values) if values else _is_text


def _check_strings(_: Field) -> Callable[[object], bool]:
    return lambda value: (
        (type(value) is tuple or type(value) is list) and len(value) <= MAX_ITEMS and all(map(_is_text, value))
    )


def _check_timestamp(_: Field) -> Callable[[object], bool]:
    return lambda value: isinstance(value, datetime) and value.utcoffset() is not None


def _is_text(value: object) -> bool:
    """Say whether a text can be handed to CEL: not if it is too long, nor if it holds half of a surrogate pair."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    return value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value)


_CHECKS: Final[Mapping[Kind, Callable[[Field], Callable[[object], bool]]]] = MappingProxyType(
    {
        Kind.BOOL: _check_bool,
        Kind.INT: _check_int,
        Kind.DOUBLE: _check_double,
        Kind.STRING: _check_string,
        Kind.STRINGS: _check_strings,
        Kind.TIMESTAMP: _check_timestamp,
    }
)


def _bool(name: str, sentence: str, *, unknown: bool | None = None) -> Field:
    return Field(name=name, kind=Kind.BOOL, sentence=sentence, unknown=unknown)


def _text(name: str, sentence: str) -> Field:
    return Field(name=name, kind=Kind.STRING, sentence=sentence)


def _texts(name: str, sentence: str) -> Field:
    return Field(name=name, kind=Kind.STRINGS, sentence=sentence)


def _one_of(name: str, values: tuple[str, ...], unknown: str, sentence: str) -> Field:
    return Field(name=name, kind=Kind.STRING, values=values, unknown=unknown, sentence=sentence)


def _whole(
    name: str, sentence: str, lowest: int | None = None, highest: int | None = None, unknown: int | None = None
) -> Field:
    return Field(name=name, kind=Kind.INT, lowest=lowest, highest=highest, unknown=unknown, sentence=sentence)


_ALL: Final = (
    _text("action.name", "The action that is asked for, e.g. data.export."),
    _text("action.resource_type", "What the action is done to, as the catalogue declares it."),
    _text("action.feature", 'The feature that the action uses; "" where it needs no licence.'),
    _one_of("action.sensitivity", tuple(Sensitivity), Sensitivity.REGULATED, "How much care that feature needs."),
    _texts("action.scopes", "The scopes of tokens that stand for the action."),
    _text("subject.type", "What the subject is in the caller's words, e.g. user."),
    _text("subject.id", "The subject's id in the caller's words."),
    _texts("subject.roles", "The roles of the subject's membership; none of a service."),
    _bool("subject.is_service", "Whether a service asks in its own name."),
    _bool("subject.is_impersonated", "Whether somebody of support acts as the subject.", unknown=True),
    _text("tenant.id", "The tenant's id."),
    _text("tenant.slug", "The tenant's name in addresses."),
    _bool("tenant.is_vendor", "Whether the tenant is the vendor itself."),
    _texts("plan.keys", "The keys of the plan and the add-ons that the tenant holds."),
    _text("resource.type", "The type of the resource that was named."),
    _text("resource.id", "The id of the resource that was named."),
    _text("environment.name", 'The environment that was named; "" where none was.'),
    _one_of(
        "environment.sensitivity",
        tuple(EnvironmentSensitivity),
        EnvironmentSensitivity.PRODUCTION,
        "How sensitive the tenant declares that environment.",
    ),
    _whole("session.age", "Seconds since the session began.", 0),
    _bool("session.is_present", "Whether the request names a session.", unknown=False),
    _whole("assurance.level", "The level that the proofs reach for this request: 2 for aal2, 0 for none.", 0, 3, 0),
    _whole("assurance.age", "Seconds since the newest proof that leads to that level.", 0),
    _bool("assurance.is_phishing_resistant", "Whether a proof that leads to it resists phishing.", unknown=False),
    _bool("assurance.is_device_bound", "Whether the key of a proof that leads to it cannot be copied.", unknown=False),
    _one_of("risk.band", RISK_BANDS, "unknown", "How risky the request looks."),
    Field(
        name="risk.score",
        kind=Kind.DOUBLE,
        lowest=0.0,
        highest=1.0,
        unknown=1.0,
        sentence="How risky the request looks, from 0.0 to 1.0.",
    ),
    _bool("transaction.is_present", "Whether anything is said of a transaction.", unknown=False),
    _text("transaction.type", "What kind of transaction it is, e.g. payout."),
    _whole("transaction.amount", "Its amount in minor units of the currency."),
    _text("transaction.currency", "Its currency (ISO 4217), e.g. EUR."),
    _bool("origin.is_located", "Whether the country that the request comes from is known.", unknown=False),
    _text("origin.country", "The country that it comes from (ISO 3166-1 alpha-2), e.g. DE."),
    _one_of("origin.network_class", NETWORK_CLASSES, "unknown", "What kind of network the request comes from."),
    _bool("device.is_known", "Whether the subject has used this device before.", unknown=False),
    Field(name="time.now", kind=Kind.TIMESTAMP, sentence="The instant that is asked about."),
    _whole("time.hour", "The hour in the tenant's time zone.", 0, 23),
    _whole("time.weekday", "The day of the week there, from 1 for Monday (ISO 8601).", 1, 7),
    _text("time.zone", "The tenant's time zone, e.g. Europe/Berlin."),
)

FIELDS: Final[Mapping[str, Field]] = MappingProxyType({one.name: one for one in _ALL})
GROUPS: Final = frozenset(one.group for one in _ALL)

# What rules may call, by CEL's name, and how people write it.
FUNCTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "_&&_": "&&",
        "_||_": "||",
        "!_": "!",
        "_?_:_": "? :",
        "_==_": "==",
        "_!=_": "!=",
        "_<_": "<",
        "_<=_": "<=",
        "_>_": ">",
        "_>=_": ">=",
        "@in": "in",
        "_+_": "+",
        "_-_": "-",
        "-_": "-",
        "_*_": "*",
        "_/_": "/",
        "_%_": "%",
        "size": "size",
        "startsWith": "startsWith",
        "endsWith": "endsWith",
        "contains": "contains",
        "matches": "matches",
        "int": "int",
        "double": "double",
        "string": "string",
        "timestamp": "timestamp",
        "duration": "duration",
        "getFullYear": "getFullYear",
        "getMonth": "getMonth",
        "getDate": "getDate",
        "getDayOfMonth": "getDayOfMonth",
        "getDayOfWeek": "getDayOfWeek",
        "getDayOfYear": "getDayOfYear",
        "getHours": "getHours",
        "getMinutes": "getMinutes",
        "getSeconds": "getSeconds",
    }
)
MACROS: Final = ("all", "exists", "exists_one", "filter")
