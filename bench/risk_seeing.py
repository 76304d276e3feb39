"""Prints what it costs to read how a request looks, with a map of cities, one of providers, and lists of 100,000 networks each.

Run with ``python -m bench.risk_seeing``. It needs no service and no data of anybody's: maps and lists are made up. Each figure is
the least of its rounds, in microseconds of the processor.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import StringIO
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROUNDS = 15
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=100_000, help="networks on each list")
    parser.add_argument("--lists", type=int, default=6)
    parser.add_argument("--places", type=int, default=20_000, help="networks of each map")
    given = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415 - not before it is said which settings

    django.setup()
    with tempfile.TemporaryDirectory() as directory:
        _measure(given, Path(directory))
    return 0


def _measure(given: argparse.Namespace, directory: Path) -> None:
    from riskengine import addresses, agents, api, device_tokens  # noqa: PLC0415 - as above
    from riskengine.data import keeping  # noqa: PLC0415 - as above

    chance = random.Random(7)  # noqa: S311 - the same figures each time
    began = _now()
    agents.get_ready()
    _tell(f"loading patterns of user agents   {(_now() - began) / 1e3:9.0f} ms")
    atlas = _atlas(given, directory, chance)
    keeper = keeping.keeper
    keeper._atlas, keeper._tried_at = atlas, float("inf")  # noqa: SLF001 - nothing is looked for while this is measured
    ips = [str(IPv4Address(chance.randrange(16 << 24, 127 << 24))) for _ in range(4000)]
    sixes = [
        f"2001:{chance.getrandbits(16):x}:{chance.getrandbits(16):x}::{chance.getrandbits(16):x}" for _ in range(4000)
    ]
    odd = [f"{AGENT} App/{number}" for number in range(4000)]
    tokens = [api.new_device_token(at=AT) for _ in range(4000)]
    token = tokens[0]

    def forget() -> None:
        atlas._known.clear()  # noqa: SLF001 - that is what is measured
        agents._read.cache_clear()  # noqa: SLF001 - as above
        device_tokens._known.clear()  # noqa: SLF001 - as above

    rows: list[tuple[str, Callable[[Any], object], Sequence[Any], Callable[[], None]]] = [
        ("an address, read", addresses.address_of, ips, forget),
        ("an address, looked up", lambda ip: atlas.looks_of(ip, at=AT), ips, forget),
        ("an address of IPv6, looked up", lambda ip: atlas.looks_of(ip, at=AT), sixes, forget),
        ("an address, seen before", lambda _: atlas.looks_of(ips[0], at=AT), ips, _nothing),
        ("a user agent, read", agents.agent_of, odd, forget),
        ("a user agent, seen before", lambda _: agents.agent_of(AGENT), odd, _nothing),
        ("a device token, checked", lambda one: api.read_device_token(one, at=AT), tokens, forget),
        ("a device token, seen before", lambda _: api.read_device_token(token, at=AT), ips, _nothing),
        ("see, all of it new", lambda one: api.see(at=AT, ip=one[0], user_agent=one[1], device_token=one[2], hour=9), list(zip(ips, odd, tokens, strict=True)), forget),
        ("see, all of it seen before", lambda _: api.see(at=AT, ip=ips[0], user_agent=AGENT, device_token=token, hour=9), ips, _nothing),
        ("see, without a device token", lambda _: api.see(at=AT, ip=ips[0], user_agent=AGENT, hour=9), ips, _nothing),
    ]  # fmt: skip
    for name, call, over, before in rows:
        _tell(f"{name:33} {_least(call, over, before):9.2f} µs")


def _atlas(given: argparse.Namespace, directory: Path, chance: random.Random) -> Any:
    """Make up an atlas, and print what it takes."""
    from riskengine.data.atlas import Atlas, HeldList, HeldMap  # noqa: PLC0415 - not before the settings are read
    from riskengine.data.kinds import Mark  # noqa: PLC0415 - as above
    from riskengine.data.lists import FOR_EVER  # noqa: PLC0415 - as above
    from riskengine.data.maps import MmdbMap  # noqa: PLC0415 - as above
    from riskengine.data.ranges import Ranges, Stretch, highest, packed  # noqa: PLC0415 - as above
    from riskengine.data.taking import take_lines  # noqa: PLC0415 - as above

    never = datetime.max.replace(tzinfo=UTC)
    text = "\n".join(str(IPv4Address(chance.randrange(16 << 24, 127 << 24))) for _ in range(given.networks))
    began = _now()
    take_lines(StringIO(text), mark=Mark.LISTED, has_expiry=False, expires_after=None, at=AT)
    _tell(f"reading a list out of text        {(_now() - began) / 1e3:9.0f} ms")
    lists, marks = [], [Mark.LISTED, Mark.TOR, Mark.VPN, Mark.HOSTING, Mark.MOBILE, Mark.RESIDENTIAL]
    for number in range(given.lists):
        firsts = [chance.randrange(16 << 24, 127 << 24) for _ in range(given.networks)]
        began = _now()
        content = packed([Stretch(one, one + chance.choice((0, 255)), FOR_EVER) for one in firsts], [], rank=highest)
        took = _now() - began
        began = _now()
        ranges = Ranges(content)
        opened = _now() - began
        lists.append(
            HeldList(
                name=str(number),
                mark=marks[number % len(marks)],
                state=(1, AT),
                as_of=AT,
                stale_at=never,
                ranges=ranges,
            )
        )
    _tell(f"packing it                        {took / 1e3:9.0f} ms, into {len(content) / 1e6:.1f} MB")
    _tell(f"opening it in a process           {opened:9.0f} µs")
    maps = {}
    for kind in ("city", "asn"):
        path = directory / kind
        _write_mmdb(path, kind, given.places, chance)
        manifest: Any = SimpleNamespace(stale_at=never, kind=kind)
        maps[kind] = HeldMap(manifest=manifest, state=(0, 0, 0), map=MmdbMap(path))
    _tell(f"memory of this process            {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:9.0f} MB")
    return Atlas(maps, lists)


def _write_mmdb(path: Path, kind: str, count: int, chance: random.Random) -> None:
    from mmdb_writer import MmdbF64, MmdbU32, MMDBWriter  # noqa: PLC0415 - only who measures has it
    from netaddr import IPNetwork, IPSet  # noqa: PLC0415 - as above

    writer = MMDBWriter(6, f"Bench-{kind}", languages=["en"], ipv4_compatible=True)
    step = (111 << 24) // count & ~0xFF
    for number in range(count):
        network = IPSet([IPNetwork(f"{IPv4Address((16 << 24) + number * step)}/24")])
        if kind == "asn":
            writer.insert_network(network, {"autonomous_system_number": MmdbU32(64500 + number % 500)})
            continue
        where = {"latitude": MmdbF64(chance.uniform(-60, 70)), "longitude": MmdbF64(chance.uniform(-180, 180))}
        writer.insert_network(
            network, {"country": {"iso_code": "DE"}, "location": where, "city": {"names": {"en": "Sample"}}}
        )
    writer.to_db_file(str(path))


def _least(call: Callable[[Any], object], over: Sequence[Any], before: Callable[[], None]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        before()
        began = _now()
        for one in over:
            call(one)
        rounds.append((_now() - began) / len(over))
    return min(rounds)


def _now() -> float:
    return time.process_time_ns() / 1e3


def _nothing() -> None:
    pass


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
