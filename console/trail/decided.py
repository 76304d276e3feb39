"""What a decision said, as the middle of a sentence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from audit.api import Entry
from console.trail.wording import Names, dig, listed, lower_first, plain
from tiergate import RISK, Reason
from tiergate.policy import is_of_policy

WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        Reason.ALLOWED: "nothing is missing",
        Reason.UNKNOWN_TENANT: "there is no such workspace",
        Reason.TENANT_SUSPENDED: "the workspace is suspended",
        Reason.UNKNOWN_ACTION: "the catalogue has no such action",
        Reason.WRONG_RESOURCE_TYPE: "the action is not for that kind of thing",
        Reason.CALLER_NOT_ALLOWED: "it is not for the one who asked",
        Reason.NOT_A_MEMBER: "not a member",
        Reason.MEMBERSHIP_ENDED: "the membership has ended",
        Reason.NO_PRIVILEGE: "no role grants it",
        Reason.FORBIDDEN_BY_POLICY: "a policy forbids it",
        Reason.RISK_BLOCKED: "it looked too risky",
        Reason.MISSING_PROPERTY: "the request left out what must be confirmed",
        Reason.NO_SESSION: "no session was named",
        Reason.UNKNOWN_SESSION: "there is no such session",
        Reason.SESSION_EXPIRED: "the session had expired",
        Reason.SESSION_REVOKED: "the session had ended",
        Reason.IMPERSONATED: "it was support that acted, and this is for the person alone",
        Reason.NOT_ENTITLED: "the plan does not include it",
        Reason.UPGRADE_REQUIRED: "the plan does not include it",
        Reason.LIMIT_REACHED: "the plan's limit was reached",
        Reason.NO_REQUIREMENT: "nothing says what it asks",
        Reason.STEP_UP_REQUIRED: "a proof was missing",
        Reason.ENROLMENT_REQUIRED: "nothing was enrolled that would do",
        Reason.APPROVAL_REQUIRED: "nobody had approved it",
        Reason.FACTS_UNAVAILABLE: "it could not be decided",
        Reason.INTERNAL_ERROR: "it could not be decided",
    }
)

_ASKED: Final = {"aal1": "a fresh sign-in", "aal2": "a second factor", "aal3": "a key that cannot be copied"}


def decided(entry: Entry, names: Names) -> str:
    """Tell who was answered what: ``Alice of Acme was asked for a second factor to export customers``."""
    decision = entry.payload["decision"]
    who, what = _who(entry, names), to_do(entry)
    if dig(entry.payload, "facts", "purpose") == "display":
        would = "be allowed" if decision["outcome"] == "allow" else f"not be allowed: {_why(decision)}"
        return f"a menu was drawn for {who}, who would {would}, {what}"
    match decision["outcome"]:
        case "allow":
            return f"{who} was allowed {what}"
        case "step_up":
            return f"{who} {_asked(decision)} {what}{_by_rules(entry)}{_by_risk(entry, 'contributions')}"
        case "upgrade":
            unlocks = [plain(one.get("title") or one["key"]) for one in _need(decision, "upgrade").get("unlocks", ())]
            would = f" ({listed(unlocks)} would)" if unlocks else ""
            return f"{who} was not allowed {what}: {_why(decision)}{would}"
        case _:
            by_rules = _by_rules(entry) if decision["reason"] == Reason.FORBIDDEN_BY_POLICY else ""
            by_risk = _by_risk(entry, "forbids") if decision["reason"] == Reason.RISK_BLOCKED else ""
            return f"{who} was not allowed {what}: {_why(decision)}{by_rules}{by_risk}"


def rules_of(facts: Any) -> list[str]:
    """List the rules that asked for something or forbade, by their ids; of rules that could not be asked, ``policy``."""
    said = [*(dig(facts, "contributions") or ()), *(dig(facts, "forbids") or ())]
    sources = (str(dig(one, "source") or "") for one in said)
    return list(dict.fromkeys(source.partition(":")[2] or source for source in sources if is_of_policy(source)))


def _by_rules(entry: Entry) -> str:
    said = [plain(one) for one in rules_of(dig(entry.payload, "facts"))]
    return f" ({'rule' if len(said) == 1 else 'rules'} {listed(said)})" if said else ""


def _by_risk(entry: Entry, what: str) -> str:
    """Tell why it looked risky, where that asked for something or forbade."""
    said = dig(entry.payload, "facts", what) or ()
    because = next((str(dig(one, "because") or "") for one in said if dig(one, "source") == RISK), "")
    return f" ({plain(because)})" if because else ""


def _who(entry: Entry, names: Names) -> str:
    """Name the person, and who of the vendor's support acted as them."""
    who, support = names.member(entry.subject), entry.payload.get("impersonated_by")
    return f"{names.actor(support)} acting as {who}" if support else who


def to_do(entry: Entry) -> str:
    """Tell what was asked for: ``to approve a payment (payment 7; amount 500, payee Acme) in production``."""
    facts = entry.payload["facts"]
    title = dig(facts, "action", "title")
    what = f"to {lower_first(plain(title))}" if title else f"to do {plain(facts['action_name'])}"
    about = []
    resource_type, resource_id = facts["resource"]
    if resource_id and resource_type != "tiergate":
        about.append(f"{plain(resource_type)} {plain(resource_id)}")
    if entry.is_lost:
        about.append("what was confirmed can no longer be read")
    fields = {**(entry.payload.get("fields") or {}), **(dig(entry.personal, "fields") or {})}
    if fields:
        told = (f"{plain(name.rpartition('.')[2])} {plain(value)}" for name, value in fields.items())
        about.append(", ".join(told))
    if about:
        what += f" ({'; '.join(about)})"
    return f"{what} in {plain(facts['environment'])}" if facts.get("environment") else what


def _asked(decision: Mapping[str, Any]) -> str:
    step_up, enrol = _need(decision, "step_up"), _need(decision, "enrol")
    if enrol and not step_up:
        return f"was asked to enrol {_what(enrol)} first,"
    if not step_up and _need(decision, "approval"):
        return "needed somebody's approval"
    return f"was asked for {_what(step_up or {'requirement': decision.get('requirement')})}"


def _what(need: Mapping[str, Any]) -> str:
    asked = _ASKED.get(str(dig(need, "requirement", "level") or "aal1"), "a proof")
    return "a factor that cannot be phished" if dig(need, "requirement", "phishing_resistant") else asked


def _why(decision: Mapping[str, Any]) -> str:
    return WHY.get(str(decision["reason"]), plain(decision["reason"]))


def _need(decision: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((one for one in decision.get("needs", ()) if one.get("kind") == kind), {})
    return found
