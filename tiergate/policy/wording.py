"""How what a bundle asks is said to people."""

from collections.abc import Iterable

from tiergate.requirements import Requirement, Scope


class Alarm(str):
    """A line that nobody is to read past: in red, where there are colours."""

    __slots__ = ()


def in_words(requirement: Requirement) -> str:
    """Say what a requirement asks, e.g. ``aal2, shown within 900 s, that resists phishing``."""
    parts = [requirement.level.value]
    if requirement.max_age is not None:
        parts.append(f"shown within {requirement.max_age} s")
    if requirement.phishing_resistant:
        parts.append("that resists phishing")
    if requirement.device_bound:
        parts.append("bound to a device")
    if requirement.scope != Scope.SESSION:
        parts.append(f"for this {requirement.scope.value} alone")
    if requirement.approvals:
        parts.append(f"agreed to by {requirement.approvals} other{'s' if requirement.approvals > 1 else ''}")
    return ", ".join(parts)


def listed(names: Iterable[str]) -> str:
    """Join names as a sentence has them; "none" where there are none."""
    return ", ".join(names) or "none"
