"""Reading a user agent: which browser, of which version, on what."""

from functools import cache, lru_cache
from typing import Final

from msgspec import Struct
from ua_parser_builtins.lazy import MATCHERS
from ua_parser_rs import OSExtractor, UserAgentExtractor

LONGEST: Final = 512
"""Characters that are read; a browser's are some 150."""
_LONGEST_NAME: Final = 40
_LONGEST_VERSION: Final = 5
OTHER: Final = "Other"
"""What says nothing that is known; a person who always comes so is usual by it."""

_DESKTOPS: Final = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD"})


class Agent(Struct, frozen=True, kw_only=True):
    """A user agent in the words that are counted; see `riskengine.seen.Seen`."""

    browser: str
    family: str
    system: str


def agent_of(user_agent: str) -> Agent:
    """Read the user agent of a request, as it was sent; `OTHER` where it says nothing that is known.

    The patterns are those of the uap-core project. Whatever is sent costs a bounded time, and comes out as a few
    printable words: a name may be the caller's own, and is kept.
    """
    return _read(user_agent[:LONGEST])


def get_ready() -> None:
    """Load the patterns now, some tenths of a second, and not within the first request."""
    _extractors()


@cache
def _extractors() -> tuple[UserAgentExtractor, OSExtractor]:
    agents, systems, _devices = MATCHERS
    return (
        UserAgentExtractor((one.regex, one.family, one.major, one.minor, one.patch, one.patch_minor) for one in agents),
        OSExtractor((one.regex, one.family, one.major, one.minor, one.patch, one.patch_minor) for one in systems),
    )


@lru_cache(maxsize=2048)
def _read(text: str) -> Agent:
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    agents, systems = _extractors()
    agent, system = agents.extract(text), systems.extract(text)
    family = _name(agent.family if agent else None)
    major = agent.major if agent and family != OTHER else None
    is_version = bool(major) and str(major).isascii() and str(major).isdigit() and len(str(major)) <= _LONGEST_VERSION
    return Agent(
        browser=f"{family} {major}" if is_version else family,
        family=family,
        system=_system(_name(system.family if system else None), text),
    )


def _name(found: str | None) -> str:
    name = " ".join((found or "").split())
    return name if 0 < len(name) <= _LONGEST_NAME else OTHER


def _system(name: str, text: str) -> str:
    """Name a system and the kind of device.

    A browser on Android that does not say "Mobile" is on a tablet: so Google has its own say it.
    """
    if name in _DESKTOPS:
        return f"{name} desktop"
    if "iPad" in text:
        return f"{name} tablet"
    if "iPhone" in text or "Mobile" in text:
        return f"{name} phone"
    return f"{name} tablet" if name == "Android" and text.startswith("Mozilla/") else name
