"""Recording what happened: in the transaction of what it tells of, and told to Valkey once that has committed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import connection, transaction

from isolation.api import tenant_transaction
from riskengine.assessing import tell_happened
from riskengine.assessment import NOT_ASSESSED, Assessment
from riskengine.metrics import SIGNALS
from riskengine.models import Kind
from riskengine.seen import Seen
from riskengine.store import tell
from riskengine.stored import Taught
from riskengine.subjects import Subject, storable, storable_seen, storable_text

FAILED: Final = frozenset({Kind.SIGN_IN_FAILED, Kind.STEP_UP_FAILED, Kind.CONFIRMED_NOT_MINE})
FAILED_ON_NETWORK: Final = frozenset({Kind.SIGN_IN_FAILED, Kind.STEP_UP_FAILED})
"""What counts against a network: a person who says "this was not me" may be anywhere."""

TRUST_PHISHING_RESISTANT: Final = 1.0
TRUST_SECOND_FACTOR: Final = 0.5
TRUST_UNCHALLENGED: Final = 0.25
"""Of what was let through unasked at a low risk, or of a person of whom nothing was known yet; of anything riskier nothing is learned."""

# Once; nothing of a person who was erased since it happened, and with no trust in a session that was not its person's (a trigger
# sees to both).
_STORE: Final = """
    INSERT INTO riskengine_signal (
        id, tenant_id, at, subject_type, subject_id, session_id, kind, trust, seen, network, ip, score, band, reasons, was_challenged
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::inet, %s, %s, %s::jsonb, %s)
    ON CONFLICT (id) DO NOTHING RETURNING trust
"""


def trust_of(*, band: str, has_history: bool, second_factor: bool = False, phishing_resistant: bool = False) -> float:
    """Say how much something that went well may teach.

    band: what it was assessed to be before. has_history: something is known of the person; else nobody could ever begin to be known.
    second_factor, phishing_resistant: what the person has just proved, beyond a password.
    """
    if phishing_resistant:
        return TRUST_PHISHING_RESISTANT
    if second_factor:
        return TRUST_SECOND_FACTOR
    return TRUST_UNCHALLENGED if band == "low" or (band == "unknown" and not has_history) else 0.0


def record_signal(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    tenant_id: UUID,
    subject: Subject,
    session_id: UUID | None,
    kind: Kind | str,
    seen: Seen,
    trust: float = 0.0,
    ip: str | None = None,
    assessment: Assessment = NOT_ASSESSED,
    was_challenged: bool = False,
    signal_id: UUID | None = None,
    at: datetime,
) -> UUID:
    """Record that something happened, within the tenant's transaction around this call if there is one, and give the signal's id.

    A failure is recorded in a transaction that commits although the request is refused, or it is not counted. What failed
    teaches nothing, whatever ``trust`` says.

    signal_id: of what is told by others, who may tell it again: the same one is recorded once.
    trust: see ``trust_of``. ip: text of an address, or None. assessment: what was made of it before it was known how it ended.
    :raises ValueError: no such kind, or a trust that is not from 0 to 1.
    """
    kind = Kind(kind)
    if not 0.0 <= trust <= 1.0:
        raise ValueError("A signal is trusted from 0 to 1.")
    if kind in FAILED:
        trust = 0.0
    subject, signal_id = storable(subject), signal_id or uuid4()
    with tenant_transaction(tenant_id, savepoint=False):
        row = (
            *(tenant_id, at, *subject, session_id, kind.value, trust),
            *(_json(storable_seen(seen)), storable_text(seen.network), ip),
            *(assessment.score, assessment.band, _json(assessment.reasons), was_challenged),
        )
        taken = _taken(signal_id, row)
        if taken is None:
            return signal_id
        taught = Taught(id=signal_id, at=at, trust=taken, seen=seen) if taken > 0.0 else None

        def tell_others() -> None:
            tell(
                tenant_id=tenant_id,
                subject=subject,
                taught=taught,
                network=seen.network,
                failed_for_person=kind in FAILED,
                failed_on_network=kind in FAILED_ON_NETWORK,
                at=at,
            )

        # First Valkey and then those who will read it.
        transaction.on_commit(tell_others, robust=True)
        tell_happened(tenant_id=tenant_id, subject=subject)
    SIGNALS.labels(kind).inc()
    return signal_id


def _taken(signal_id: UUID, row: Sequence[Any]) -> float | None:
    """Store a signal and say what it is trusted; None where it is there already, or tells of somebody who was erased since."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [signal_id, *row])
        stored = cursor.fetchone()
    return None if stored is None else stored[0]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
