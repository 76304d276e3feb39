"""Enrolling a passkey with a recovery code: beside what the person has, for the day on which all of that is lost.

It drives out nothing, unlike an app, of which a person has one. It leads no higher than a password does until the
tenant's cool-down is over; then it removes what was lost as any other factor does.
"""

from datetime import datetime
from functools import partial
from typing import Any

from authlevels.factors import Factor
from authlevels.passkeys import ask_new, take_new
from authlevels.principals import Session
from authlevels.recovery import require_fresh_password, require_grant, spend_grant
from isolation.api import tenant_transaction
from tiergate import Level, SessionFacts


def begin_passkey_replacement(*, session: Session, facts: SessionFacts, at: datetime) -> dict[str, Any]:
    """Ask for a new passkey and return what ``navigator.credentials.create`` takes, as JSON (``publicKey``).

    :raises RecoveryNotGranted: this session used no code in the last fifteen minutes, or its password is not fresh.
    :raises TooManyFactors: the person has twenty.
    """
    require_fresh_password(facts, at=at)
    with tenant_transaction(session.tenant_id):
        require_grant(session, at=at)
    return ask_new(session=session, at=at)


def confirm_passkey_replacement(
    *, session: Session, facts: SessionFacts, credential: object, at: datetime, name: str = ""
) -> Factor:
    """Enrol the passkey that the browser made; what the recovery code left is used up with it.

    credential: what ``navigator.credentials.create`` gave, as an object read from JSON or its text.
    :raises RecoveryNotGranted: as for beginning it.
    :raises PasskeyRefused: it was not asked for, or is not right; says why.
    :raises FactorAlreadyEnrolled: somebody has it already.
    :raises TooManyFactors: as for beginning it.
    """
    require_fresh_password(facts, at=at)
    with tenant_transaction(session.tenant_id):
        require_grant(session, at=at)
    return take_new(
        session=session,
        ceiling=Level.AAL1.value,
        credential=credential,
        name=name,
        at=at,
        spend=partial(spend_grant, session, at=at),
    )
