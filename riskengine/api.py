"""The only way into riskengine from another room. How risky does this look?"""

from riskengine.assessing import assess, forget_assessments
from riskengine.assessment import NOT_ASSESSED, Assessment, RiskReason
from riskengine.data.keeping import forget_data, look_for_data, stale_data
from riskengine.device_cookie import device_cookie_name, device_in, device_token_in, keep_device_token
from riskengine.device_tokens import (
    Device,
    good_device_token,
    kept_device_token,
    new_device_token,
    read_device_token,
    renewed_device_token,
)
from riskengine.errors import LookNotFound, RiskPolicyRefused, RiskUnavailable
from riskengine.feedback import confirm_session
from riskengine.folding import signal_backlog
from riskengine.models import Kind
from riskengine.policies import RiskPolicy, forget_policies, get_policy, policy_at, put_policy
from riskengine.reading import get_ready, hour_in, see
from riskengine.recording import record_signal, trust_of
from riskengine.references import forget_usual
from riskengine.requirements import Mode, Priced, price, rank
from riskengine.seen import NOTHING_SEEN, Seen
from riskengine.sessions import begin_session, settle_session
from riskengine.told import NOTHING_TOLD, Told, seen_of, told
from riskengine.words import FIRST_TIME

__all__ = [
    "FIRST_TIME",
    "NOTHING_SEEN",
    "NOTHING_TOLD",
    "NOT_ASSESSED",
    "Assessment",
    "Device",
    "Kind",
    "LookNotFound",
    "Mode",
    "Priced",
    "RiskPolicy",
    "RiskPolicyRefused",
    "RiskReason",
    "RiskUnavailable",
    "Seen",
    "Told",
    "assess",
    "begin_session",
    "confirm_session",
    "device_cookie_name",
    "device_in",
    "device_token_in",
    "forget_assessments",
    "forget_data",
    "forget_policies",
    "forget_usual",
    "get_policy",
    "get_ready",
    "good_device_token",
    "hour_in",
    "keep_device_token",
    "kept_device_token",
    "look_for_data",
    "new_device_token",
    "policy_at",
    "price",
    "put_policy",
    "rank",
    "read_device_token",
    "record_signal",
    "renewed_device_token",
    "see",
    "seen_of",
    "settle_session",
    "signal_backlog",
    "stale_data",
    "told",
    "trust_of",
]
