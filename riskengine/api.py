"""The only way into riskengine from another room. How risky does this look?"""

from riskengine.assessing import assess, forget_assessments
from riskengine.assessment import NOT_ASSESSED, Assessment, RiskReason
from riskengine.device_cookie import device_cookie_name, device_in, device_token_in, keep_device_token
from riskengine.device_tokens import Device, new_device_token, read_device_token, renewed_device_token
from riskengine.errors import RiskUnavailable
from riskengine.models import Kind, Mode
from riskengine.reading import hour_in, see
from riskengine.recording import record_signal, trust_of
from riskengine.references import forget_usual
from riskengine.seen import NOTHING_SEEN, Seen

__all__ = [
    "NOTHING_SEEN",
    "NOT_ASSESSED",
    "Assessment",
    "Device",
    "Kind",
    "Mode",
    "RiskReason",
    "RiskUnavailable",
    "Seen",
    "assess",
    "device_cookie_name",
    "device_in",
    "device_token_in",
    "forget_assessments",
    "forget_usual",
    "hour_in",
    "keep_device_token",
    "new_device_token",
    "read_device_token",
    "record_signal",
    "renewed_device_token",
    "see",
    "trust_of",
]
