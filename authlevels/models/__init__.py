"""The tables of this room: private to it, reached through ``authlevels.api``."""

from authlevels.models.approvals import Approval, ApprovalGrant
from authlevels.models.ceremonies import Ceremony
from authlevels.models.challenges import Challenge, Elevation
from authlevels.models.credentials import ServiceCredential
from authlevels.models.device_codes import DeviceCode
from authlevels.models.endings import UntoldEnd
from authlevels.models.notices import Notice
from authlevels.models.people import AttemptCounter, PasskeyDevice, TotpDevice, User
from authlevels.models.policy import StepUpPolicy, Unready
from authlevels.models.recovery import RecoveryCode, RecoveryCodes, RecoveryGrant
from authlevels.models.sessions import ProofRow, SessionRow
from authlevels.models.standing import Standing
from authlevels.models.suspended import SuspendedRequest
from authlevels.models.tokens import SigningKey, Token

__all__ = [
    "Approval",
    "ApprovalGrant",
    "AttemptCounter",
    "Ceremony",
    "Challenge",
    "DeviceCode",
    "Elevation",
    "Notice",
    "PasskeyDevice",
    "ProofRow",
    "RecoveryCode",
    "RecoveryCodes",
    "RecoveryGrant",
    "ServiceCredential",
    "SessionRow",
    "SigningKey",
    "Standing",
    "StepUpPolicy",
    "SuspendedRequest",
    "Token",
    "TotpDevice",
    "Unready",
    "UntoldEnd",
    "User",
]
