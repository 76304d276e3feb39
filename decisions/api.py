"""The door of this room: may this call go ahead, and if not, what would make it?"""

from decisions.answers import status_of
from decisions.consuming import elevation_consumed
from decisions.drf import Demands, RequiredAction, decide_for, open_because, requires
from decisions.errors import FactsUnavailable
from decisions.evaluate import evaluate, preview
from decisions.offering import ASK_AN_OWNER, ASK_THE_VENDOR
from decisions.outlook import Outlook, outlook
from decisions.own import NoPrincipal
from decisions.policy.activating import activate, find_rollback, read_stage
from decisions.policy.agreeing import approvals_to_apply, demands_of
from decisions.policy.changes import Change, confirmed_change, make_change, read_change
from decisions.policy.differing import differences
from decisions.policy.errors import BundleNotFound, PlanRefused, StageRefused
from decisions.policy.history import Activation, list_activations
from decisions.policy.looking_aside import Beside, look_aside
from decisions.policy.memory import load_policy_in_force
from decisions.policy.plans import Plan, begin_plan, get_plan
from decisions.policy.recorded import count
from decisions.policy.showing import show_stage
from decisions.policy.stage import Mode, Stage
from decisions.policy.storing import StoredBundle, get_bundle, list_bundles, names_of, store_bundle
from decisions.problems import STATUS_BY_KIND, RefusedByDecision, problem_response, refusal
from decisions.question import Answer, Context, Entity, Question
from decisions.sentences import for_person
from decisions.strict import StrictBody
from decisions.suspending import mark_refused

count_recorded = count
policy_demands = demands_of

__all__ = [
    "ASK_AN_OWNER",
    "ASK_THE_VENDOR",
    "STATUS_BY_KIND",
    "Activation",
    "Answer",
    "Beside",
    "BundleNotFound",
    "Change",
    "Context",
    "Demands",
    "Entity",
    "FactsUnavailable",
    "Mode",
    "NoPrincipal",
    "Outlook",
    "Plan",
    "PlanRefused",
    "Question",
    "RefusedByDecision",
    "RequiredAction",
    "Stage",
    "StageRefused",
    "StoredBundle",
    "StrictBody",
    "activate",
    "approvals_to_apply",
    "begin_plan",
    "confirmed_change",
    "count_recorded",
    "decide_for",
    "differences",
    "elevation_consumed",
    "evaluate",
    "find_rollback",
    "for_person",
    "get_bundle",
    "get_plan",
    "list_activations",
    "list_bundles",
    "load_policy_in_force",
    "look_aside",
    "make_change",
    "mark_refused",
    "names_of",
    "open_because",
    "outlook",
    "policy_demands",
    "preview",
    "problem_response",
    "read_change",
    "read_stage",
    "refusal",
    "requires",
    "show_stage",
    "status_of",
    "store_bundle",
]
