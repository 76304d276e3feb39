"""Everything that is kept of a person, written out as one JSON document, whatever its length, a piece at a time.

Version 1, in this order::

    {"format": "tiergate-risk", "version": 1, "exported_at": …, "tenant": …, "subject": {"type": …, "id": …},
     "profile": null | {"learned_times": …, "weight": …, "usual": {feature: {value: weight}}, "last_place": …, "updated_at": …},
     "failures": {"of_late": …},
     "devices": [ids of device tokens],
     "sessions": [{"session": …, "band": …, "raised_at": …, "noted_at": …}],
     "signals": [{"id": …, "at": …, "kind": …, "session": …, "ip": …, "seen": {…}, "trust": …, "score": …, "band": …,
                  "reasons": […], "was_challenged": …, "is_learned": …}]}

Weights are what they are worth at ``exported_at``. Instants are RFC 3339. A member may be added; what is there keeps its meaning
within a version.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from msgspec import to_builtins
from msgspec.json import encode

from isolation.api import tenant_transaction
from riskengine.known import read_known
from riskengine.learning import rebased
from riskengine.models import ProfileRow, SessionRisk, Signal
from riskengine.stored import decode_stored
from riskengine.subjects import Subject, storable

FORMAT: Final = "tiergate-risk"
VERSION: Final = 1
_PAGE: Final = 1_000
_LEARNED: Final = 6

type Write = Callable[[str], object]
type NameSession = Callable[[UUID], str]


def is_known(*, tenant_id: UUID, subjects: Sequence[Subject]) -> bool:
    """Say whether anything is kept of somebody, within the tenant's transaction. subjects: all that they are kept as."""
    return any(
        _of(model, tenant_id, subject).exists() for subject in subjects for model in (Signal, ProfileRow, SessionRisk)
    )


def export_person(
    *, tenant_id: UUID, subjects: Sequence[Subject], name_session: NameSession, write: Write, at: datetime
) -> int:
    """Write what is kept of a person as of one instant of the database, and give how many signals that are.

    subjects: all that they are kept as; the first is who they are. name_session: how others know a session.
    """
    with tenant_transaction(tenant_id, snapshot=True):
        profile = _profile(tenant_id, subjects[0], at=at)
        known = read_known(tenant_id=tenant_id, subject=storable(subjects[0]), network=None, session_id=None, at=at)
        head: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "exported_at": at,
            "tenant": tenant_id,
            "subject": {"type": subjects[0][0], "id": subjects[0][1]},
            "profile": profile,
            "failures": {"of_late": round(known.person.weight, _LEARNED)},
            "devices": _devices(tenant_id, subjects, profile),
            "sessions": [
                {
                    "session": name_session(one.session_id),
                    "band": one.band,
                    "raised_at": one.raised_at,
                    "noted_at": one.noted_at,
                }
                for subject in subjects
                for one in _of(SessionRisk, tenant_id, subject).order_by("noted_at", "id")
            ],
        }
        write(encode(head).decode()[:-1] + ',"signals":[')
        count = 0
        for subject in subjects:
            for row in _of(Signal, tenant_id, subject).order_by("at", "id").iterator(chunk_size=_PAGE):
                write(("," if count else "") + "\n" + encode(_signal(row, name_session)).decode())
                count += 1
        write("\n]}\n")
    return count


def _of(model: Any, tenant_id: UUID, subject: Subject) -> "QuerySet[Any]":
    kept = storable(subject)
    found: QuerySet[Any] = model.objects.filter(tenant_id=tenant_id, subject_type=kept[0], subject_id=kept[1])
    return found


def _profile(tenant_id: UUID, subject: Subject, *, at: datetime) -> dict[str, Any] | None:
    row = _of(ProfileRow, tenant_id, subject).first()
    if row is None:
        return None
    profile = rebased(decode_stored(bytes(row.state)).profile, at=at)
    return {
        "learned_times": profile.times,
        "weight": round(profile.total, _LEARNED),
        "usual": {
            feature: {value: round(weight, _LEARNED) for value, weight in values.items()}
            for feature, values in profile.counts.items()
        },
        "last_place": None if profile.last is None else to_builtins(profile.last),
        "updated_at": row.updated_at,
    }


def _devices(tenant_id: UUID, subjects: Sequence[Subject], profile: dict[str, Any] | None) -> list[str]:
    learned = set((profile or {}).get("usual", {}).get("device", ()))
    for subject in subjects:
        learned.update(_of(Signal, tenant_id, subject).values_list("seen__device", flat=True).distinct())
    return sorted(one for one in learned if one)


def _signal(row: Signal, name_session: NameSession) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "kind": row.kind,
        "session": None if row.session_id is None else name_session(row.session_id),
        "ip": row.ip,
        "seen": row.seen,
        "trust": row.trust,
        "score": row.score,
        "band": row.band,
        "reasons": row.reasons,
        "was_challenged": row.was_challenged,
        "is_learned": row.folded_at is not None and row.trust > 0,
    }
