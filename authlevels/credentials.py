"""Service credentials: made, rotated with overlap, revoked, and looked up on every call."""

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction

import audit.api
import licensing.api
from authlevels.audiences import audience
from authlevels.bearer import BearerKind, digest, digest_key, digests, mint, tenant_of
from authlevels.errors import CredentialNameTaken, CredentialNotFound
from authlevels.models import ServiceCredential
from authlevels.origins import normal_origin
from authlevels.principals import Credential
from authlevels.redigest import move_digest
from isolation.api import tenant_row, tenant_transaction
from tiergate import Level, Verb

MAX_STALENESS: Final = 0.9
"""Seconds for which a process may answer from memory; a revocation holds within a second."""

_FACTS: Final = "authlevels_credential_facts(%s, %s, %s)"
_MAX_KEPT: Final = 4096
_PROCESS_KEY: Final = os.urandom(32)


def create_credential(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    tenant_id: UUID,
    name: str,
    verbs: Iterable[str],
    by: str,
    at: datetime,
    max_level: Level = Level.AAL1,
    return_to_origins: Iterable[str] = (),
    audiences: Iterable[str] = (),
    answer_style: str = "full",
    expires_at: datetime | None = None,
) -> tuple[Credential, str]:
    """Make a credential and return it with its secret in clear, which is shown this once.

    :raises CredentialNameTaken: a live one has that name.
    verbs: Tiergate's own, and privileges of the catalogue's actions that the service asks for in its own name.
    :raises ValueError: an unknown verb, or an origin or an audience that is none.
    """
    clear = mint(BearerKind.CREDENTIAL, tenant_id)
    row = ServiceCredential(
        tenant_id=tenant_id,
        name=name,
        verbs=_known_verbs(verbs),
        max_level=Level(max_level).value,
        return_to_origins=[normal_origin(origin) for origin in return_to_origins],
        audiences=sorted({audience(one) for one in audiences}),
        answer_style=answer_style,
        secret_digest=digest(clear),
        digest_key=digest_key(),
        created_at=at,
        created_by=by,
        expires_at=expires_at,
    )
    with tenant_transaction(tenant_id):
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if "credential_name_once_live" not in str(error):
                raise
            raise CredentialNameTaken("A live credential has that name already.") from error
        _record(audit.api.Kind.CREDENTIAL_CREATED, row, old=None, new=_json(row), by=by, at=at)
    return _told(row), clear


def rotate_credential(
    *, tenant_id: UUID, credential_id: UUID, overlap: timedelta, by: str, at: datetime
) -> tuple[Credential, str]:
    """Give a credential a new secret and return it in clear; the old one works until the overlap ends.

    :raises CredentialNotFound: no live one has that id.
    """
    clear = mint(BearerKind.CREDENTIAL, tenant_id)
    with tenant_transaction(tenant_id):
        row = _locked(tenant_id, credential_id)
        old = _json(row)
        if overlap > timedelta(0):
            row.previous_digest, row.previous_until = row.secret_digest, at + overlap
        else:
            row.previous_digest = row.previous_until = None
        row.secret_digest, row.digest_key = digest(clear), digest_key()
        row.save(update_fields=["secret_digest", "digest_key", "previous_digest", "previous_until"])
        _record(audit.api.Kind.CREDENTIAL_ROTATED, row, old=old, new=_json(row), by=by, at=at)
        transaction.on_commit(forget_credentials)
        licensing.api.publish("credential", str(row.id))
    return _told(row), clear


def revoke_credential(*, tenant_id: UUID, credential_id: UUID, by: str, at: datetime) -> None:
    """End a credential with all its secrets, everywhere within a second.

    :raises CredentialNotFound: no live one has that id.
    """
    with tenant_transaction(tenant_id):
        row = _locked(tenant_id, credential_id)
        old = _json(row)
        row.revoked_at = at
        row.save(update_fields=["revoked_at"])
        _record(audit.api.Kind.CREDENTIAL_REVOKED, row, old=old, new=None, by=by, at=at)
        transaction.on_commit(forget_credentials)
        licensing.api.publish("credential", str(row.id))


def list_credentials(*, tenant_id: UUID) -> list[Credential]:
    """Return a tenant's live credentials by name."""
    with tenant_transaction(tenant_id):
        rows = ServiceCredential.objects.filter(tenant_id=tenant_id, revoked_at__isnull=True)
        return [_told(row) for row in rows.order_by("name")]


def get_credential(*, tenant_id: UUID, name: str) -> Credential:
    """Return a tenant's live credential by its name.

    :raises CredentialNotFound: there is none.
    """
    with tenant_transaction(tenant_id):
        row = ServiceCredential.objects.filter(tenant_id=tenant_id, name=name, revoked_at__isnull=True).first()
    if row is None:
        raise CredentialNotFound("No live credential has that name.")
    return _told(row)


def audiences_of(credential: Credential) -> frozenset[str]:
    """List for which services a live credential may ask whether tokens are still good; none where it says none."""
    with tenant_transaction(credential.tenant_id):
        found = ServiceCredential.objects.filter(
            tenant_id=credential.tenant_id, id=credential.id, revoked_at__isnull=True
        ).values_list("audiences", flat=True)
        return frozenset(one for audiences in found for one in audiences)


def resolve_credential(clear: str, *, at: datetime) -> Credential | None:
    """Return whose secret this is, or None for garbage and for a secret that is no longer good."""
    # Not under the key ring, whose digests are stored, and cost more: this one is of this process alone.
    mark = blake2b(clear.encode("utf-8", "replace"), key=_PROCESS_KEY, digest_size=32).digest()
    kept = _kept.get(mark)
    if kept is None:
        tenant_id = tenant_of(BearerKind.CREDENTIAL, clear)
        if tenant_id is None:
            return None
        ticket = _kept.ticket()
        kept = _read(tenant_id, digests(clear), at)
        if kept is None:
            return None
        _kept.put(mark, kept, ticket)
    return kept.credential if kept.good_until is None or at < kept.good_until else None


def forget_credentials(kind: str = "credential", _key: str = "") -> None:
    """Drop what this process remembers, also of look-ups that are under way.

    kind: what changed, as ``licensing.api.subscribe`` tells it; what concerns no credential is left.
    """
    if kind in {"credential", licensing.api.RESET}:
        _kept.clear()


@dataclass(frozen=True, slots=True)
class _Known:
    """A credential with the instant from which this secret of it is no good."""

    credential: Credential
    good_until: datetime | None


@dataclass(slots=True)
class _Kept:
    """Recent look-ups by digest, each for less than a second; no secret in clear is kept.

    A look-up that began before a ``clear`` is not stored: what it read may be from before the
    change.
    """

    _entries: dict[bytes, tuple[float, _Known]] = field(default_factory=dict)
    _clears: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: bytes) -> _Known | None:
        entry = self._entries.get(key)
        if entry is None or time.monotonic() >= entry[0]:
            return None
        return entry[1]

    def ticket(self) -> tuple[int, float]:
        return self._clears, time.monotonic() + MAX_STALENESS

    def put(self, key: bytes, known: _Known, ticket: tuple[int, float]) -> None:
        with self._lock:
            if ticket[0] != self._clears:
                return
            if len(self._entries) >= _MAX_KEPT:
                self._entries.clear()
            self._entries[key] = (ticket[1], known)

    def clear(self) -> None:
        with self._lock:
            self._clears += 1
            self._entries.clear()


_kept = _Kept()


def _forget_lock() -> None:
    global _kept  # noqa: PLW0603 - a lock that another thread held at the fork would stay held
    _kept = _Kept()


os.register_at_fork(after_in_child=_forget_lock)


class _Found(msgspec.Struct):
    """A credential's row, as far as a call by it asks."""

    id: UUID
    name: str
    verbs: frozenset[str]
    max_level: str
    return_to_origins: tuple[str, ...]
    answer_style: str
    expires_at: datetime | None
    previous_until: datetime | None
    secret_digest: str
    digest_key: str


_decode: Final = msgspec.json.Decoder(_Found).decode


def _read(tenant_id: UUID, wanted: list[bytes], at: datetime) -> _Known | None:
    hexes = [one.hex() for one in wanted]
    (found,) = tenant_row(tenant_id, _FACTS, [tenant_id, ",".join(hexes), at])
    row = None if found is None else _decode(found)
    if row is None or (row.expires_at is not None and row.expires_at <= at):
        return None
    ends = [row.expires_at]
    if row.secret_digest not in hexes:
        ends.append(row.previous_until)
    elif row.secret_digest != hexes[0] or row.digest_key != digest_key():
        _move_digest(tenant_id, row.id, wanted)
    credential = Credential(
        id=row.id,
        tenant_id=tenant_id,
        name=row.name,
        verbs=row.verbs,
        max_level=Level(row.max_level),
        return_to_origins=row.return_to_origins,
        answer_style=row.answer_style,
    )
    return _Known(credential, min((end for end in ends if end is not None), default=None))


def _move_digest(tenant_id: UUID, credential_id: UUID, wanted: list[bytes]) -> None:
    with tenant_transaction(tenant_id):
        row = ServiceCredential.objects.filter(tenant_id=tenant_id, id=credential_id).first()
    if row is not None:
        move_digest(row, wanted)


def _known_verbs(verbs: Iterable[str]) -> list[str]:
    wanted = {str(verb) for verb in verbs}
    unknown = wanted - {verb.value for verb in Verb}
    if unknown:
        unknown -= licensing.api.service_privileges()
    if unknown:
        raise ValueError(
            f"{min(unknown)!r} is no verb, and no privilege of an action of the catalogue that a service may ask for."
        )
    return sorted(wanted)


def _locked(tenant_id: UUID, credential_id: UUID) -> ServiceCredential:
    row = (
        ServiceCredential.objects.select_for_update()
        .filter(tenant_id=tenant_id, id=credential_id, revoked_at__isnull=True)
        .first()
    )
    if row is None:
        raise CredentialNotFound("There is no such live credential.")
    return row


def _json(row: ServiceCredential) -> dict[str, Any]:
    """Write all of a credential but its secrets."""
    return {
        "verbs": row.verbs,
        "max_level": row.max_level,
        "return_to_origins": row.return_to_origins,
        "audiences": row.audiences,
        "answer_style": row.answer_style,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "former_secret_until": row.previous_until.isoformat() if row.previous_until else None,
    }


def _record(
    kind: audit.api.Kind,
    row: ServiceCredential,
    *,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    by: str,
    at: datetime,
) -> None:
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=kind,
        at=at,
        payload={"credential": str(row.id), "name": row.name, "old": old, "new": new, "by": by},
    )


def _told(row: ServiceCredential) -> Credential:
    return Credential(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        verbs=frozenset(row.verbs),
        max_level=Level(row.max_level),
        return_to_origins=tuple(row.return_to_origins),
        answer_style=row.answer_style,
    )
