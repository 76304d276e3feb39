"""Why a request is decided as it is, in lines for a person."""

from collections.abc import Iterator

from decisions.facts import Gathered
from decisions.sentences import for_person
from decisions.timestamps import instant
from tiergate import Decision, Facts, Need, Requirement
from tiergate.policy import is_of_policy


def explain_lines(gathered: Gathered, decision: Decision) -> Iterator[str]:
    """Tell, line by line, who asks for what, what is known, what each source said, and what would make it."""
    facts = gathered.facts
    yield f"{decision.outcome.upper()}  {decision.reason}  {for_person(decision)}"
    yield ""
    yield from _asked(gathered)
    yield ""
    yield "Why"
    for step in decision.trace:
        asks = f" {describe(step.requirement)}" if step.requirement is not None else ""
        yield f"  {step.source} {step.effect}{asks}" + (f": {step.note}" if step.note else "")
    if decision.requirement is not None:
        yield f"  together: {describe(decision.requirement)}"
    if decision.needs:
        yield ""
        yield "What would make it"
        for need in decision.needs:
            yield f"  {_need(need)}"
    if decision.next_change_at is not None:
        yield ""
        yield f"This may change by itself at {instant(decision.next_change_at)}."
    yield f"As of {instant(decision.as_of)}, entitlements {facts.versions.snapshot or 'unknown'}, policy " + (
        facts.versions.policy[:12] or "unknown"
    )
    yield _rules(facts)


def _rules(facts: Facts) -> str:
    """Name the bundle of rules that was asked, and which of its rules said something."""
    if not facts.versions.bundle:
        return "No rules were asked"
    said = rules_that_spoke(facts)
    return f"Rules {facts.versions.bundle[:12]}: {', '.join(said) or 'none of them asks for anything here'}"


def rules_that_spoke(facts: Facts) -> tuple[str, ...]:
    """List the ids of the rules that ask for something or forbid; of a bundle that could not be asked, ``policy``."""
    sources = [one.source for one in facts.contributions] + [one.source for one in facts.forbids]
    return tuple(dict.fromkeys(one.partition(":")[2] or one for one in sources if is_of_policy(one)))


def describe(requirement: Requirement) -> str:
    """Write a requirement as a phrase, e.g. ``aal2 within 300 s, for this action only``."""
    parts = [requirement.level.value]
    if requirement.max_age is not None:
        parts[0] += f" within {requirement.max_age} s"
    if requirement.phishing_resistant:
        parts.append("phishing-resistant")
    if requirement.device_bound:
        parts.append("bound to a device")
    if requirement.scope != "session":
        parts.append(f"for this {requirement.scope} only")
    if requirement.approvals:
        parts.append(f"{requirement.approvals} approvals")
    return ", ".join(parts)


def _asked(gathered: Gathered) -> Iterator[str]:
    facts = gathered.facts
    yield f"{facts.subject[0]} {facts.subject[1]} asks for {facts.action_name} on {'/'.join(facts.resource)}"
    yield f"  tenant       {facts.tenant.slug if facts.tenant else 'unknown'}"
    yield f"  membership   {_membership(facts)}"
    yield f"  session      {_session(facts)}"
    if facts.session is not None:
        for proof in facts.session.proofs:
            age = int((facts.at - proof.at).total_seconds())
            yield f"    showed     {proof.method} to {proof.issuer} {age} s ago, for the {proof.scope.kind}"
        can = ", ".join(f"{one.method} ({one.issuer})" for one in facts.session.enrolled)
        yield f"    can show   {can or 'nothing'}"
    yield from _risk(gathered)
    if facts.environment is not None:
        yield f"  environment  {facts.environment}"
    for name, value in gathered.fields.items():
        yield f"  bound        {name} = {value}"


def _risk(gathered: Gathered) -> Iterator[str]:
    """Tell the band with its score and the codes of its strongest reasons, where the engine told them."""
    told = gathered.looked.told
    if told is None:
        band = gathered.facts.circumstances.risk_band
        if band != "unknown":
            yield f"  risk         {band}"
        return
    score = "" if told.score is None else f", score {told.score:+.2f}"
    codes = f": {', '.join(told.codes)}" if told.codes else ""
    yield f"  risk         {told.band}{score}{codes}" + ("" if told.mode == "enforce" else f" ({told.mode} alone)")


def _membership(facts: Facts) -> str:
    if facts.member is None:
        return "none"
    state = "" if facts.member.is_active else " (ended)"
    return f"{', '.join(facts.member.roles) or 'no role'}{state}"


def _session(facts: Facts) -> str:
    return "none named" if facts.session is None else f"{facts.session.handle} is {facts.session.state}"


def _need(need: Need) -> str:
    match need.kind:
        case "upgrade":
            return "upgrade to " + " or ".join(f"{one.title} ({one.kind} {one.key})" for one in need.unlocks)
        case "approval":
            return f"approval by {need.approvals} more"
        case "wait":
            return f"wait until {instant(need.until)}" if need.until else "wait"
        case _:
            asks = describe(need.requirement) if need.requirement else ""
            ways = " or ".join(dict.fromkeys(f"{one.method} ({one.issuer})" for one in need.methods))
            return f"{need.kind} to {asks}" + (f" with {ways}" if ways else "")
