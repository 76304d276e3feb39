"""What a person could show to a challenge of ours: their factors, as the kernel reads them."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from authlevels.models import PasskeyDevice
from authlevels.passwords import password_authenticator
from tiergate import Authenticator, FactorKind, Level


class KnownApp(msgspec.Struct, frozen=True):
    """A usable authenticator app. ceiling: "" for none; until ``ceiling_until``."""

    handle: UUID
    ceiling: str = ""
    ceiling_until: datetime | None = None


class KnownPasskey(msgspec.Struct, frozen=True):
    """A usable passkey. is_attested: a configured root vouches for its make; ceiling: as of an app."""

    handle: UUID
    is_sync_capable: bool
    is_attested: bool
    can_verify_user: bool
    ceiling: str = ""
    ceiling_until: datetime | None = None


def authenticators_of(
    user_id: UUID,
    *,
    has_password: bool,
    apps: Iterable[KnownApp],
    passkeys: Iterable[KnownPasskey],
    at: datetime,
) -> tuple[Authenticator, ...]:
    """List what our own challenge can ask of a person at ``at``: confirmed and usable factors alone."""
    password = (password_authenticator(user_id),) if has_password else ()
    return (
        *password,
        *(app_authenticator(one, at=at) for one in apps),
        *(passkey_authenticator(one, at=at) for one in passkeys),
    )


def app_authenticator(app: KnownApp, *, at: datetime) -> Authenticator:
    """Describe an authenticator app as something that can be shown."""
    return Authenticator(
        method="otp",
        authenticator=f"totp:{app.handle}",
        factor_kind=FactorKind.POSSESSION,
        ceiling=_ceiling(app, at),
    )


def passkey_authenticator(passkey: KnownPasskey, *, at: datetime) -> Authenticator:
    """Describe a passkey as something that can be shown.

    Its key cannot leave it where it says so itself and a configured root vouches for what it says (NIST SP 800-63B-4,
    appendix B: a key that can be synced is worth aal2 at most). Its method is ``hwk`` then, else ``swk`` (RFC 8176).
    """
    is_bound = passkey.is_attested and not passkey.is_sync_capable
    return Authenticator(
        method="hwk" if is_bound else "swk",
        authenticator=f"passkey:{passkey.handle}",
        factor_kind=FactorKind.POSSESSION,
        phishing_resistant=True,
        user_verified=passkey.can_verify_user,
        device_bound=is_bound,
        ceiling=_ceiling(passkey, at),
    )


def known_passkey(device: PasskeyDevice) -> KnownPasskey:
    """Return what is known of an enrolled passkey, usable or not; without a ceiling."""
    return KnownPasskey(
        handle=device.handle,
        is_sync_capable=device.is_sync_capable,
        is_attested=device.is_attested,
        can_verify_user=device.can_verify_user,
    )


def _ceiling(factor: KnownApp | KnownPasskey, at: datetime) -> Level | None:
    if not factor.ceiling or (factor.ceiling_until is not None and factor.ceiling_until <= at):
        return None
    return Level(factor.ceiling)
