"""The only way into riskengine from another room. How risky does this look?"""

from riskengine.assessment import NOT_ASSESSED, Assessment, RiskReason
from riskengine.device_cookie import device_cookie_name, device_in, device_token_in, keep_device_token
from riskengine.device_tokens import Device, new_device_token, read_device_token, renewed_device_token
from riskengine.reading import hour_in, see
from riskengine.seen import NOTHING_SEEN, Seen

__all__ = [
    "NOTHING_SEEN",
    "NOT_ASSESSED",
    "Assessment",
    "Device",
    "RiskReason",
    "Seen",
    "device_cookie_name",
    "device_in",
    "device_token_in",
    "hour_in",
    "keep_device_token",
    "new_device_token",
    "read_device_token",
    "renewed_device_token",
    "see",
]
