"""Who the trail is about: a tag in place of a name, and a key without which what is theirs cannot be read.

Tag and name meet in one row, beside the key. Erasing a person deletes it: the entries keep the tag, so that what
was sealed over them stays true, and nobody can say any more whose they were.
"""

import hmac
import os
import re
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b, sha256
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection, transaction

from audit.errors import PersonNotFound
from audit.models import Person as PersonRow
from isolation.api import (
    Resealed,
    SecretUnreadable,
    count_by_key,
    reseal_column,
    seal,
    tenant_transaction,
    unseal,
)

type Subject = tuple[str, str]

NOT_PEOPLE: Final = frozenset({"credential", "service"})
"""Types whose ids name a program: they stay readable, and there is nobody to erase."""

REMEMBERED_SECONDS: Final = 300.0
"""How long a process that missed the news writes the tag of a person who was erased meanwhile."""

_MAX_KEPT: Final = 65_536
MAX_NAME: Final = 1_000
_MAX_NAME_BYTES: Final = 1_280
"""Of two such names and what else an index row holds, less than it takes at most: 2,704."""
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG: Final = re.compile(r"~[0-9a-f]{32}")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")

_FIND: Final = "SELECT id, tag, key FROM audit_person WHERE tenant_id = %s AND name_digest = %s"
_MAKE: Final = (
    "INSERT INTO audit_person (id, tenant_id, subject_type, subject_id, name_digest, tag, key, created_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, statement_timestamp()) ON CONFLICT (tenant_id, name_digest) DO NOTHING"
)


@dataclass(frozen=True)
class _Known:
    """A person's row; the key stays sealed until something has to be sealed or opened with it."""

    tenant_id: UUID
    id: UUID
    tag: str
    key: bytes

    @cached_property
    def cipher(self) -> AESGCM:
        """Return what seals and opens this person's part of an entry.

        :raises SecretUnreadable: the installation's key that shuts it is gone from the ring.
        """
        return AESGCM(self._derived(b"tiergate/trail"))

    @cached_property
    def marker(self) -> bytes:
        """Return what this person's marks are made with.

        :raises SecretUnreadable: as above.
        """
        return self._derived(b"tiergate/trail-marks")

    def _derived(self, use: bytes) -> bytes:
        secret = unseal(self.key, purpose="audit_person", bound_to=_place(self.tenant_id, self.id))
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=use).derive(secret)


def is_tag(text: str) -> bool:
    """Say whether a text stands in place of a name: read back, that of a person who was erased."""
    return _TAG.fullmatch(text) is not None


def storable(text: str) -> str:
    """Return a text as PostgreSQL can hold it, and index it.

    No NUL, no lone surrogate, at most 1,000 characters, and no more of them than 1,280 bytes hold.
    """
    encoded = text[:MAX_NAME].replace("\x00", "\ufffd").encode("utf-8", "replace")
    return encoded[:_MAX_NAME_BYTES].decode("utf-8", "ignore")


def tag_of(*, tenant_id: UUID, subject: Subject) -> str:
    """Return what stands for a subject's id in the tenant's trail: ``~`` and 32 hex digits; a program's id as it is.

    Costs no SQL for a person seen in the last minutes. May be called in a transaction of the tenant or in none; a
    tag that was made in a transaction is remembered once that has committed.

    :raises CrossTenantError: inside a transaction of another tenant.
    """
    if not _is_person(subject):
        return storable(subject[1])
    return _person(tenant_id, subject).tag


def tagged_actor(*, tenant_id: UUID, actor: str) -> str:
    """Return who did something, e.g. ``account:bob``, with a tag in place of a person's id; others as they are."""
    subject_type, _colon, subject_id = actor.partition(":")
    if subject_type in NOT_PEOPLE or not subject_id or not _TYPE.fullmatch(subject_type):
        return storable(actor)
    return f"{subject_type}:{tag_of(tenant_id=tenant_id, subject=(subject_type, subject_id))}"


def marker_of(*, tenant_id: UUID, subject: Subject) -> Callable[[str], str]:
    """Return what writes a text about a subject as 64 hex digits: a keyed hash, by which the same is known as the same.

    For ids and hashes that whoever knows the person could look up or compute: once they are erased, nobody can. Of a
    program each text stays as it is, and so does an empty one.
    :raises SecretUnreadable: the installation's key that shuts the person's is gone from the ring.
    """
    if not _is_person(subject):
        return str
    key = _person(tenant_id, subject).marker
    return lambda text: text and blake2b(text.encode("utf-8", "replace"), key=key, digest_size=32).hexdigest()


def seal_personal(
    *, tenant_id: UUID, subject: Subject, entry_id: UUID, values: Mapping[str, Any]
) -> str | Mapping[str, Any]:
    """Encrypt what an entry tells of a person, for its payload's member ``personal``.

    Shape: base64 of a 12-byte nonce and AES-256-GCM's ciphertext with its tag; it opens for this entry alone. Of a
    program the values as they are: there is nobody to erase.
    :raises SecretUnreadable: the installation's key that shuts the person's is gone from the ring.
    """
    if not _is_person(subject):
        return values
    nonce = os.urandom(_NONCE_BYTES)
    clear = msgspec.json.encode(values)
    sealed = _person(tenant_id, subject).cipher.encrypt(nonce, clear, _bound(tenant_id, entry_id))
    return b64encode(nonce + sealed).decode()


def erase_row(*, tenant_id: UUID, subject: Subject) -> str:
    """Delete the row that says whose a tag is, with its key, and return the tag.

    Within a transaction of the tenant, which also tells the trail of it. This process forgets with the commit;
    the caller tells the others (`forget_people`).

    :raises PersonNotFound: the trail knows nobody of that name.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_person WHERE tenant_id = %s AND name_digest = %s RETURNING tag",
            [tenant_id, _digest(subject)],
        )
        row = cursor.fetchone()
    if row is None:
        raise PersonNotFound("The trail knows nobody of that name.")
    _kept.clear()
    transaction.on_commit(_kept.clear)
    return str(row[0])


def forget_people(kind: str = "erased", _key: str = "") -> None:
    """Drop what this process remembers of people, also of look-ups that are under way.

    kind: what changed, as rooms above tell it; what concerns no person is left.
    """
    if kind in {"erased", "reset"}:
        _kept.clear()


def reseal_people(*, using: str = "sweep", progress: Callable[[int], None] | None = None) -> Resealed:
    """Shut every person's key with the installation's newest key, where another one shut it.

    A person who is erased meanwhile stays erased.
    """
    return reseal_column(
        PersonRow.objects.using(using),
        "key",
        purpose="audit_person",
        place=lambda row: _place(row.tenant_id, row.id),
        progress=progress,
    )


def people_by_key(*, using: str = "sweep") -> Counter[str]:
    """Count people by the id of the installation's key that shut theirs."""
    return count_by_key(PersonRow.objects.using(using), "key")


@dataclass(frozen=True, slots=True)
class Names:
    """Whose the tags of one page of entries are, as far as that can still be said."""

    subjects: Mapping[str, Subject] = field(default_factory=dict)
    people: Mapping[str, _Known] = field(default_factory=dict)

    def subject(self, subject_type: str, subject_id: str) -> Subject:
        """Return a subject by name; one that was erased by tag."""
        known = self.subjects.get(subject_id)
        return known if known is not None and known[0] == subject_type else (subject_type, subject_id)

    def actor(self, actor: str) -> str:
        """Return who did something by name; one that was erased by tag."""
        subject_type, colon, subject_id = actor.partition(":")
        return ":".join(self.subject(subject_type, subject_id)) if colon else actor

    def opened(self, *, tag: str, entry_id: UUID, sealed: object) -> Any:
        """Return what an entry tells of its subject; None where nobody can open it any more."""
        if isinstance(sealed, dict):
            return sealed
        known = self.people.get(tag)
        if known is None or not isinstance(sealed, str):
            return None
        try:
            raw = b64decode(sealed, validate=True)
            nonce, rest = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return msgspec.json.decode(known.cipher.decrypt(nonce, rest, _bound(known.tenant_id, entry_id)))
        except (InvalidTag, SecretUnreadable, ValueError):
            return None


def names_of(*, tenant_id: UUID, tags: Iterable[str]) -> Names:
    """Look up whose tags these are, in one query, within a transaction of the tenant."""
    wanted = sorted({tag for tag in tags if is_tag(tag)})
    if not wanted:
        return Names()
    rows = list(PersonRow.objects.filter(tenant_id=tenant_id, tag__in=wanted))
    return Names(
        subjects={row.tag: (row.subject_type, row.subject_id) for row in rows},
        people={row.tag: _Known(tenant_id, row.id, row.tag, bytes(row.key)) for row in rows},
    )


def ids_in_trail(*, tenant_id: UUID, subject: Subject) -> list[str]:
    """List under which ids the trail knows a subject: its tag, if it has one, and what older entries say."""
    tags = PersonRow.objects.filter(tenant_id=tenant_id, name_digest=_digest(subject))
    return [storable(subject[1]), *tags.values_list("tag", flat=True)]


@dataclass(slots=True)
class _Kept:
    """The people read last. What was read before a ``clear`` is not stored after it: it may be gone."""

    _entries: dict[tuple[UUID, str, str], tuple[float, _Known]] = field(default_factory=dict)
    _clears: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: tuple[UUID, str, str]) -> _Known | None:
        entry = self._entries.get(key)
        return None if entry is None or time.monotonic() >= entry[0] else entry[1]

    def ticket(self) -> tuple[int, float]:
        return self._clears, time.monotonic() + REMEMBERED_SECONDS

    def put(self, key: tuple[UUID, str, str], known: _Known, ticket: tuple[int, float]) -> None:
        with self._lock:
            if ticket[0] != self._clears:
                return
            self._entries.pop(key, None)
            self._entries[key] = (ticket[1], known)
            if len(self._entries) > _MAX_KEPT:
                # The oldest, which would be read again before long in any case.
                del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        with self._lock:
            self._clears += 1
            self._entries = {}


_kept = _Kept()


def _forget_lock() -> None:
    global _kept  # noqa: PLW0603 - a lock that another thread held at the fork would stay held
    _kept = _Kept()


os.register_at_fork(after_in_child=_forget_lock)


def _is_person(subject: Subject) -> bool:
    # A program's id that reads like a tag would be read back as somebody.
    return subject[0] not in NOT_PEOPLE or is_tag(subject[1])


def _person(tenant_id: UUID, subject: Subject) -> _Known:
    place = (tenant_id, *subject)
    known = _kept.get(place)
    if known is not None:
        return known
    ticket = _kept.ticket()
    with tenant_transaction(tenant_id, savepoint=False):
        found = _found(tenant_id, subject) or _made(tenant_id, subject)
        # Not before: a transaction that is rolled back takes the row with it, and a tag without one names nobody.
        transaction.on_commit(lambda: _kept.put(place, found, ticket))
    return found


def _found(tenant_id: UUID, subject: Subject) -> _Known | None:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [tenant_id, _digest(subject)])
        row = cursor.fetchone()
    return None if row is None else _Known(tenant_id, row[0], row[1], bytes(row[2]))


def _made(tenant_id: UUID, subject: Subject) -> _Known:
    """Write a person down, or wait for whoever is doing so this very moment and read what they wrote."""
    person_id, secret = uuid4(), os.urandom(_KEY_BYTES)
    tag = f"~{hmac.new(secret, _name(subject), sha256).hexdigest()[:32]}"
    shut = seal(secret, purpose="audit_person", bound_to=_place(tenant_id, person_id))
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [person_id, tenant_id, *map(storable, subject), _digest(subject), tag, shut])
    return _found(tenant_id, subject) or _made(tenant_id, subject)


def _name(subject: Subject) -> bytes:
    return "\0".join(one.replace("\0", "\ufffd") for one in subject).encode("utf-8", "replace")


def _digest(subject: Subject) -> bytes:
    """Return what a name is found by, since an id can be longer than an index takes."""
    return sha256(_name(subject)).digest()


def _place(tenant_id: UUID, person_id: UUID) -> str:
    return f"{tenant_id.hex}/{person_id.hex}"


def _bound(tenant_id: UUID, entry_id: UUID) -> bytes:
    return tenant_id.bytes + entry_id.bytes
