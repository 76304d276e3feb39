"""Recorded decisions of all tenants, read back so that they can be decided again; what cannot be is named, not skipped."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections
from msgspec import Struct

from audit import api as audit
from authlevels import api as authlevels
from decisions.errors import FactsUnavailable
from decisions.trail import read_back
from tiergate import Decision, Facts
from tiergate.policy import Bundle
from tiergate.policy.impact import Recorded

AT_ONCE: Final = 500
"""Decisions that are in memory at the same time."""

_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
_LONGEST_NAME: Final = 1_000
_LONGEST_NAME_BYTES: Final = 1_270


class Decided(Struct, frozen=True, kw_only=True):
    """One recorded decision. is_erased: of a person whose name nobody can say any more.

    lost: fields of `tiergate.policy.schema` that may have read otherwise than the trail says now. shadow: what was
    recorded of a candidate that was tried beside; empty where it agreed, or there was none.
    """

    recorded: Recorded
    decision: Decision
    is_erased: bool
    lost: frozenset[str]
    shadow: dict[str, Any]

    @property
    def facts(self) -> Facts:
        """Give what it was made from."""
        return self.recorded.facts


class Unreadable(Struct, frozen=True, kw_only=True):
    """One entry that cannot be read back, as one of an older or newer release; with the reason."""

    id: str
    reason: str


class Page(Struct, frozen=True, kw_only=True):
    """Some decisions of one walk. after: where the next page begins."""

    found: list[Decided | Unreadable]
    after: audit.Place


def walk(
    *, since: datetime, until: datetime, tenant_id: UUID | None = None, after: audit.Place | None = None
) -> Iterator[Page]:
    """Read the decisions of a window page by page, by tenant, in the order in which they were written.

    One page is read ahead, by a thread with a connection of its own: the database works while this process does.
    :raises FactsUnavailable: this process may not look through all tenants.
    """
    _check_sweep()

    def read(behind: audit.Place | None) -> list[audit.Swept]:
        return audit.sweep_entries(
            kind=audit.Kind.DECISION, since=since, until=until, tenant_id=tenant_id, after=behind, limit=AT_ONCE
        )

    with ThreadPoolExecutor(1, thread_name_prefix="tiergate-walk") as reader:
        try:
            coming = reader.submit(read, after)
            while entries := coming.result():
                after = entries[-1].place
                coming = reader.submit(read, after)
                yield Page(found=[_read(one) for one in entries], after=after)
        finally:
            reader.submit(_close)


def count(*, since: datetime, until: datetime, tenant_id: UUID | None = None) -> int:
    """Count what there is to walk through just now.

    :raises FactsUnavailable: this process may not look through all tenants.
    """
    _check_sweep()
    return audit.count_entries(kind=audit.Kind.DECISION, since=since, until=until, tenant_id=tenant_id)


def fields_read(bundle: Bundle | None) -> frozenset[str]:
    """Name all fields that some rule of a bundle reads."""
    rules = () if bundle is None else bundle.rules.values()
    return frozenset(name for rule in rules if rule.when is not None for name in rule.when.fields)


def _close() -> None:
    """Give back the connection of the thread that this runs in."""
    connections["sweep"].close()


def _check_sweep() -> None:
    if "sweep" not in connections:
        raise FactsUnavailable("This process may not look through all tenants: it needs DATABASE_SWEEP_URL.")


def _read(swept: audit.Swept) -> Decided | Unreadable:
    entry = swept.entry
    id_ = authlevels.decision_ref(entry.id)
    try:
        facts, decision = read_back(entry)
        shadow = msgspec.convert(entry.payload.get("shadow") or {}, dict[str, Any])
    except KeyError as error:
        return Unreadable(id=id_, reason=f"the entry has no {error.args[0]}")
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError) as error:
        return Unreadable(id=id_, reason=f"the entry cannot be read: {error}"[:200])
    who = f"{facts.subject[0]}:{swept.tag or facts.subject[1]}"
    return Decided(
        recorded=Recorded(id=id_, who=who, facts=facts),
        decision=decision,
        is_erased=swept.is_erased,
        lost=_lost(facts, is_erased=swept.is_erased),
        shadow=shadow,
    )


def _lost(facts: Facts, *, is_erased: bool) -> frozenset[str]:
    """Name what the trail may say otherwise than it was: of the erased the name, and whatever it could not hold.

    Of an action that nobody knows names are cut, but such a request is refused whatever rules say.
    """
    name = facts.subject[1]
    is_cut = len(name) >= _LONGEST_NAME or len(name.encode()) >= _LONGEST_NAME_BYTES
    known = facts.circumstances
    texts = {
        "subject.type": facts.subject[0],
        "subject.id": name,
        "resource.type": facts.resource[0],
        "resource.id": facts.resource[1],
        "environment.name": facts.environment,
        "transaction.type": known.transaction_type,
        "transaction.currency": known.transaction_currency,
    }
    lost = {field for field, text in texts.items() if text is not None and _REPLACED in text}
    return frozenset(lost | {"subject.id"} if is_erased or is_cut else lost)
