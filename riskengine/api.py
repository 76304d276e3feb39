"""The only way into riskengine from another room. How risky does this look?"""

from riskengine.agents import LONGEST as LONGEST_AGENT
from riskengine.assessing import Answered, answered, assess, forget_assessments
from riskengine.assessment import NOT_ASSESSED, Assessment
from riskengine.data.keeping import forget_data, look_for_data, stale_data
from riskengine.device_cookie import device_cookie_name, device_in, device_token_in, keep_device_token
from riskengine.device_tokens import LONGEST as LONGEST_TOKEN
from riskengine.device_tokens import (
    good_device_token,
    kept_device_token,
    new_device_token,
    read_device_token,
    renewed_device_token,
)
from riskengine.erasing import Erased, erase_person
from riskengine.errors import LookNotFound, RiskPolicyRefused, RiskUnavailable
from riskengine.exporting import export_person, is_known
from riskengine.feedback import confirm_session
from riskengine.figures.of_tenants import MOST_TENANTS, risk_by_tenant
from riskengine.figures.outcomes import MOST_CHALLENGED, NOT_OWN, OWN, Outcome
from riskengine.figures.over_time import Counts, Day
from riskengine.figures.period import DAYS, Period
from riskengine.figures.report import RiskReport, risk_report
from riskengine.figures.what_if import BEGIN, WhatIf, least_begin, most_begin, what_if
from riskengine.folding import signal_backlog
from riskengine.holding import hold_session
from riskengine.models import Kind
from riskengine.observing import LookingOn
from riskengine.policies import RiskPolicy, forget_policies, get_policy, policy_at, put_policy
from riskengine.reading import get_ready, see
from riskengine.recording import record_signal, trust_of
from riskengine.references import forget_usual
from riskengine.requirements import BANDS, Mode, Priced, price, rank
from riskengine.seen import NOTHING_SEEN, Seen
from riskengine.sessions import begin_session, settle_session
from riskengine.subjects import NOBODY
from riskengine.told import NOTHING_TOLD, Told, seen_of, told
from riskengine.words import FIRST_TIME

__all__ = [
    "BANDS",
    "BEGIN",
    "DAYS",
    "FIRST_TIME",
    "LONGEST_AGENT",
    "LONGEST_TOKEN",
    "MOST_CHALLENGED",
    "MOST_TENANTS",
    "NOBODY",
    "NOTHING_SEEN",
    "NOTHING_TOLD",
    "NOT_ASSESSED",
    "NOT_OWN",
    "OWN",
    "Answered",
    "Assessment",
    "Counts",
    "Day",
    "Erased",
    "Kind",
    "LookNotFound",
    "LookingOn",
    "Mode",
    "Outcome",
    "Period",
    "Priced",
    "RiskPolicy",
    "RiskPolicyRefused",
    "RiskReport",
    "RiskUnavailable",
    "Seen",
    "Told",
    "WhatIf",
    "answered",
    "assess",
    "begin_session",
    "confirm_session",
    "device_cookie_name",
    "device_in",
    "device_token_in",
    "erase_person",
    "export_person",
    "forget_assessments",
    "forget_data",
    "forget_policies",
    "forget_usual",
    "get_policy",
    "get_ready",
    "good_device_token",
    "hold_session",
    "is_known",
    "keep_device_token",
    "kept_device_token",
    "least_begin",
    "look_for_data",
    "most_begin",
    "new_device_token",
    "policy_at",
    "price",
    "put_policy",
    "rank",
    "read_device_token",
    "record_signal",
    "renewed_device_token",
    "risk_by_tenant",
    "risk_report",
    "see",
    "seen_of",
    "settle_session",
    "signal_backlog",
    "stale_data",
    "told",
    "trust_of",
    "what_if",
]
