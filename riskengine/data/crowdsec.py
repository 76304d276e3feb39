"""Reading decisions as CrowdSec tells them to bouncers: what is new, and what is taken back.

The document is that of ``GET /v1/decisions/stream`` of its local API: ``{"new": [...], "deleted": [...]}``, each decision
with ``scope``, ``value``, ``type``, ``duration`` as Go writes it, ``simulated``. Only what is said of addresses and networks is taken;
of countries, providers and names there are other ways to say it.
"""

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from riskengine.data.errors import DataRefused
from riskengine.data.kinds import Mark
from riskengine.data.taking import Network, Taken, networks_of

_SCOPES: Final = frozenset({"ip", "range"})
_TYPES: Final = frozenset({"ban", "captcha"})
_PART: Final = re.compile(r"([0-9]{1,10}(?:\.[0-9]{0,9})?)(ns|us|µs|ms|s|m|h)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_LONGEST: Final = timedelta(days=3660)


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """What a document of the stream says: what is on the list from now on, what no longer is, and how many it says of something else."""

    new: Taken
    deleted: frozenset[Network]
    others: int


def take_stream(content: bytes, *, is_whole: bool, at: datetime) -> Stream:
    """Read a document of the stream.

    is_whole: it is the answer to ``startup=true``, and tells of everything that is in force.
    :raises DataRefused: it is none, or says what no list can mean.
    """
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataRefused("It is no JSON.") from error
    if not isinstance(document, dict) or not document.keys() & {"new", "deleted"}:
        raise DataRefused('It is no stream of decisions: those have "new" and "deleted".')
    new = Taken(Mark.LISTED, at=at)
    deleted: set[Network] = set()
    others = 0
    for one in _decisions(document, "new"):
        new.lines += 1
        if not isinstance(one, dict) or _is_other(one):
            others += 1
            continue
        try:
            networks, until = list(networks_of(_text(one, "value"))), at + duration_of(_text(one, "duration"))
        except ValueError:
            new.pass_over(new.lines, str(one.get("value")))
            continue
        for network in networks:
            new.add(network, until)
    for one in _decisions(document, "deleted"):
        try:
            deleted.update(networks_of(_text(one, "value")) if isinstance(one, dict) else ())
        except ValueError:
            others += 1
    if is_whole or new.networks:
        new.check()
    return Stream(new=new, deleted=frozenset(deleted), others=others)


def duration_of(text: str) -> timedelta:
    """Read a duration as Go writes it, as ``3h59m57.5s`` or ``-12s``.

    :raises ValueError: it is none, or longer than ten years.
    """
    rest, sign = (text[1:], -1) if text.startswith("-") else (text, 1)
    seconds, place = 0.0, 0
    while place < len(rest) and (part := _PART.match(rest, place)):
        seconds += float(part[1]) * _SECONDS[part[2]]
        place = part.end()
    if place == 0 or place < len(rest) or seconds > _LONGEST.total_seconds():
        raise ValueError("It is no duration.")
    return timedelta(seconds=sign * seconds)


def _decisions(document: dict[str, Any], name: str) -> list[Any]:
    found = document.get(name) or []
    if not isinstance(found, list):
        raise DataRefused(f'Its "{name}" is no list of decisions.')
    return found


def _is_other(one: dict[str, Any]) -> bool:
    return (
        str(one.get("scope")).lower() not in _SCOPES
        or str(one.get("type")).lower() not in _TYPES
        or one.get("simulated") is True
    )


def _text(one: dict[str, Any], name: str) -> str:
    found = one.get(name)
    if not isinstance(found, str):
        raise ValueError("It is no text.")  # noqa: TRY004 - as what is a text and says nothing
    return found
