"""`manage.py risk import`, `status`, `look` and `drop`: data about networks."""

import re
from argparse import ArgumentTypeError
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from isolation.clock import now
from riskengine.data.bringing import Said, bring, drop
from riskengine.data.columns import COLUMNS
from riskengine.data.errors import DataRefused
from riskengine.data.keeping import keeper
from riskengine.data.kinds import KINDS
from riskengine.data.lists import lists_naming
from riskengine.data.standing import Standing, list_standings
from riskengine.data.taking import networks_of
from riskengine.recomputing import progress

ILL: Final = 2
_BY: Final = "manage.py"
_SPAN: Final = re.compile(r"([0-9]{1,5})([hd])")


def add_verbs(verbs: Any) -> None:
    """Declare them."""
    takes = verbs.add_parser(
        "import",
        help="bring a file in and put it in force",
        description="Kinds: " + "; ".join(f"{name}: {kind.help}" for name, kind in KINDS.items()) + ".",
    )
    takes.add_argument("kind", choices=list(KINDS), metavar="kind", help=", ".join(KINDS))
    takes.add_argument("file", type=Path)
    takes.add_argument("--name", default="", help="of a list, where there are several of a kind; its kind unless said")
    takes.add_argument(
        "--as-of", type=_instant, help="when what it says was so; now, or what an MMDB says, unless said"
    )
    takes.add_argument(
        "--stale-after", type=_span, help="the age at which a newer one has been forgotten, as 36h or 30d"
    )
    takes.add_argument("--expires-after", type=_span, help="for how long lines of a list hold that do not say, as 12h")
    takes.add_argument(
        "--startup", action="store_true", help="of crowdsec: the answer to startup=true, which is everything"
    )
    takes.add_argument("--columns", type=_columns, default=(), help="of a CSV that is a map, as first,last,-,country")
    takes.add_argument("--source", default="", help="where it comes from, for status and the trail")
    takes.add_argument("--licence", default="", help="under which it may be used, as CC-BY-4.0")
    takes.add_argument("--attribution", default="", help="what its licence asks to be shown, as a link back")
    takes.set_defaults(run=_import)
    status = verbs.add_parser(
        "status",
        help="print what is in force and how old, and how far profiles are walked through; exit with 2 where something is stale or broken",
    )
    status.set_defaults(run=_status)
    look = verbs.add_parser("look", help="print what is known of an address")
    look.add_argument("ip", metavar="address")
    look.set_defaults(run=_look)
    drops = verbs.add_parser("drop", help="take a list, or this host's map, out of force")
    drops.add_argument("name")
    drops.set_defaults(run=_drop)


def _import(options: Mapping[str, Any], out: Any, err: Any) -> int:
    said = Said(
        name=options["name"],
        as_of=options["as_of"],
        stale_after=options["stale_after"],
        expires_after=options["expires_after"],
        is_whole=options["startup"],
        columns=options["columns"],
        source=options["source"],
        licence=options["licence"],
        attribution=options["attribution"],
    )

    def progress(count: int) -> None:
        err.write(f"{count:,} networks read")

    result = bring(options["file"], kind=options["kind"], said=said, by=_BY, at=now(), progress=progress)
    brought = result.brought
    for sentence in result.remarks:
        err.write(sentence)
    if brought.is_same:
        out.write(f"{result.name}: the same as before, {brought.networks:,} networks.")
    else:
        out.write(
            f"{result.name}: {brought.networks:,} networks, {brought.changed:,} new or changed, {brought.gone:,} gone."
        )
    return 0


def _status(_options: Mapping[str, Any], out: Any, err: Any) -> int:
    at = now()
    found = list_standings(at=at)
    if not found:
        out.write("Nothing is known of networks: risk is judged by device, network, browser, hour and history alone.")
    for one in found:
        out.write(_line(one, at))
        for text in (one.problem, one.source, one.licence, one.attribution):
            if text:
                out.write(f"    {text}")
    walk = progress()
    out.write("No profiles were walked through yet." if walk is None else f"{walk.sentence(at=at)}.")
    ill = [one.name for one in found if not one.is_well]
    if ill:
        err.write(f"Bring in anew: {', '.join(ill)}.")
    return ILL if ill else 0


def _line(one: Standing, at: datetime) -> str:
    state = "broken" if one.problem else "stale" if one.is_stale else "good"
    where = "map of this host" if one.is_map else f"list, {one.kind}"
    if one.as_of is None or one.imported_at is None or one.stale_at is None:
        return f"{one.name:20} {state:7} {where}"
    return (
        f"{one.name:20} {state:7} {where:18} {one.networks:>9,} networks, of {one.as_of:%Y-%m-%d %H:%M}, {_age(at - one.as_of)} old, "
        f"stale from {one.stale_at:%Y-%m-%d %H:%M}; {one.digest[:12]}, brought in {one.imported_at:%Y-%m-%d %H:%M}"
    )


def _age(age: timedelta) -> str:
    return f"{age.days} d" if age.days else f"{max(age, timedelta(0)).seconds // 3600} h"


def _look(options: Mapping[str, Any], out: Any, _err: Any) -> int:
    at = now()
    looks = keeper.look_now().looks_of(options["ip"], at=at)
    if looks.address is None:
        raise DataRefused("That is no address of anybody's.")
    out.write(f"network     {looks.address.network}" + ("" if looks.address.is_public else ", not public"))
    out.write(f"provider    {looks.asn or '-'}")
    out.write(f"country     {looks.country or '-'}")
    out.write(f"place       {', '.join(map(str, looks.place)) if looks.place else '-'}")
    out.write(f"class       {looks.network_class or '-'}")
    flags = [name for name in ("is_listed", "is_relay", "is_satellite") if getattr(looks, name)]
    out.write(f"flags       {', '.join(flags) or '-'}")
    (network,) = networks_of(looks.address.text)
    for name, mark, around, until in lists_naming(network, at=at):
        out.write(f"named by    {name} ({mark}): {around}" + (f" until {until:%Y-%m-%d %H:%M}" if until else ""))
    return 0


def _drop(options: Mapping[str, Any], out: Any, _err: Any) -> int:
    drop(name=options["name"], by=_BY, at=now())
    out.write(f"{options['name']} is out of force.")
    return 0


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no instant such as 2026-11-23 or 2026-11-23T12:00:00Z.") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ArgumentTypeError(f"{text!r} is no time such as 36h or 30d.")
    return timedelta(**{{"h": "hours", "d": "days"}[found[2]]: int(found[1])})


def _columns(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if not set(found) <= set(COLUMNS) or not ({"network"} <= set(found) or {"first", "last"} <= set(found)):
        raise ArgumentTypeError(
            f"{text!r}: name each column as one of {', '.join(COLUMNS)}, with network, or first and last, among them."
        )
    return found
