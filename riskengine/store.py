"""What is known of a person, from Valkey in one round trip; from the database where Valkey does not have it, or is away.

What Valkey has is never the only copy, and a person whom it does not have is read from the database and put there. So a server that
was wiped forgets nobody: whoever comes next is read again.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from msgspec.msgpack import Decoder, Encoder

from riskengine.keys import network_key, person_keys, reading_keys, session_key, who
from riskengine.known import (
    MOST_WAITING,
    NETWORK_HALF_LIFE,
    PERSON_HALF_LIFE,
    WINDOW,
    Failed,
    Known,
    SessionFound,
    read_known,
)
from riskengine.metrics import READS
from riskengine.scripts import FORGET, PUBLISH, PUT, RAISE, READ, TAUGHT, TELL
from riskengine.stored import Stored, Taught, decode_stored, decode_taught, encode_stored, encode_taught
from riskengine.subjects import Subject
from riskengine.valkey import ValkeyAway, stamped, unstamped

STATE_SECONDS: Final = 14 * 86_400
SESSION_SECONDS: Final = 86_400
_NEWEST: Final = 2**53 - 1
"""The greatest number that Lua counts with."""
_PERSON: Final = PERSON_HALF_LIFE.total_seconds()
_NETWORK: Final = NETWORK_HALF_LIFE.total_seconds()

_encode_session: Final = Encoder().encode
_decode_session: Final = Decoder(SessionFound | None).decode


class _Missing(Exception):
    """Something is not there. began: when that was seen, by Valkey's clock."""

    def __init__(self, began: bytes) -> None:
        super().__init__()
        self.began = began


def read(
    *,
    tenant_id: UUID,
    subject: Subject,
    network: str | None,
    session_id: UUID | None,
    least_version: int = 0,
    at: datetime,
) -> Known:
    """Read what is known of a person, on a network, in a session.

    least_version: what is known of the session is at least of this; a copy that is older was not told of what came since.
    :raises RiskUnavailable: neither Valkey nor the database tells.
    """
    keys = reading_keys(tenant_id, subject, network, session_id)
    began: bytes | None = None
    is_behind = False
    try:
        found = _from_valkey(keys, has_network=network is not None, has_session=session_id is not None, at=at)
    except _Missing as missing:
        began = missing.began
        READS.labels("missing").inc()
    except ValkeyAway:
        READS.labels("away").inc()
    else:
        # INVARIANT: what was confirmed, and ended what was seen before, is not undone by a copy that was not told of it.
        if least_version <= (found.session.version if found.session else 0):
            READS.labels("valkey").inc()
            return found
        is_behind = True
        READS.labels("behind").inc()
    known = read_known(tenant_id=tenant_id, subject=subject, network=network, session_id=session_id, at=at)
    # What is read within a transaction may be that one's own, and never come to be.
    if connection.in_atomic_block:
        return known
    if is_behind and session_id is not None and known.session is not None:
        tell_session(tenant_id=tenant_id, session_id=session_id, found=known.session)
    if began is not None:
        _put(keys, known, began, has_network=network is not None, has_session=session_id is not None, at=at)
    return known


def _from_valkey(keys: Sequence[str], *, has_network: bool, has_session: bool, at: datetime) -> Known:
    now = at.timestamp()
    state, version, waiting, *failed, people, session, began = READ.run(keys, [now - _NETWORK])
    person_weight, person_since, network_weight, network_since = failed
    stored = None if state is None else unstamped(state, key=keys[0])
    told = None if session is None else unstamped(session, key=keys[4])
    taught = [unstamped(one, key=keys[1]) for one in waiting]
    if (
        stored is None
        or person_weight is None
        or (has_network and network_weight is None)
        or (has_session and told is None)
        or None in taught
    ):
        raise _Missing(began)
    return Known(
        stored=decode_stored(stored) if stored else None,
        version=int(version),
        # Each signal once, wherever somebody copied it to.
        taught=tuple({one.id: one for one in map(decode_taught, filter(None, taught))}.values()),
        person=_faded(person_weight, person_since, _PERSON, now),
        network=_faded(network_weight, network_since, _NETWORK, now, people=people),
        session=_decode_session(told) if told else None,
    )


def _faded(weight: bytes | None, since: bytes | None, half_life: float, now: float, *, people: int = 0) -> Failed:
    if weight is None or since is None:
        return Failed(weight=0.0)
    # Only how many they are is counted from here on.
    return Failed(
        weight=float(weight) * 2.0 ** (min(0.0, float(since) - now) / half_life),
        people={("", str(number)): _EPOCH for number in range(people)},
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _put(
    keys: Sequence[str], known: Known, began: bytes, *, has_network: bool, has_session: bool, at: datetime
) -> None:
    """Put what was read where Valkey has nothing; whoever fails at that reads again."""
    now = at.timestamp()
    state = stamped(encode_stored(known.stored) if known.stored else b"", key=keys[0])
    values: list[Any] = [began, state, known.version, STATE_SECONDS, len(known.taught)]
    for taught in known.taught:
        values += [taught.id.bytes, stamped(encode_taught(taught), key=keys[1])]
    values += [known.person.weight, now, int(WINDOW * _PERSON), 0]
    people = known.network.people if has_network else {}
    values += [known.network.weight if has_network else "", now, int(WINDOW * _NETWORK), len(people)]
    for subject, newest in people.items():
        values += [who(subject), newest.timestamp()]
    session = _stamped_session(known.session, keys[4]) if has_session else ""
    values += [session, known.session.version if known.session else 0, SESSION_SECONDS]
    try:
        PUT.run(keys, values)
    except ValkeyAway:
        READS.labels("not_put").inc()


def _stamped_session(found: SessionFound | None, key: str) -> bytes:
    return stamped(_encode_session(found) if found else b"", key=key)


def tell(
    *,
    tenant_id: UUID,
    subject: Subject,
    taught: Taught | None,
    network: str | None,
    failed_for_person: bool,
    failed_on_network: bool,
    at: datetime,
) -> None:
    """Tell Valkey of a signal that the database has. Where it is away, nothing: whatever it had is read again.

    A server that comes back with what it had before, and was not told meanwhile, is behind until those keys end.
    """
    keys = (*person_keys(tenant_id, subject), network_key(tenant_id, network))
    if taught is None and not failed_for_person and not failed_on_network:
        return
    content = (taught.id.bytes, stamped(encode_taught(taught), key=keys[1])) if taught else ("", "")
    values = [
        *(*content, MOST_WAITING, at.timestamp(), int(failed_for_person), int(failed_on_network and bool(network))),
        *(_PERSON, int(WINDOW * _PERSON), _NETWORK, int(WINDOW * _NETWORK), who(subject)),
    ]
    try:
        TELL.run(keys, values)
    except ValkeyAway:
        READS.labels("not_told").inc()


def publish(*, tenant_id: UUID, subject: Subject, stored: Stored, version: int, ids: Iterable[UUID]) -> None:
    """Put a profile in the place of an older one, where there is any, and take out of what was taught what it holds.

    ids: of the signals that were folded into it.
    :raises ValkeyAway: nobody answers.
    """
    state, taught, _ = person_keys(tenant_id, subject)
    content = stamped(encode_stored(stored), key=state)
    PUBLISH.run((state, taught), [version, content, STATE_SECONDS, *(one.bytes for one in ids)])


def list_taught(*, tenant_id: UUID, subjects: Sequence[Subject]) -> list[set[UUID]]:
    """Give the ids of the signals that Valkey has beside each person's profile.

    :raises ValkeyAway: nobody answers.
    """
    found = TAUGHT.run([person_keys(tenant_id, subject)[1] for subject in subjects], [])
    return [{UUID(bytes=one) for one in ids} for ids in found]


def tell_session(*, tenant_id: UUID, session_id: UUID, found: SessionFound) -> None:
    """Tell Valkey what a session risks. Where it is away, nothing."""
    key = session_key(tenant_id, session_id)
    try:
        RAISE.run((key,), [found.version, _stamped_session(found, key), SESSION_SECONDS])
    except ValkeyAway:
        READS.labels("not_told").inc()


def let_go(keys: Sequence[str], sessions: Sequence[str]) -> None:
    """Have what lies under these keys be read from the database again, and nothing be kept of these sessions.

    Whoever tells late of such a session finds a version that is newer than any.
    :raises ValkeyAway: nobody answers.
    """
    if keys:
        FORGET.run(keys, [])
    for key in sessions:
        RAISE.run((key,), [_NEWEST, _stamped_session(None, key), SESSION_SECONDS])
