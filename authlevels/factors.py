"""What people can show: listed, named, removed; and who may change it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import structs

import audit.api
import licensing.api
from authlevels.authenticators import KnownApp, app_authenticator, known_passkey, passkey_authenticator
from authlevels.ending import EndedBecause, end_elevations_resting_on
from authlevels.errors import FactorNotFound, HeldLevelNeeded, ImpersonationForbidden
from authlevels.models import PasskeyDevice, RecoveryCode, RecoveryCodes, TotpDevice, User
from authlevels.notices import NoticeKind, notify
from authlevels.policy import get_policy
from authlevels.principals import Session
from isolation.api import tenant_transaction
from tiergate import (
    Action,
    Level,
    Proof,
    ProofScope,
    Requirement,
    SessionFacts,
    SessionState,
    Target,
    held_level,
    reachable_level,
    satisfied_until,
)

FRESH_FOR_FACTORS: Final = 15 * 60
"""Seconds since the newest proof within which factors may be changed."""

type FactorDevice = TotpDevice | PasskeyDevice | RecoveryCodes

KINDS: Final[dict[type[FactorDevice], str]] = {
    TotpDevice: "totp",
    PasskeyDevice: "passkey",
    RecoveryCodes: "recovery_codes",
}
_NOTICES: Final = {
    audit.api.Kind.FACTOR_ADDED: NoticeKind.FACTOR_ADDED,
    audit.api.Kind.FACTOR_REMOVED: NoticeKind.FACTOR_REMOVED,
    audit.api.Kind.FACTOR_RENAMED: NoticeKind.FACTOR_RENAMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Something that a person has enrolled; never its secret.

    kind: ``password``, ``totp``, ``passkey`` or ``recovery_codes``, which are good for replacing a lost factor alone.
    is_usable: not disabled. capped_until: of a new one, when it begins to count in full for the tenant asked about.
    codes_left: how many recovery codes are unused.
    """

    id: str
    kind: str
    name: str
    created_at: datetime
    is_usable: bool
    last_used_at: datetime | None = None
    capped_until: datetime | None = None
    codes_left: int | None = None


def list_factors(*, user_id: UUID, tenant_id: UUID | None = None) -> list[Factor]:
    """Return a person's confirmed factors, oldest first; the password is the first of them.

    tenant_id: whose cool-down ``capped_until`` is by; without one, nothing is told of that.
    """
    user = User.objects.get(id=user_id)
    cooldown = None
    if tenant_id is not None:
        cooldown = timedelta(seconds=get_policy(tenant_id=tenant_id).new_factor_cooldown)
    found = [_told(device, cooldown) for device in sorted(_devices(user), key=lambda one: one.created_at)]
    if user.has_usable_password():
        password = Factor(
            id="password",
            kind="password",
            name="Password",
            created_at=user.created_at,
            is_usable=True,
        )
        found.insert(0, password)
    return found


def rename_factor(*, session: Session, facts: SessionFacts, factor_id: str, name: str, at: datetime) -> Factor:
    """Give a factor of the session's person another name.

    :raises HeldLevelNeeded: the session does not hold the highest level that the person can reach.
    :raises FactorNotFound: the person has no such factor that could be named.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    with tenant_transaction(session.tenant_id):
        user = User.objects.select_for_update().get(id=session.user_id)
        device = find_device(user, factor_id)
        if device.name != name:
            old, device.name = device.name, name
            device.save(update_fields=["name"])
            record_factor(audit.api.Kind.FACTOR_RENAMED, session, device, {}, personal={"old": old}, at=at)
    return next(one for one in list_factors(user_id=user.id) if one.id == str(device.handle))


def remove_factor(*, session: Session, facts: SessionFacts, factor_id: str, at: datetime) -> None:
    """Remove a factor of the session's person; every proof that it gave counts no further.

    With the last one go the recovery codes, in whose place they would stand: else whoever had only the password, before
    its owner enrolled anything, would keep a way around that.
    :raises HeldLevelNeeded: the session does not hold the highest level that the person can reach.
    :raises FactorNotFound: the person has no such removable factor.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    with tenant_transaction(session.tenant_id):
        user = User.objects.select_for_update().get(id=session.user_id)
        let_go(session, find_device(user, factor_id), at=at)
        left = list(_devices(user))
        if all(isinstance(one, RecoveryCodes) for one in left):
            for one in left:
                let_go(session, one, why="nothing_to_recover", at=at)


def let_go(session: Session, device: FactorDevice, *, at: datetime, why: str = "", by: str = "") -> None:
    """Delete a factor and end what rests on it, in the caller's transaction."""
    record_factor(audit.api.Kind.FACTOR_REMOVED, session, device, {"why": why} if why else {}, by=by, at=at)
    end_elevations_resting_on(
        tenant_id=session.tenant_id,
        authenticator=f"{KINDS[type(device)]}:{device.handle}",
        why=EndedBecause.FACTOR_REMOVED,
        by=by or ":".join(session.subject),
        at=at,
    )
    device.delete()
    licensing.api.publish("person", str(session.user_id))


def find_device(user: User, factor_id: str) -> FactorDevice:
    """Return a person's confirmed factor by its id.

    :raises FactorNotFound: there is none, or it is the password, which is none that could be removed.
    """
    handle = parse_factor_id(factor_id)
    found = next((device for device in _devices(user) if device.handle == handle), None)
    if found is None:
        raise FactorNotFound("There is no such factor that could be changed.")
    return found


def parse_factor_id(factor_id: str) -> UUID:
    """Return the handle that an id names.

    :raises FactorNotFound: it can be nobody's.
    """
    try:
        return UUID(factor_id)
    except ValueError:
        raise FactorNotFound("There is no such factor that could be changed.") from None


def ceiling_of_new(facts: SessionFacts, *, at: datetime) -> Level:
    """Say how high a factor leads that this session enrols, until the tenant's cool-down is over.

    It is what the session holds itself, by what was shown for changing factors too; here a ceiling counts, so that
    of two new factors the second leads no higher than the first.
    """
    return held_level(_for_factors(facts), activity=facts.activity, at=at)


def _for_factors(facts: SessionFacts) -> list[Proof]:
    """Return the proofs of a session; one given for changing factors counts here however narrow its scope was."""
    return [
        structs.replace(proof, scope=ProofScope(until=proof.scope.until))
        if proof.scope.action == Action.FACTORS_MANAGE
        else proof
        for proof in facts.proofs
    ]


def require_held_level(facts: SessionFacts, *, user_id: UUID, at: datetime) -> None:
    """Refuse unless the session freshly holds the highest level that its person's factors reach.

    A factor that too many wrong codes disabled counts as if it could still be shown: else whoever has the
    password alone would wear it out, and enrol their own in its place. So does a passkey of which there are two, and a new one, with what it shows, whose
    ceiling is passed over here: else whoever has the password alone would shed it; but not where the person has others
    that reach higher: else whoever has a recovery code as well would drive those out.
    :raises HeldLevelNeeded: says which level.
    :raises ImpersonationForbidden: it is support that acts as the person.
    """
    if facts.is_impersonated:
        raise ImpersonationForbidden("Support changes nobody's factors.")
    disabled = {"user_id": user_id, "confirmed": True, "disabled_at__isnull": False}
    held_once = [
        *facts.enrolled,
        *(app_authenticator(KnownApp(one.handle), at=at) for one in TotpDevice.objects.filter(**disabled)),
        *(passkey_authenticator(known_passkey(one), at=at) for one in PasskeyDevice.objects.filter(**disabled)),
    ]
    level = max(Level.AAL1, reachable_level(held_once, at=at))
    held = satisfied_until(
        Requirement(level=level, max_age=FRESH_FOR_FACTORS),
        _for_factors(facts),
        target=Target(action=Action.FACTORS_MANAGE, resource="", binding=""),
        activity=facts.activity,
        at=at,
        enrolled=facts.enrolled,
    )
    if facts.state != SessionState.LIVE or held is None:
        raise HeldLevelNeeded(
            "Changing factors needs a fresh proof at the highest level that you hold.",
            level=level.value,
            max_age=FRESH_FOR_FACTORS,
        )


def record_factor(
    kind: audit.api.Kind,
    session: Session,
    device: FactorDevice,
    told: dict[str, Any],
    *,
    at: datetime,
    by: str = "",
    personal: dict[str, Any] | None = None,
) -> None:
    """Append what became of a factor, by whom; empty for the person themselves, who is told by e-mail too.

    Which one it was is the person's own to tell: the row of it may outlive them in a tenant's trail.
    """
    if kind in _NOTICES:
        told_by_mail = {"factor": KINDS[type(device)], "name": device.name}
        notify(tenant_id=session.tenant_id, user=device.user, kind=_NOTICES[kind], at=at, **told_by_mail)
    audit.api.append(
        tenant_id=session.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={"factor": KINDS[type(device)], **told, "by": by or ":".join(session.subject)},
        personal={"id": str(device.handle), "name": device.name, **(personal or {})},
    )


def _devices(user: User) -> Iterator[FactorDevice]:
    yield from TotpDevice.objects.filter(user=user, confirmed=True)
    yield from PasskeyDevice.objects.filter(user=user, confirmed=True)
    yield from RecoveryCodes.objects.filter(user=user, confirmed=True)


def _told(device: FactorDevice, cooldown: timedelta | None) -> Factor:
    told = Factor(
        id=str(device.handle), kind=KINDS[type(device)], name=device.name, created_at=device.created_at, is_usable=True
    )
    if isinstance(device, RecoveryCodes):
        left = RecoveryCode.objects.filter(codes=device, used_at__isnull=True).count()
        return replace(told, codes_left=left, is_usable=left > 0)
    capped_until = None
    if cooldown is not None and device.ceiling and device.confirmed_at is not None:
        capped_until = max(filter(None, (device.ceiling_until, device.confirmed_at + cooldown)))
    last = device.last_used_at if isinstance(device, PasskeyDevice) else _step_at(device)
    return replace(told, is_usable=device.disabled_at is None, last_used_at=last, capped_until=capped_until)


def _step_at(device: TotpDevice) -> datetime | None:
    """Return when an app's last accepted code was for."""
    return None if device.last_step < 0 else datetime.fromtimestamp(device.last_step * device.period, UTC)
