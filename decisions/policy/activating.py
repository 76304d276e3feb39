"""Put a bundle in force, for all or for some, and go back: each a step that is never taken out again."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError
from msgspec import UNSET, UnsetType

from audit import api as audit
from decisions.errors import FactsUnavailable
from decisions.models import PolicyActivation, PolicyBundle, Step
from decisions.policy.errors import (
    BundleNotFound,
    BundleRefused,
    NothingToUndo,
    SignatureInvalid,
    StageChanged,
    StageRefused,
)
from decisions.policy.history import Activation, told_of
from decisions.policy.loading import is_signed_well, load_bundle
from decisions.policy.memory import BUNDLE, bundle_of, keep_bundle
from decisions.policy.proving import check_given_up, compares, given_up_by, prove, waives
from decisions.policy.stage import ALL, NOTHING, Mode, Stage
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate.policy import Bundle

log = structlog.get_logger(__name__)

type Within = Callable[[], AbstractContextManager[object]]
type Waived = Sequence[Mapping[str, str]]

MAX_SENTENCE: Final = 500

READY_SECONDS: Final = 5.0
"""How long a step waits for the processes to have compiled its bundle. Longer nobody holds up what may be urgent."""

_KINDS: Final = {
    Step.ACTIVATE: audit.Kind.BUNDLE_ACTIVATED,
    Step.STAGE: audit.Kind.BUNDLE_STAGED,
    Step.WITHDRAW: audit.Kind.BUNDLE_WITHDRAWN,
    Step.ROLL_BACK: audit.Kind.BUNDLE_ROLLED_BACK,
}


def activate(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    digest: str | None,
    mode: Mode = Mode.NONE,
    tenants: Collection[UUID] = (),
    percent: int = 0,
    gives_up: Collection[str] | UnsetType = UNSET,
    expected: str | UnsetType | None = UNSET,
    because: str,
    by: str,
    at: datetime,
    within: Within = nullcontext,
) -> Activation:
    """Put a stored bundle in force, or set it beside what is as a candidate; a candidate of before is gone with that.

    digest: None: no bundle, so that rules ask nothing. mode: none puts it in force for everybody; shadow and staged make
    it the candidate, for the tenants named and for so many per cent of all. expected: the digest that is active so far,
    as far as the caller knows; UNSET: whatever is active when this begins. gives_up: likewise the promises that are given
    up with it. within: opens what has to commit with it.
    :raises BundleNotFound: it is not stored. :raises SignatureInvalid: nobody who is believed here signed it.
    :raises BundleUnproved: it asks for less than what is in force for anybody, and promises not to; it gives up what that
        promises and does not say so; or a word is over by which it does, or by which something is not proved of it.
    :raises StageChanged: another bundle is active, it gives up something else, or somebody else was quicker.
    :raises StageRefused: for whom it is meant to be, or why, is not said as it has to be.
    :raises FactsUnavailable: it cannot be loaded.
    """
    _check(digest, mode, tenants, percent)
    because = _sentence(because)
    before = _newest()
    _expect(before, expected)
    active = before.active_id if before else None
    given_up: tuple[str, ...] = ()
    waived: Waived = ()
    if digest is not None:
        with _made_ready(digest):
            bundle = _loaded(digest)
            if mode != Mode.SHADOW:
                given_up, waived = _check_promises(bundle, _bases(before), at=at)
    _expect_given_up(given_up, gives_up)
    if mode == Mode.NONE:
        returns_to = before if before is not None and active != digest else _returns_to(before)
        step = _Row(
            step=Step.ACTIVATE, active_id=digest, returns_to=returns_to, gives_up=list(given_up), waives=list(waived)
        )
    else:
        step = _Row(
            step=Step.STAGE,
            active_id=active,
            returns_to=_returns_to(before),
            candidate_id=digest,
            mode=mode.value,
            tenants=sorted(set(tenants)),
            percent=percent,
            gives_up=list(given_up),
            waives=list(waived),
        )
    return _append(before, step, because=because, by=by, at=at, within=within)


def withdraw(
    *,
    digest: str | UnsetType | None = UNSET,
    expected: str | UnsetType | None = UNSET,
    because: str,
    by: str,
    at: datetime,
    within: Within = nullcontext,
) -> Activation:
    """Take the candidate away; what is active stays.

    digest: the candidate that is meant, None being none at all; UNSET: whichever there is. expected, within: as for `activate`.
    :raises NothingToUndo: there is no candidate.
    :raises StageChanged: another bundle is active or the candidate than is meant, or somebody else was quicker.
    """
    because = _sentence(because)
    before = _newest()
    _expect(before, expected)
    if before is None or before.candidate_id is None:
        raise NothingToUndo("There is no candidate to withdraw.")
    if digest not in {UNSET, before.candidate_id}:
        raise StageChanged("Another bundle is the candidate.", candidate=before.candidate_id)
    step = _Row(step=Step.WITHDRAW, active_id=before.active_id, returns_to=_returns_to(before))
    return _append(before, step, because=because, by=by, at=at, within=within)


def rollback(
    *,
    digest: str | UnsetType | None = UNSET,
    gives_up: Collection[str] | UnsetType = UNSET,
    expected: str | UnsetType | None = UNSET,
    because: str,
    by: str,
    at: datetime,
    within: Within = nullcontext,
) -> Activation:
    """Put in force again what was active before what is, or nothing where nothing was; a candidate is gone with that.

    Once more goes back once more: what was rolled back is not what was before. Nothing is proved, since what is gone
    back to was in force.

    digest: what is meant to be in force again, as `find_rollback` names it; UNSET: whatever was. gives_up, expected,
    within: as for `activate`.
    :raises NothingToUndo: nothing was ever active before.
    :raises SignatureInvalid: nobody who is believed here now signed it.
    :raises StageChanged: another bundle is active or was before than is meant, or somebody else was quicker.
    :raises FactsUnavailable: it cannot be loaded.
    """
    because = _sentence(because)
    before = _newest()
    _expect(before, expected)
    target = _target(before)
    found = target.active_id if target else None
    if digest not in {UNSET, found}:
        raise StageChanged("Another bundle was active before.", before=found)
    if found is not None:
        with _made_ready(found):
            _loaded(found)
    given_up = () if found is None else find_given_up(found)
    _expect_given_up(given_up, gives_up)
    step = _Row(
        step=Step.ROLL_BACK,
        active_id=found,
        returns_to=_returns_to(target),
        gives_up=list(given_up),
        waives=_waived_then(found),
    )
    return _append(before, step, because=because, by=by, at=at, within=within)


def find_rollback() -> str | None:
    """Name the bundle that `rollback` would put in force again; None: none at all.

    :raises NothingToUndo: nothing was ever active before.
    """
    target = _target(_newest())
    return target.active_id if target else None


def find_given_up(digest: str) -> tuple[str, ...]:
    """Name what is promised by what is in force, and is no more where a stored bundle takes its place.

    () where that cannot be known: such a bundle is put in force by no step but the one that goes back to it.
    """
    try:
        bundle, before = bundle_of(digest), [bundle_of(one) for one in _bases(_newest()) if one != digest]
        # By which day somebody's word is over does not matter to what it is about.
        found = [one for base in before for one in given_up_by(bundle, base=base, today=date.max)]
    except (FactsUnavailable, BundleRefused):
        return ()
    return tuple(sorted({one.promise.id for one in found}))


def list_binding() -> tuple[str, ...]:
    """Name the bundles whose promises bind what is put in force next: for all, and for some; where none is, the last."""
    return _bases(_newest())


def read_stage() -> Stage:
    """Read which bundles there are to be asked now."""
    row = _newest()
    return NOTHING if row is None else stage_of(row)


def stage_of(row: PolicyActivation) -> Stage:
    """Read what is in force from a step on."""
    return Stage(
        generation=row.generation,
        active=row.active_id,
        candidate=row.candidate_id,
        mode=Mode(row.mode),
        tenants=frozenset(row.tenants),
        percent=row.percent,
    )


class _Row(dict[str, Any]):
    """The columns that make a step what it is."""


def _newest() -> PolicyActivation | None:
    return PolicyActivation.objects.select_related("active", "candidate", "returns_to").order_by("-number").first()


def _last_active() -> str | None:
    """Name the bundle that was in force last: to have none in between frees nobody of what it promised."""
    rows = PolicyActivation.objects.filter(active__isnull=False).order_by("-number")
    return rows.values_list("active_id", flat=True).first()


def _bases(before: PolicyActivation | None) -> tuple[str, ...]:
    """Name what is in force for anybody, whose promises bind what follows; where nothing is, what was in force last."""
    active = (before.active_id if before else None) or _last_active()
    staged = before.candidate_id if before is not None and before.mode == Mode.STAGED else None
    return tuple(one for one in dict.fromkeys((active, staged)) if one is not None)


def _target(before: PolicyActivation | None) -> PolicyActivation | None:
    """Find the step that a roll-back goes back to; None: to before the first one."""
    target = _returns_to(before)
    if before is None or (target is None and before.active_id is None):
        raise NothingToUndo("Nothing was active before. What was taken back is put in force again by activating it.")
    return target


def _returns_to(row: PolicyActivation | None) -> PolicyActivation | None:
    return None if row is None else row.returns_to


def _expect(before: PolicyActivation | None, expected: str | UnsetType | None) -> None:
    active = before.active_id if before else None
    if expected is not UNSET and expected != active:
        raise StageChanged("Another bundle is active than you expected; look at it, and say so again.", active=active)


def _expect_given_up(found: Collection[str], expected: Collection[str] | UnsetType) -> None:
    if expected is not UNSET and set(expected) != set(found):
        raise StageChanged("Other promises would be given up with it than you know of; look at it, and say so again.")


def _check(digest: str | None, mode: Mode, tenants: Collection[UUID], percent: int) -> None:
    if not 0 <= percent <= ALL:
        raise StageRefused("A share of tenants is 0 to 100 per cent.")
    if mode == Mode.NONE and (tenants or percent):
        raise StageRefused(
            "What is put in force is in force for everybody: name a candidate's tenants by shadow or staged."
        )
    if mode != Mode.NONE and digest is None:
        raise StageRefused("A candidate is a bundle.")
    if mode == Mode.STAGED and percent == ALL:
        raise StageRefused("What is in force for everybody is not staged: put it in force.")
    if mode != Mode.NONE and not (tenants or percent):
        raise StageRefused("A candidate is for some tenants, or for a share of them: say which.")


@contextmanager
def _made_ready(digest: str) -> Iterator[None]:
    """Have all processes compile a bundle while this block does, so that to put it in force has nobody wait.

    :raises BundleNotFound: it is not stored. :raises SignatureInvalid: nobody who is believed here signed it.
    """
    if not PolicyBundle.objects.filter(digest=digest).exists():
        raise BundleNotFound("There is no bundle of this digest.", digest=digest)
    if not is_signed_well(digest):
        raise SignatureInvalid("Nobody who is believed here now signed this bundle.")
    announced = licensing.announce(BUNDLE, digest)
    yield
    if not announced.wait(seconds=READY_SECONDS):
        log.warning("policy_not_ready_everywhere", bundle=digest)


def _loaded(digest: str) -> Bundle:
    """Look whether every process will be able to load a bundle."""
    # Read anew, whatever this process remembers: others will read it, too.
    bundle = load_bundle(digest)
    keep_bundle(bundle)
    return bundle


def _check_promises(bundle: Bundle, bases: Collection[str], *, at: datetime) -> tuple[tuple[str, ...], Waived]:
    """Look at what may have changed since the bundle was stored: what is in force, and the day until which words count.

    Names what is promised and given up, and tells what is not proved and stands on somebody's word.
    """
    today = at.date()
    given_up: set[str] = set()
    waived: dict[str, Mapping[str, str]] = {}
    before: list[Bundle | None] = [bundle_of(one) for one in bases if one != bundle.digest]
    for base in before or [None]:
        if waives(bundle) or (base is not None and compares(bundle, base)):
            proved = prove(bundle, base=base, today=today)
            told = proved.given_up
            waived |= {one["promise"]: one for one in proved.waives}
        else:
            told = check_given_up(bundle, base=base, today=today)
        given_up |= {one["promise"] for one in told}
    return tuple(sorted(given_up)), tuple(waived.values())


def _waived_then(digest: str | None) -> list[Mapping[str, str]]:
    """Tell what was not proved of a bundle when it was last put in force: who goes back to it proves nothing anew."""
    rows = PolicyActivation.objects.filter(active_id=digest, step__in=(Step.ACTIVATE, Step.ROLL_BACK))
    return (digest and rows.order_by("-number").values_list("waives", flat=True).first()) or []


def _append(
    before: PolicyActivation | None, step: _Row, *, because: str, by: str, at: datetime, within: Within
) -> Activation:
    number = 1 + (before.number if before else 0)
    row = PolicyActivation(number=number, because=because, by=by, at=at, **{"mode": Mode.NONE.value, **step})
    try:
        with within(), tenant_transaction(licensing.VENDOR_TENANT_ID):
            row.save(force_insert=True)
            row = PolicyActivation.objects.select_related("active", "candidate").get(number=number)
            told = told_of(row, before)
            audit.append(
                tenant_id=licensing.VENDOR_TENANT_ID,
                kind=_KINDS[Step(row.step)],
                at=at,
                payload=_told(row, before),
            )
            licensing.publish("catalog", "")
    except IntegrityError as error:
        newest = _newest()
        if newest is not None and newest.number >= number:
            raise StageChanged(
                "Somebody else was quicker; look at what is active now.", active=newest.active_id
            ) from error
        raise
    return told


def _sentence(because: str) -> str:
    text = " ".join(because.split())
    if not text or len(text) > MAX_SENTENCE or not text.isprintable():
        raise StageRefused(f"Say why, in a sentence of at most {MAX_SENTENCE} characters.")
    return text


def _told(row: PolicyActivation, before: PolicyActivation | None) -> dict[str, object]:
    told: dict[str, object] = {
        "by": row.by,
        "number": row.number,
        "because": row.because,
        "active": row.active_id,
        "was": before.active_id if before else None,
    }
    if row.candidate_id is not None:
        told |= {
            "candidate": row.candidate_id,
            "mode": row.mode,
            "tenants": [str(one) for one in row.tenants],
            "percent": row.percent,
        }
    if row.gives_up:
        told["gives_up"] = row.gives_up
    if row.waives:
        told["waives"] = row.waives
    if before is not None and before.candidate_id is not None:
        told["candidate_was"] = before.candidate_id
    return told
