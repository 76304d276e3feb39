"""What the factors that people have are good for: a password is beside each."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from tiergate.assurance import Activity, could_satisfy
from tiergate.proofs import Authenticator, FactorKind, Target
from tiergate.requirements import Requirement

_PASSWORD: Final = Authenticator(method="pwd", authenticator="password", factor_kind=FactorKind.KNOWLEDGE)
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TARGET: Final = Target(action="any", resource="any/any", binding="any")


def _possession(method: str, name: str, *, phishing_resistant: bool, device_bound: bool) -> Authenticator:
    return Authenticator(
        method=method,
        authenticator=name,
        factor_kind=FactorKind.POSSESSION,
        phishing_resistant=phishing_resistant,
        user_verified=phishing_resistant,
        device_bound=device_bound,
    )


# A passkey may be copied between devices; a security key is one whose attestation says that it cannot be.
FACTORS: Final[Mapping[str, tuple[Authenticator, ...]]] = MappingProxyType(
    {
        "password": (_PASSWORD,),
        "totp": (_PASSWORD, _possession("otp", "totp", phishing_resistant=False, device_bound=False)),
        "passkey": (_PASSWORD, _possession("swk", "passkey", phishing_resistant=True, device_bound=False)),
        "security_key": (_PASSWORD, _possession("hwk", "security_key", phishing_resistant=True, device_bound=True)),
    }
)


def is_good_for(factor: str, requirement: Requirement) -> bool:
    """Say whether who has a factor can meet a requirement by showing it now, other people's agreement apart.

    factor: a name of `FACTORS`.
    """
    shown = could_satisfy(requirement, (), FACTORS[factor], target=_TARGET, activity=Activity(last_seen_at=_AT), at=_AT)
    return bool(shown)
