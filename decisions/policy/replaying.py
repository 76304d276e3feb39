"""Deciding again what was recorded: with the bundle that it was decided with, the same comes of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct, field

from decisions.errors import FactsUnavailable
from decisions.policy.collecting import collecting_seldom
from decisions.policy.memory import bundle_of
from decisions.policy.recorded import Decided, Page, Unreadable, fields_read, walk
from tiergate import Decision, Facts, decide
from tiergate.policy import Bundle, is_of_policy, with_bundle
from tiergate.policy.impact import Missing, Side, side_of

MAX_TOLD: Final = 20
"""Differences that are told one by one."""

ERASED: Final = "a rule reads the name of a person who is erased"
CUT: Final = "a rule reads a text that the trail could not hold whole"

type Progress = Callable[[int], None]
"""Is told now and then how many decisions are done."""


class Difference(Struct, frozen=True, kw_only=True):
    """One decision that comes out otherwise. what: ``answer``, or ``rules``: they say otherwise, and the answer is the same."""

    id: str
    at: datetime
    tenant: str
    action: str
    what: str
    bundle: str
    recorded: Side
    decided: Side


class Replayed(Struct, kw_only=True):
    """What came of deciding again.

    same, differing: of decisions that the trail holds all of that rules read. bundles: how many were decided with each;
    "" with none. erased: those of people whose name is gone, wherever else they are counted. inexact: by reason, those
    that can be said neither to be the same nor to differ, since rules read what is gone; ``inexact_differing`` of them
    come out otherwise. left_out: by reason, what could not be decided again.
    """

    same: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    bundles: dict[str, int] = field(default_factory=dict)
    erased: int = 0
    inexact: dict[str, Missing] = field(default_factory=dict)
    inexact_differing: int = 0
    left_out: dict[str, Missing] = field(default_factory=dict)

    @property
    def decisions(self) -> int:
        """Count all that was read."""
        parts = [*self.inexact.values(), *self.left_out.values()]
        return self.same + self.differing + sum(one.count for one in parts)

    @property
    def is_same(self) -> bool:
        """Say whether nothing came out otherwise, and nothing was left out or unsure."""
        return not (self.differing or self.left_out or self.inexact)


class Rules:
    """The bundles that recorded decisions name, each loaded once; or one bundle in the place of them all."""

    def __init__(self, instead: Callable[[], Bundle | None] | None = None) -> None:
        self._is_fixed = instead is not None
        self._known: dict[str, tuple[Bundle | None, frozenset[str]] | str] = {"": (None, frozenset())}
        self._fixed = None if instead is None else instead()
        self._fixed_reads = fields_read(self._fixed)

    def of(self, digest: str) -> tuple[Bundle | None, frozenset[str]]:
        """Give a bundle, with the fields that it reads.

        :raises FactsUnavailable: it cannot be loaded.
        """
        if self._is_fixed:
            return self._fixed, self._fixed_reads
        found = self._known.get(digest)
        if found is None:
            found = self._known[digest] = _loaded(digest)
        if isinstance(found, str):
            raise FactsUnavailable(found)
        return found


def _loaded(digest: str) -> tuple[Bundle, frozenset[str]] | str:
    try:
        bundle = bundle_of(digest)
    except FactsUnavailable as error:
        return f"bundle {digest[:12]}: {error.detail}"
    return bundle, fields_read(bundle)


class Replay:
    """Decides page after page again. replayed: what came of it so far, be it in another process."""

    def __init__(self, rules: Rules | None = None, replayed: Replayed | None = None) -> None:
        self._rules = rules or Rules()
        self.replayed = replayed or Replayed()
        self.done = 0

    def take(self, page: Page) -> None:
        """Decide a page again."""
        for one in page.found:
            if isinstance(one, Unreadable):
                self.replayed.left_out.setdefault(one.reason, Missing()).add(one.id)
            else:
                _replay_one(one, self._rules, self.replayed)
        self.done += len(page.found)


def replay(
    *,
    since: datetime,
    until: datetime,
    tenant_id: UUID | None = None,
    rules: Rules | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Decide again what was decided at or after ``since`` and before ``until``.

    rules: None: each with the bundle that it was decided with.
    :raises FactsUnavailable: this process may not look through all tenants.
    """
    replaying = Replay(rules)
    with collecting_seldom() as collect:
        for page in walk(since=since, until=until, tenant_id=tenant_id):
            replaying.take(page)
            collect()
            if progress is not None:
                progress(replaying.done)
    return replaying.replayed


def _replay_one(one: Decided, rules: Rules, out: Replayed) -> None:
    id_ = one.recorded.id
    out.erased += one.is_erased
    try:
        bundle, read = rules.of(one.facts.versions.bundle)
    except FactsUnavailable as error:
        out.left_out.setdefault(error.detail, Missing()).add(id_)
        return
    named = "" if bundle is None else bundle.digest
    out.bundles[named] = out.bundles.get(named, 0) + 1
    facts = with_bundle(one.facts, bundle)
    decision = decide(facts)
    what = _difference(one, facts, decision)
    gone = doubt_of(one, read)
    if gone:
        out.inexact.setdefault(gone, Missing()).add(id_)
        out.inexact_differing += bool(what)
    elif not what:
        out.same += 1
    else:
        out.differing += 1
        if len(out.differences) < MAX_TOLD:
            out.differences.append(_told(one, decision, what=what, bundle=named))


def doubt_of(one: Decided, read: frozenset[str]) -> str:
    """Say why what is decided again may not be what it was; "" where it is. read: the fields that rules read."""
    gone = one.lost & read
    if not gone or one.facts.action is None:
        # What nobody knows is refused before any rule counts.
        return ""
    return ERASED if one.is_erased and gone == {"subject.id"} else CUT


def _difference(one: Decided, facts: Facts, decision: Decision) -> str:
    if _answer(decision) != _answer(one.decision):
        return "answer"
    # Of an unknown action the trail holds only the beginning of names, and whatever rules make of them it is refused.
    return "rules" if one.facts.action is not None and _said(facts) != _said(one.facts) else ""


def _answer(decision: Decision) -> tuple[object, ...]:
    """Give what is answered: the notes beside it are words, which a later release may choose better."""
    return (
        decision.outcome,
        decision.reason,
        decision.needs,
        decision.requirement,
        decision.next_change_at,
        decision.is_enforceable,
    )


def _said(facts: Facts) -> tuple[object, ...]:
    contributions = tuple((one.source, one.requirement) for one in facts.contributions if is_of_policy(one.source))
    return contributions, tuple(one.source for one in facts.forbids if is_of_policy(one.source))


def _told(one: Decided, decision: Decision, *, what: str, bundle: str) -> Difference:
    facts = one.facts
    return Difference(
        id=one.recorded.id,
        at=facts.at,
        tenant="" if facts.tenant is None else facts.tenant.slug,
        action=facts.action_name,
        what=what,
        bundle=bundle,
        recorded=side_of(one.decision),
        decided=side_of(decision),
    )


def to_json(replayed: Replayed) -> Mapping[str, object]:
    """Write what came of it as a JSON object, with what is worked out from it."""
    names = ("same", "differing", "differences", "bundles", "erased", "inexact", "inexact_differing", "left_out")
    return {"decisions": replayed.decisions, "is_same": replayed.is_same} | {
        name: getattr(replayed, name) for name in names
    }


def to_lines(replayed: Replayed) -> list[str]:
    """Tell what came of it, line by line."""
    if not replayed.decisions:
        return ["No decision was recorded in this time, so nothing was decided again."]
    lines = [f"{replayed.decisions} decisions: {replayed.same} the same, {replayed.differing} otherwise"]
    lines += [f"  {count:>9}  with {digest[:12] or 'no bundle'}" for digest, count in replayed.bundles.items()]
    lines += [
        f"  {one.id}  {one.tenant or '(none)'} {one.action}: {_side(one.recorded)} -> {_side(one.decided)} ({one.what})"
        for one in replayed.differences
    ]
    if replayed.differing > len(replayed.differences):
        lines.append(f"  and {replayed.differing - len(replayed.differences)} more")
    if replayed.erased:
        lines.append(f"{replayed.erased} decisions of erased people")
    for reason, missing in replayed.inexact.items():
        lines.append(f"{missing.count} unsure: {reason} ({', '.join(missing.ids)})")
    if replayed.inexact_differing:
        lines.append(f"  {replayed.inexact_differing} of these come out otherwise")
    for reason, missing in replayed.left_out.items():
        lines.append(f"{missing.count} not decided again: {reason} ({', '.join(missing.ids)})")
    return lines


def _side(side: Side) -> str:
    return f"{side.outcome} ({side.reason})"
