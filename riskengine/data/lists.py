"""Lists of networks in the database, where all hosts read them: replaced whole, or changed by what a stream tells, in one transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network, ip_network
from math import ceil
from typing import Final

from django.db import connection
from django.db.models import Q
from msgspec import Struct

from riskengine.data.errors import DataNotFound, DataRefused
from riskengine.data.kinds import LISTS
from riskengine.data.models import ListedNetwork, NetworkList
from riskengine.data.ranges import Stretch, highest, packed, stretch_of
from riskengine.data.taking import MOST_NETWORKS, Network

MOST_LISTS: Final = 64
FOR_EVER: Final = 2**64 - 1
"""What the ranges of a list say of a network that is on it for as long as the list says so; of others, until which second of the epoch."""

_ONE_AT_A_TIME: Final = 0x7469_726C  # any number of our own: the key of an advisory lock

_GONE: Final = """
    DELETE FROM riskengine_listed l
    WHERE l.list = %s AND NOT EXISTS (SELECT FROM unnest(%s::cidr[]) AS brought(network) WHERE brought.network = l.network)
"""
_THERE: Final = """
    INSERT INTO riskengine_listed AS l (list, network, until)
    SELECT %s, brought.network, brought.until FROM unnest(%s::cidr[], %s::timestamptz[]) AS brought(network, until)
    ON CONFLICT (list, network) DO UPDATE SET until = excluded.until WHERE l.until IS DISTINCT FROM excluded.until
"""
_TAKEN_BACK: Final = "DELETE FROM riskengine_listed WHERE list = %s AND network = ANY (%s::cidr[])"


class Offer(Struct, frozen=True, kw_only=True):
    """What is said of data as a whole when it is brought in.

    name: of the list, or its kind. digest: SHA-256 of the file. as_of: when what it says was so. stale_after: the age by which a
    newer one has been forgotten. at: now. source, licence, attribution: shown by `risk status`.
    """

    name: str
    kind: str
    digest: str
    as_of: datetime
    stale_after: timedelta
    at: datetime
    source: str = ""
    licence: str = ""
    attribution: str = ""


class Brought(Struct, frozen=True, kw_only=True):
    """What came of bringing data in. networks: how many it tells of now. changed: how many are new, or until another moment."""

    networks: int
    changed: int = 0
    gone: int = 0
    is_same: bool = False


def replace_list(offer: Offer, networks: Mapping[Network, datetime | None]) -> Brought:
    """Have a list name these networks and no others, within the caller's transaction. The same file again only confirms it.

    networks: until when each is on it, None for as long as the list says so.
    :raises DataRefused: the name is another kind's, or there are too many lists.
    """
    row = _locked(offer)
    is_same = row.digest == offer.digest
    _say(row, offer)
    if is_same:
        row.save()
        return Brought(networks=row.networks, is_same=True)
    texts = [str(one) for one in networks]
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [offer.name, texts])
        gone = cursor.rowcount
        cursor.execute(_THERE, [offer.name, texts, list(networks.values())])
        changed = cursor.rowcount
    return _packed(row, networks.items(), changed=changed, gone=gone)


def change_list(offer: Offer, new: Mapping[Network, datetime | None], deleted: Iterable[Network]) -> Brought:
    """Take networks from a list, put others on it, and forget those whose time is over, within the caller's transaction.

    What is both deleted and new is on it: one decision ended, and another holds.
    :raises DataRefused: as `replace_list`; or it would name too many.
    """
    row = _locked(offer)
    _say(row, offer)
    gone, _ = ListedNetwork.objects.filter(named_by=row, until__lte=offer.at).delete()
    with connection.cursor() as cursor:
        # First: what is both ended by one decision and named by another is on the list.
        cursor.execute(_TAKEN_BACK, [offer.name, [str(one) for one in deleted]])
        gone += cursor.rowcount
        cursor.execute(_THERE, [offer.name, [str(one) for one in new], list(new.values())])
        changed = cursor.rowcount
    if not changed and not gone:
        row.save()
        return Brought(networks=row.networks)
    rows = ListedNetwork.objects.filter(named_by=row).values_list("network", "until")
    if rows.count() > MOST_NETWORKS:
        raise DataRefused(f"The list would name more than {MOST_NETWORKS:,} networks.")
    return _packed(row, ((ip_network(network), until) for network, until in rows), changed=changed, gone=gone)


def drop_list(*, name: str) -> None:
    """Take a list out of force, with all that it names, within the caller's transaction.

    :raises DataNotFound: there is none of this name.
    """
    found, _ = NetworkList.objects.filter(name=name).delete()
    if not found:
        raise DataNotFound(f"There is no list {name!r}.")


def lists_naming(network: Network, *, at: datetime) -> list[tuple[str, str, str, datetime | None]]:
    """Tell which lists name a network or one around it: the list's name, its mark, the network that it names, until when."""
    held = ListedNetwork.objects.extra(where=["network >>= %s::cidr"], params=[str(network)])
    held = held.filter(Q(until__isnull=True) | Q(until__gt=at)).order_by("named_by", "network")
    return list(held.values_list("named_by__name", "named_by__mark", "network", "until"))


def _locked(offer: Offer) -> NetworkList:
    """Read a list and keep others from changing it meanwhile; one that is not there yet is begun."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
    found = NetworkList.objects.select_for_update().filter(name=offer.name).first()
    if found is None:
        if NetworkList.objects.count() >= MOST_LISTS:
            raise DataRefused(f"There are {MOST_LISTS} lists already.")
        row = NetworkList(name=offer.name, kind=offer.kind, mark=str(LISTS[offer.kind].mark))
        _say(row, offer)
        row.digest = ""
        row.save(force_insert=True)
        return row
    if found.kind != offer.kind:
        raise DataRefused(f"The list {offer.name} is of the kind {found.kind}: name this one otherwise with --name.")
    return found


def _say(row: NetworkList, offer: Offer) -> None:
    row.digest, row.as_of, row.stale_after, row.imported_at = offer.digest, offer.as_of, offer.stale_after, offer.at
    row.source, row.licence, row.attribution = offer.source, offer.licence, offer.attribution


def _packed(
    row: NetworkList, networks: Iterable[tuple[Network, datetime | None]], *, changed: int, gone: int
) -> Brought:
    """Make what processes read out of what the rows say now."""
    four: list[Stretch] = []
    six: list[Stretch] = []
    for network, until in networks:
        ends = FOR_EVER if until is None else ceil(until.timestamp())
        (four if isinstance(network, IPv4Network) else six).append(stretch_of(network, ends))
    row.ranges = packed(four, six, rank=highest)
    row.networks = len(four) + len(six)
    row.version += 1
    row.save()
    return Brought(networks=row.networks, changed=changed, gone=gone)
