"""What was in force since when, in sentences."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from decisions.models import PolicyActivation, PolicyBundle, Step
from decisions.policy.stage import Mode

MAX_PAGE: Final = 200
_SHOWN: Final = 12


class Activation(Struct, frozen=True, kw_only=True):
    """One step.

    digest: the bundle that it is about: what was put in force, set beside it, or taken away; None: no bundle.
    active, candidate, mode, tenants, percent: what there is from then on. gives_up: promises of what was in force that
    are made no more. waives: what the bundle that it is about promises, was not proved then, and stands on somebody's
    word: ``promise``, ``owner``, ``until``, ``because``. sentence: all of it, for people.
    """

    number: int
    generation: int
    step: Step
    digest: str | None
    active: str | None
    candidate: str | None
    mode: Mode
    tenants: tuple[UUID, ...]
    percent: int
    gives_up: tuple[str, ...]
    waives: tuple[Mapping[str, str], ...]
    because: str
    by: str
    at: datetime
    sentence: str


def list_activations(*, before: int | None = None, limit: int = MAX_PAGE) -> list[Activation]:
    """List steps, the newest first. before: the number of a step that a page ended with."""
    rows = PolicyActivation.objects.select_related("active", "candidate").order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    # One more than is told: each is told by what was there before.
    found = list(rows[: min(limit, MAX_PAGE) + 1])
    told = [told_of(row, previous) for row, previous in zip(found, [*found[1:], None], strict=False)]
    return told[: min(limit, MAX_PAGE)]


def told_of(row: PolicyActivation, before: PolicyActivation | None) -> Activation:
    """Tell one step. before: the step before it; None: it is the first."""
    step = Step(row.step)
    about = row.active_id
    if step == Step.STAGE:
        about = row.candidate_id
    elif step == Step.WITHDRAW and before is not None:
        about = before.candidate_id
    return Activation(
        number=row.number,
        generation=row.generation,
        step=step,
        digest=about,
        active=row.active_id,
        candidate=row.candidate_id,
        mode=Mode(row.mode),
        tenants=tuple(row.tenants),
        percent=row.percent,
        gives_up=tuple(row.gives_up),
        waives=tuple(row.waives),
        because=row.because,
        by=row.by,
        at=row.at,
        sentence=_sentence(row, before),
    )


def _sentence(row: PolicyActivation, before: PolicyActivation | None) -> str:
    active, was = _named(row.active), _named(before.active if before else None)
    lost = before.candidate if before is not None else None
    match Step(row.step):
        case Step.ACTIVATE:
            said = f"put {active} in force in place of {was}"
            if row.active is None:
                said = f"took {was} out of force, so that no rule asks for anything"
            elif before is None or before.active is None:
                said = f"put {active} in force"
            elif row.active_id == before.active_id:
                said = f"kept {active} in force"
        case Step.ROLL_BACK:
            said = f"went back to {active} from {was}"
            said += ", so that no rule asks for anything" if row.active is None else ""
        case Step.WITHDRAW:
            said, lost = f"withdrew the candidate {_named(lost)}; {active} stays in force", None
        case Step.STAGE:
            does = "tried in the shadow of" if row.mode == Mode.SHADOW else "put in force in place of"
            said = f"had the candidate {_named(row.candidate)} {does} {active} for {_for_whom(row)}"
    said += _waived(row.waives)
    if lost is not None and lost.digest not in {row.active_id, row.candidate_id}:
        said += f", and withdrew the candidate {_named(lost)}"
    if row.gives_up:
        said += f", and gave up what was promised: {', '.join(row.gives_up)}"
    return f"{row.at:%Y-%m-%d %H:%M:%S} UTC, #{row.number}: {row.by} {said}, because: {row.because}"


def _waived(waives: Sequence[Mapping[str, str]]) -> str:
    words = [f"{one['promise']}, waived by {one['owner']} until {one['until']} ({one['because']})" for one in waives]
    return f", of which is not proved: {'; '.join(words)}" if words else ""


def _for_whom(row: PolicyActivation) -> str:
    out = []
    if row.tenants:
        count = len(row.tenants)
        out.append("one named tenant" if count == 1 else f"{count} named tenants")
    if row.percent:
        out.append(f"{row.percent} % of {'the others' if out else 'tenants'}")
    return " and ".join(out)


def _named(bundle: PolicyBundle | None) -> str:
    return "no rules" if bundle is None else f"{bundle.name} ({bundle.digest[:_SHOWN]})"
