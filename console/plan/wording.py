"""Requirements, prices and what a feature is worth, in words. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from authlevels import api as authlevels
from tiergate import Entitlement, FeatureKind, Level, Requirement, ResetPeriod, Scope, Unlock

LEVELS: Final[Mapping[Level, str]] = MappingProxyType(
    {
        Level.NONE: "nothing",
        Level.AAL1: "a sign-in",
        Level.AAL2: "a second factor",
        Level.AAL3: "a security key whose secret cannot leave it",
    }
)
PERIODS: Final[Mapping[ResetPeriod, str]] = MappingProxyType(
    {
        ResetPeriod.DAY: "a day",
        ResetPeriod.MONTH: "a month",
        ResetPeriod.YEAR: "a year",
        ResetPeriod.BILLING_PERIOD: "between two payments",
    }
)
_SCOPES: Final[Mapping[Scope, str]] = MappingProxyType(
    {
        Scope.SESSION: "",
        Scope.ACTION: "given for this alone",
        Scope.RESOURCE: "given for this one thing",
        Scope.TRANSACTION: "given each time",
    }
)
_MINUTE: Final = 60
_HOUR: Final = 3600


def asked_in_words(asked: Requirement | None) -> str:
    """Say what is asked of a person; "" where that is no more than to be signed in."""
    if asked is None or asked == Requirement():
        return ""
    parts = [LEVELS[asked.level]]
    if asked.phishing_resistant:
        parts.append("which nobody can phish")
    if asked.device_bound:
        parts.append("bound to a device")
    if asked.max_age is not None:
        parts.append(f"shown in the last {_duration(asked.max_age)}")
    parts += [_SCOPES[asked.scope]] if _SCOPES[asked.scope] else []
    if asked.approvals:
        parts.append(f"and that {_count(asked.approvals, 'other person agrees', 'other people agree')}")
    return ", ".join(parts)


def worth(one: Entitlement) -> str:
    """Say how much of a feature there is."""
    if not one.is_granted:
        return "Not included"
    match one.kind:
        case FeatureKind.LIMIT:
            return amount(limit=one.limit, unlimited=one.unlimited is True, period=one.reset_period)
        case FeatureKind.CONFIG:
            return setting(one.value)
        case FeatureKind.SWITCH:
            return "Included"


def amount(*, limit: int | None, unlimited: bool, period: ResetPeriod | None) -> str:
    """Say how much a limit allows; a limit that nobody says is none at all."""
    if unlimited:
        return "Unlimited"
    return f"{limit or 0:,}" + (f" {PERIODS[period]}" if period else "")


def setting(value: Any) -> str:
    """Write what a feature is set to."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case int() | float():
            return f"{value:,}"
        case list() | tuple():
            return ", ".join(setting(one) for one in value) or "None"
        case dict():
            return ", ".join(f"{name}: {setting(one)}" for name, one in value.items()) or "None"
        case None:
            return "None"
        case _:
            return str(value)


def side_in_words(value: Any) -> str:
    """Write one side of a difference, as `licensing` tells it."""
    if isinstance(value, dict) and ("limit" in value or "unlimited" in value):
        period = ResetPeriod(value["per"]) if value.get("per") else None
        said = amount(limit=value.get("limit"), unlimited=bool(value.get("unlimited")), period=period).lower()
        return f"{said}, and more as overage" if value.get("overage") else said
    return "included" if value is True else setting(value)


def asks_in_words(value: Any) -> str:
    """Write what one side of a difference asks, as `licensing` tells it."""
    return asked_in_words(Requirement.from_json(value) if value else None) or "a sign-in"


def price_of(unlock: Unlock) -> str:
    """Write what a plan or add-on costs."""
    return price(unlock.price, unlock.currency or "", unlock.interval or "")


def price(minor: int | None, currency: str, interval: str) -> str:
    """Write a price. minor: in the minor unit of ``currency``; None: it is not sold online."""
    if minor is None:
        return "on request"
    if minor == 0:
        return "free"
    rhythm = {"": "", "once": " once"}.get(interval, f" a {interval}")
    return authlevels.written_sum(minor, currency.upper()) + rhythm


def _duration(seconds: int) -> str:
    if seconds % _HOUR == 0:
        return _count(seconds // _HOUR, "hour", "hours") if seconds != _HOUR else "hour"
    if seconds % _MINUTE == 0:
        return _count(seconds // _MINUTE, "minute", "minutes")
    return _count(seconds, "second", "seconds")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
