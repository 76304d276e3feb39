"""What still needs which key of the ring, and moving what can be moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Q, QuerySet

import audit.api
import licensing.api
from authlevels import signing_keys
from authlevels.models import RecoveryCodes, ServiceCredential, SessionRow, SigningKey, TotpDevice
from authlevels.totp import place_of
from isolation.api import Resealed, count_by_key, key_ids, reseal_column, tenant_transaction

_SWEEP: Final = "sweep"
_NAMED: Final = 20


@dataclass(slots=True, kw_only=True)
class KeyUse:
    """What is under one key.

    factors, people, signing, webhooks: secrets of authenticator apps, keys of people in the trail, keys that sign
    tokens, and secrets that sign webhooks;
    ``reseal`` moves them.
    credentials, sessions: live ones, which move when next used. sessions_until: when the last of them ends.
    named: the first few of the credentials, as tenant and name, so that somebody may rotate them instead.
    """

    factors: int = 0
    people: int = 0
    signing: int = 0
    webhooks: int = 0
    credentials: int = 0
    sessions: int = 0
    sessions_until: datetime | None = None
    named: list[str] = field(default_factory=list)

    @property
    def is_unused(self) -> bool:
        """Say whether nothing needs this key any more."""
        return not (self.movable or self.credentials or self.sessions)

    @property
    def movable(self) -> int:
        """Count what `manage.py keys rotate` moves."""
        return self.factors + self.people + self.signing + self.webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRingUse:
    """What the ring holds together.

    unsaid: what is under a key that was not written down. missing: keys that things are under, and that are gone.
    overlaps_until: when the last secret ends that a rotation of its credential left good for a while; none is moved.
    """

    keys: dict[str, KeyUse]
    unsaid: KeyUse
    missing: dict[str, KeyUse]
    overlaps_until: datetime | None

    def may_go(self, key_id: str, *, at: datetime) -> bool:
        """Say whether a key may be taken out of the ring without anything ending with it."""
        is_newest = next(iter(self.keys)) == key_id
        is_over = self.overlaps_until is None or self.overlaps_until <= at
        return not is_newest and self.keys[key_id].is_unused and self.unsaid.is_unused and is_over


def ring_use(*, at: datetime) -> KeyRingUse:
    """Look through everything that is under a key, over all tenants, by the sweep's role."""
    uses: dict[str, KeyUse] = {key_id: KeyUse() for key_id in key_ids()}

    def of(key_id: str) -> KeyUse:
        return uses.setdefault(key_id, KeyUse())

    for key_id, count in count_by_key(TotpDevice.objects.using(_SWEEP), "secret_sealed").items():
        of(key_id).factors = count
    for key_id, count in count_by_key(RecoveryCodes.objects.using(_SWEEP), "pepper_sealed").items():
        of(key_id).factors += count
    for key_id, count in audit.api.people_by_key(using=_SWEEP).items():
        of(key_id).people = count
    for key_id, count in count_by_key(_sealed_keys(), "private_sealed").items():
        of(key_id).signing = count
    for key_id, count in licensing.api.webhooks_by_key().items():
        of(key_id).webhooks = count
    alive = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=at))
    credentials = ServiceCredential.objects.using(_SWEEP).filter(alive)
    for key_id, count in credentials.order_by().values_list("digest_key").annotate(Count("id")):
        of(key_id).credentials = count
        behind = credentials.filter(digest_key=key_id).order_by("tenant_id", "name")[:_NAMED]
        of(key_id).named = [f"{row.tenant_id} {row.name}" for row in behind]
    sessions = SessionRow.objects.using(_SWEEP).filter(alive, secret_digest__isnull=False).order_by()
    for key_id, count, until in sessions.values_list("digest_key").annotate(Count("id"), Max("expires_at")):
        of(key_id).sessions, of(key_id).sessions_until = count, until
    overlaps = credentials.filter(previous_until__gt=at).aggregate(until=Max("previous_until"))
    return KeyRingUse(
        keys={key_id: uses[key_id] for key_id in key_ids()},
        unsaid=uses.get("", KeyUse()),
        missing={key_id: use for key_id, use in uses.items() if key_id and key_id not in key_ids()},
        overlaps_until=overlaps["until"],
    )


def reseal_factors(*, progress: Callable[[int], None] | None = None) -> Resealed:
    """Seal what factors hold, of apps and recovery codes, with the newest key; sign-ins go on meanwhile."""
    apps = reseal_column(
        TotpDevice.objects.using(_SWEEP).select_related("user"),
        "secret_sealed",
        purpose="totp",
        place=place_of,
        progress=progress,
    )
    codes = reseal_column(
        RecoveryCodes.objects.using(_SWEEP).select_related("user"), "pepper_sealed", purpose="recovery", place=place_of
    )
    return Resealed(moved=apps.moved + codes.moved, unreadable=[*apps.unreadable, *codes.unreadable])


def reseal_signing_keys(*, progress: Callable[[int], None] | None = None) -> Resealed:
    """Seal the private part of every key that signs tokens with the newest key of the ring."""
    return reseal_column(
        _sealed_keys(),
        "private_sealed",
        purpose=signing_keys.PURPOSE,
        place=signing_keys.place_of,
        progress=progress,
    )


def _sealed_keys() -> QuerySet[SigningKey]:
    return SigningKey.objects.using(_SWEEP).filter(private_sealed__isnull=False)


def record_rotation(*, by: str, at: datetime, done: Mapping[str, Resealed] | None = None) -> None:
    """Append to the vendor's trail that a run began, or what it did: ids of keys and counts, never a key.

    A run may be broken off when it has moved many secrets already, so that its beginning is told for itself.

    done: what each run over one kind of secret did, by a name; None at the beginning.
    """
    counts = {name: {"moved": one.moved, "unreadable": len(one.unreadable)} for name, one in (done or {}).items()}
    newest, *older = key_ids()
    with tenant_transaction(licensing.api.VENDOR_TENANT_ID, durable=True):
        audit.api.append(
            tenant_id=licensing.api.VENDOR_TENANT_ID,
            kind=audit.api.Kind.KEYS_ROTATED,
            at=at,
            payload={
                "by": by,
                "state": "begun" if done is None else "done",
                "key": newest,
                "older": older,
                "secrets": counts,
            },
        )
