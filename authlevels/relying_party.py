"""Who asks for passkeys: the name that they are made for, where they may be shown, whose word of them is taken."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

NAME: Final = "Tiergate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """WebAuthn's relying party.

    id: a host name. origins: as browsers write them. roots: certificates, DER; none vouch for nothing.
    """

    id: str
    origins: tuple[str, ...]
    roots: tuple[bytes, ...]


def relying_party() -> RelyingParty:
    """Return this installation's, from its settings."""
    return RelyingParty(
        id=settings.WEBAUTHN_RP_ID,
        origins=tuple(settings.WEBAUTHN_ORIGINS),
        roots=tuple(settings.ATTESTATION_ROOTS),
    )
