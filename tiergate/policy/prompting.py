"""How often people would be asked to show something, had a bundle been in force: counted over recorded decisions.

A prompt is a request for enforcement that a person makes and that asks them to step up or to enrol. Each is taken to be
passed at once: what the person could show counts from then on, within the scope and for the time that the requirement
says, for every later request of the session, by the kernel's own rules. So ten requests in a row that nobody stepped up
for are one prompt; so is what one asked again after having stepped up.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from tiergate.assurance import could_satisfy, elevation_scope, satisfied_until, until_max_age
from tiergate.catalogue import CallerKind
from tiergate.decide import decide
from tiergate.decision import Decision, NeedKind, Outcome
from tiergate.facts import Facts, Purpose, SessionFacts
from tiergate.levels import REAUTHENTICATION
from tiergate.proofs import OWN_ISSUER, SESSION_WIDE, Authenticator, FactorKind, Proof
from tiergate.requirements import Requirement

ELEVATION: Final = timedelta(seconds=300)
"""For how long what was shown counts where the requirement does not say."""

_LONGEST: Final = max(limits.absolute for limits in REAUTHENTICATION.values())
"""After this no proof counts, whatever it was given for."""

_MANY: Final = 1_024

_ENROLLED: Final = Authenticator(
    method="hwk",
    authenticator="forecast",
    factor_kind=FactorKind.POSSESSION,
    phishing_resistant=True,
    user_verified=True,
    device_bound=True,
)
"""What somebody has enrolled who had nothing that would do: it meets whatever is asked."""

_PROMPTS: Final = frozenset({NeedKind.STEP_UP, NeedKind.ENROL})


class Prompts(Struct, kw_only=True):
    """Counts prompts under one bundle, and keeps what was shown. held: by session, what still may count."""

    count: int = 0
    held: dict[str, list[Proof]] = field(default_factory=dict)
    purge_at: int = _MANY

    def ask(self, facts: Facts, decision: Decision) -> bool:
        """Note one request, in the order in which they were made, and say whether it prompts.

        facts: with what the bundle says of them; decision: what follows from them.
        """
        session, requirement = facts.session, decision.requirement
        if session is None or requirement is None or not _is_asked(facts, decision):
            return False
        held = self.held.get(session.handle, [])
        if held:
            counting = replace(session, proofs=(*session.proofs, *held))
            if not _is_asked(facts, decide(replace(facts, session=counting))):
                return False
        self.count += 1
        self._keep(session.handle, _shown(facts, session, requirement), at=facts.at)
        return True

    def begin_anew(self) -> None:
        """Forget what was shown: what comes are other people's sessions."""
        self.held.clear()
        self.purge_at = _MANY

    def _keep(self, handle: str, proofs: Sequence[Proof], *, at: datetime) -> None:
        self.held[handle] = [one for one in self.held.get(handle, []) if _ends(one) > at] + list(proofs)
        if len(self.held) > self.purge_at:
            self.held = {key: kept for key, kept in self.held.items() if any(_ends(one) > at for one in kept)}
            self.purge_at = max(_MANY, 2 * len(self.held))


def _is_asked(facts: Facts, decision: Decision) -> bool:
    return (
        decision.outcome == Outcome.STEP_UP
        and facts.purpose == Purpose.ENFORCE
        and facts.caller == CallerKind.PERSON
        and any(need.kind in _PROMPTS for need in decision.needs)
    )


def _shown(facts: Facts, session: SessionFacts, requirement: Requirement) -> list[Proof]:
    """Give what passing the prompt leaves."""
    target = facts.target()
    until = until_max_age(requirement, at=facts.at, default=ELEVATION)
    scope = elevation_scope(requirement.scope, target, until=until)
    usable = could_satisfy(
        requirement, session.proofs, session.enrolled, target=target, activity=session.activity, at=facts.at
    )
    # One of each kind: where several are listed of a kind, any of them would do.
    chosen = {one.factor_kind: one for one in reversed(usable)}.values() or (_ENROLLED,)
    shown = [one.shown(at=facts.at, scope=scope if one.issuer == OWN_ISSUER else SESSION_WIDE) for one in chosen]
    for proof in shown:
        together = [*session.proofs, proof]
        if satisfied_until(requirement, together, target=target, activity=session.activity, at=facts.at) is not None:
            return [proof]
    return shown


def _ends(proof: Proof) -> datetime:
    latest = proof.at + _LONGEST
    return latest if proof.scope.until is None else min(latest, proof.scope.until)
