"""People with passkeys, at Acme: enrolled and shown as a browser would, without one."""

from datetime import datetime
from typing import Any

from authlevels import api
from tests.authenticator import SoftKey
from tests.authlevels.acme import ALICES_SECRET, EXPORT, NOON, Acme, Asked, later
from tiergate import Level, Requirement, Scope

MANAGE = Asked(
    action="tiergate.factors.manage",
    resource=("tiergate", ""),
    requirement=Requirement(level=Level.AAL2, max_age=900),
)
STRONG = Asked(requirement=Requirement(level=Level.AAL3, max_age=300, scope=Scope.ACTION))
PHISHLESS = Asked(requirement=Requirement(level=Level.AAL2, max_age=300, phishing_resistant=True, scope=Scope.ACTION))


def enrol(acme: Acme, session: api.Session, key: SoftKey, *, at: datetime = NOON, name: str = "Key") -> api.Factor:
    """Enrol a key in a session that may."""
    facts = acme.facts(session, at)
    options = api.begin_passkey_enrolment(session=session, facts=facts, at=at)
    return api.confirm_passkey_enrolment(session=session, facts=facts, credential=key.create(options), name=name, at=at)


def alice_with(acme: Acme, key: SoftKey, *, at: datetime = NOON) -> api.Session:
    """Sign Alice in and have her enrol a key, by the code of her app, where new keys count in full at once."""
    api.put_policy(tenant_id=acme.tenant_id, new_factor_cooldown=0, by="test", at=at)
    alice, _secret = acme.sign_in_alice(at)
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=at)
    enrol(acme, alice, key, at=at)
    return alice


def ask(acme: Acme, challenge: api.OpenedChallenge, *, at: datetime) -> dict[str, Any]:
    """What the browser is told to ask for."""
    return api.begin_passkey_step_up(ref=challenge.id, presenter=api.Presenter(session=acme.own[challenge.id]), at=at)


def show(acme: Acme, challenge: api.OpenedChallenge, credential: Any, *, at: datetime) -> api.Passed | api.StillOpen:
    """Show to a challenge what a key gave."""
    return api.verify(
        ref=challenge.id,
        method=api.ChallengeMethod.PASSKEY,
        credential=credential,
        presenter=api.Presenter(session=acme.own[challenge.id]),
        at=at,
    )


def step_up_with(
    acme: Acme, session: api.Session, key: SoftKey, asked: Asked = EXPORT, *, at: datetime | None = None
) -> api.Passed | api.StillOpen:
    """A whole step-up with a key, from the refusal on."""
    at = at or later(60)
    challenge = acme.challenge(session, asked, at=at)
    return show(acme, challenge, key.get(ask(acme, challenge, at=at)), at=at)
