"""Who asks for what: every source's part of the requirement, in the order in which it is traced."""

from tiergate.assurance import reachable_level
from tiergate.catalogue import ActionSpec, Unlock
from tiergate.environments import asked_in, sensitivity_of
from tiergate.facts import Facts
from tiergate.levels import Level
from tiergate.requirements import Contribution, Requirement

_UNKNOWN_ENVIRONMENT = "the environment is not one that the tenant declares: the strictest holds"
_HIGHEST_HELD = "changing a factor needs the highest level that the person's factors can reach"


def list_asked(facts: Facts, action: ActionSpec) -> list[Contribution]:
    """Collect what every source asks; an environment that is unknown asks for what all of them do."""
    asked = list(facts.contributions)
    if action.requirement is not None:
        asked.append(Contribution(source=f"action:{action.name}", requirement=action.requirement))
    if action.environment_aware is not False:
        asked += _of_environment(facts, action)
    if facts.entitlement is not None and facts.entitlement.feature == action.feature:
        asked += facts.entitlement.contributions
    if action.needs_highest_held is not False and facts.session is not None:
        level = reachable_level(facts.session.enrolled, at=facts.at)
        if level > Level.AAL1:
            requirement = Requirement(level=level)
            asked.append(Contribution(source="factors", requirement=requirement, because=_HIGHEST_HELD))
    return asked


def list_asked_after(unlock: Unlock) -> list[Contribution]:
    """Name what an unlock would ask besides, so that a person hears of both at once."""
    if unlock.requirement is None:
        return []
    return [Contribution(source=f"{unlock.kind}:{unlock.key}@{unlock.version}", requirement=unlock.requirement)]


def _of_environment(facts: Facts, action: ActionSpec) -> list[Contribution]:
    sensitivity = sensitivity_of(facts.environment, facts.environments)
    because = ""
    if sensitivity is None:
        because = _UNKNOWN_ENVIRONMENT
    elif facts.environment != sensitivity:
        because = f"{facts.environment} is declared {sensitivity}"
    return [
        Contribution(source=f"environment:{name}", requirement=requirement, because=because)
        for name, requirement in asked_in(sensitivity, action.environments)
    ]
