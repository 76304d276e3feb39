"""What a candidate bundle would have done to recorded decisions: counted one by one, and told as a report."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from tiergate.decision import Decision, Need, NeedKind
from tiergate.facts import Facts, Purpose
from tiergate.policy.bundle import Bundle
from tiergate.policy.comparing import LOOSER, Change, Compared, compare, rules_of
from tiergate.policy.prompting import Prompts
from tiergate.requirements import Requirement

MAX_EXAMPLES: Final = 3
"""Of each change."""

type Counts = dict[str, int]
"""How many, by `Change`."""


class Recorded(Struct, frozen=True, kw_only=True):
    """One decision as it was recorded.

    id: by which whoever may read the trail finds it. who: the person as the trail names them: type and tag.
    """

    id: str
    who: str
    facts: Facts


class Side(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer in short. needs: the kinds of what is missing."""

    outcome: str
    reason: str
    requirement: Requirement | None = None
    needs: tuple[str, ...] = ()


class Example(Struct, frozen=True, kw_only=True):
    """One decision that would have been another one. resource_type: which one it was, the trail says by the id."""

    id: str
    change: Change
    at: datetime
    tenant: str
    who: str
    action: str
    resource_type: str
    before: Side
    after: Side
    rules: tuple[str, ...]


class Missing(Struct, kw_only=True):
    """Decisions that could not be looked at, or not exactly, for one reason; with the ids of a few."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, id_: str) -> None:
        """Note one."""
        self.count += 1
        if len(self.ids) < MAX_EXAMPLES:
            self.ids.append(id_)


class Impact(Struct, kw_only=True):
    """Counts what would become of decisions, one by one; a struct, so that the counting may go on in another process.

    changes: of those that were to be enforced. advice: likewise of those that only drew a menu, which count nowhere
    else. tenants, features, rules: of changes alone. locked_out: newly challenged for what the person has not enrolled.
    left_out: by reason, what could not be looked at. inexact: by reason, what was, though rules read what the trail
    no longer says.
    """

    decisions: int = 0
    changes: Counts = field(default_factory=dict)
    advice: Counts = field(default_factory=dict)
    tenants: dict[str, Counts] = field(default_factory=dict)
    features: dict[str, Counts] = field(default_factory=dict)
    rules: dict[str, Counts] = field(default_factory=dict)
    locked_out: int = 0
    examples: list[Example] = field(default_factory=list)
    before: Prompts = field(default_factory=Prompts)
    after: Prompts = field(default_factory=Prompts)
    first_at: datetime | None = None
    left_out: dict[str, Missing] = field(default_factory=dict)
    inexact: dict[str, Missing] = field(default_factory=dict)
    home: str = ""

    def add(self, one: Recorded, *, base: Bundle | None, candidate: Bundle | None, doubt: str = "") -> Compared:
        """Decide one anew under both, and count it; those of a tenant together, in the order in which they were made.

        doubt: why rules may have read something else then than the trail says now. Such a one is never unchanged: it
        is counted as what it would become, if anything, and as one that is not exact.
        """
        facts = one.facts
        compared = compare(facts, base=base, candidate=candidate)
        self.decisions += 1
        self.first_at = facts.at if self.first_at is None else min(facts.at, self.first_at)
        self._forecast(compared)
        change = compared.change
        if doubt:
            self.inexact.setdefault(doubt, Missing()).add(one.id)
            if change == Change.UNCHANGED:
                return compared
        if facts.purpose == Purpose.DISPLAY:
            _count(self.advice, change)
            return compared
        _count(self.changes, change)
        if change == Change.UNCHANGED:
            return compared
        rules = rules_of(compared)
        self.locked_out += compared.is_locked_out
        _count(self.tenants.setdefault(_tenant(facts), {}), change)
        _count(self.features.setdefault(_feature(facts), {}), change)
        for rule in rules:
            _count(self.rules.setdefault(rule, {}), change)
        if self.changes[change] <= MAX_EXAMPLES:
            self.examples.append(_example(one, compared, rules))
        return compared

    def leave_out(self, reason: str, id_: str) -> None:
        """Note a decision that could not be looked at."""
        self.left_out.setdefault(reason, Missing()).add(id_)

    def _forecast(self, compared: Compared) -> None:
        home = "" if compared.facts_before.tenant is None else compared.facts_before.tenant.id
        if home != self.home:
            self.home = home
            self.before.begin_anew()
            self.after.begin_anew()
        self.before.ask(compared.facts_before, compared.before)
        self.after.ask(compared.facts_after, compared.after)

    def report(
        self,
        *,
        base: str,
        candidate: str,
        since: datetime,
        until: datetime,
        gives_up: Sequence["Gone"] = (),
        waives: Sequence["Gone"] = (),
    ) -> "Report":
        """Say what was counted.

        base, candidate: digests; "" for no bundle. since, until: the window that was asked for. Prompts are told for
        a day of the part of it in which there are decisions, which counts as one day at the least.
        """
        began = until if self.first_at is None else max(since, self.first_at)
        days = max((until - began) / timedelta(days=1), 1.0)
        return Report(
            base=base,
            candidate=candidate,
            since=since,
            until=until,
            decisions=self.decisions,
            changes=_ordered(self.changes),
            advice=_ordered(self.advice),
            locked_out=self.locked_out,
            tenants=_shares(self.tenants),
            features=_shares(self.features),
            rules=_shares(self.rules),
            examples=sorted(self.examples, key=lambda one: (_RANK[one.change], one.at)),
            forecast=Forecast(
                days=round(days, 2),
                before=self.before.count,
                after=self.after.count,
                before_a_day=round(self.before.count / days, 1),
                after_a_day=round(self.after.count / days, 1),
            ),
            left_out=self.left_out,
            inexact=self.inexact,
            gives_up=list(gives_up),
            waives=list(waives),
        )


class Share(Struct, frozen=True, kw_only=True):
    """The part of one tenant, feature or rule in what changes."""

    name: str
    changes: Counts

    @property
    def total(self) -> int:
        """Sum it up."""
        return sum(self.changes.values())


class Forecast(Struct, frozen=True, kw_only=True):
    """Prompts under the bundle in force, and under the candidate: in all, and a day. How: `tiergate.policy.prompting`."""

    days: float
    before: int
    after: int
    before_a_day: float
    after_a_day: float


class Gone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A promise that is made no more, or not proved. owner, until, because: somebody's word for that; "" where nobody says so."""

    promise: str
    owner: str = ""
    until: str = ""
    because: str = ""

    @property
    def is_said(self) -> bool:
        """Say whether somebody says so."""
        return bool(self.owner)


class Report(Struct, frozen=True, kw_only=True):
    """What a candidate would have done to the decisions of a window; the members are those of `Impact`.

    gives_up: promises of the base that the candidate does not make. waives: its own that may go unproved.
    """

    base: str
    candidate: str
    since: datetime
    until: datetime
    decisions: int
    changes: Counts
    advice: Counts
    locked_out: int
    tenants: list[Share]
    features: list[Share]
    rules: list[Share]
    examples: list[Example]
    forecast: Forecast
    left_out: dict[str, Missing]
    inexact: dict[str, Missing]
    gives_up: list[Gone] = field(default_factory=list)
    waives: list[Gone] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Count what would have been another answer, or would have asked for something else; advice apart."""
        return sum(count for change, count in self.changes.items() if change != Change.UNCHANGED)

    @property
    def lowered(self) -> int:
        """Count what would have asked for less; advice apart."""
        return sum(count for change, count in self.changes.items() if change in LOOSER)

    @property
    def is_good(self) -> bool:
        """Say whether nothing would have asked for less, was left out, or is promised no more without a word."""
        return not self.lowered and not self.left_out and all(one.is_said for one in self.gives_up)


def side_of(decision: Decision) -> Side:
    """Tell an answer in short."""
    needs: tuple[Need, ...] = decision.needs
    return Side(
        outcome=decision.outcome.value,
        reason=decision.reason.value,
        requirement=decision.requirement,
        needs=tuple(NeedKind(need.kind).value for need in needs),
    )


_RANK: Final[Mapping[str, int]] = {change: rank for rank, change in enumerate(Change)}


def _count(counts: Counts, change: Change) -> None:
    counts[change.value] = counts.get(change.value, 0) + 1


def _ordered(counts: Counts) -> Counts:
    return dict(sorted(counts.items(), key=lambda one: _RANK[one[0]]))


def _shares(parts: Mapping[str, Counts]) -> list[Share]:
    """List what changes most first."""
    shares = [Share(name=name, changes=_ordered(counts)) for name, counts in parts.items()]
    return sorted(shares, key=lambda one: (-one.total, one.name))


def _tenant(facts: Facts) -> str:
    return facts.tenant.slug if facts.tenant is not None else ""


def _feature(facts: Facts) -> str:
    return facts.action.feature or "" if facts.action is not None else ""


def _example(one: Recorded, compared: Compared, rules: tuple[str, ...]) -> Example:
    facts = one.facts
    return Example(
        id=one.id,
        change=compared.change,
        at=facts.at,
        tenant=_tenant(facts),
        who=one.who,
        action=facts.action_name,
        resource_type=facts.resource[0],
        before=side_of(compared.before),
        after=side_of(compared.after),
        rules=rules,
    )
