"""What risk is judged by of one person: written out for them, or erased. Both are in the trail."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import audit.api
from authlevels.errors import ReasonRefused, RiskOfNobody
from authlevels.models import SessionRow
from authlevels.public_ids import session_handle
from authlevels.sessions import end_session
from isolation.api import keyed_digests, tenant_transaction
from riskengine import api as riskengine

_CHARACTERS: Final = 16
_MOST_OF_REASON: Final = 500


def kept_as(subject: tuple[str, str]) -> list[tuple[str, str]]:
    """Name all that the risk engine keeps a person as: themselves, and digests of a name that failed to sign in as nobody's."""
    names = (":".join(subject), subject[1])
    digests = {one.hex()[:_CHARACTERS] for name in names for one in keyed_digests("trail/name", name)}
    return [subject, *((riskengine.NOBODY, one) for one in sorted(digests))]


def export_risk(
    *, tenant_id: UUID, subject: tuple[str, str], write: Callable[[str], object], by: str, at: datetime
) -> int:
    """Write everything that the risk engine keeps of a person, as `riskengine.exporting` describes it; give how many signals that are.

    That it was asked for is in the trail before the first word is written.

    :raises RiskOfNobody: nothing is kept of such a person.
    """
    subjects = kept_as(subject)
    with tenant_transaction(tenant_id, durable=True):
        if not riskengine.is_known(tenant_id=tenant_id, subjects=subjects):
            raise RiskOfNobody("Nothing is kept of how risky such a person looks.")
        audit.api.append(
            tenant_id=tenant_id, kind=audit.api.Kind.RISK_EXPORTED, at=at, subject=subject, payload={"by": by}
        )
    return riskengine.export_person(
        tenant_id=tenant_id, subjects=subjects, name_session=session_handle, write=write, at=at
    )


def erase_risk(*, tenant_id: UUID, subject: tuple[str, str], because: str, by: str, at: datetime) -> riskengine.Erased:
    """Erase everything that the risk engine keeps of a person, who stays, and give what that was.

    Sessions that came to look risky end with it: what held them down until their person confirms is erased, and nobody may be
    the freer for that (ADR 0042). All others go on, as those of somebody of whom nothing is known.

    because: why, for the trail; readable until the person is erased from it.
    :raises RiskOfNobody: nothing is kept of such a person; whatever is on its way is refused all the same.
    :raises ReasonRefused: ``because`` is empty, too long, or not printable.
    """
    why = because.strip()
    if not why or len(why) > _MOST_OF_REASON or not why.isprintable():
        raise ReasonRefused("Say why, in at most 500 printable characters.")
    with tenant_transaction(tenant_id):
        mine = SessionRow.objects.filter(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])
        # First, as whoever confirms does: nobody waits for somebody who waits for them.
        live = {row.id for row in mine.select_for_update(of=("self",)).select_related("user") if not row.is_over(at)}
        erased = forget_looks(tenant_id, subject, at=at)
        for session_id in sorted(live.intersection(erased.sessions)):
            end_session(tenant_id=tenant_id, session_id=session_id, by=by, at=at)
        if not erased.is_nothing:
            audit.api.append(
                tenant_id=tenant_id,
                kind=audit.api.Kind.RISK_ERASED,
                at=at,
                subject=subject,
                payload={"by": by, "signals": erased.signals, "sessions": len(live.intersection(erased.sessions))},
                personal={"because": why},
            )
    if erased.is_nothing:
        raise RiskOfNobody("Nothing is kept of how risky such a person looks.")
    return erased


def forget_looks(tenant_id: UUID, subject: tuple[str, str], *, at: datetime) -> riskengine.Erased:
    """Have the risk engine erase a person by whatever it keeps them as, within the tenant's transaction."""
    found = [riskengine.erase_person(tenant_id=tenant_id, subject=one, at=at) for one in kept_as(subject)]
    return riskengine.Erased(
        signals=sum(one.signals for one in found),
        failures=sum(one.failures for one in found),
        profiles=sum(one.profiles for one in found),
        sessions=tuple(session for one in found for session in one.sessions),
    )
