"""The primary dies under load, its replica takes its place; no answer is wrong and no acknowledged record is lost."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx

from config.embedded.processes import wait_until
from deploy.drill.cluster import DrillError, machine
from deploy.drill.installation import Process, installation, made_secrets, valkey
from deploy.drill.load import Asked, Load, Selling, statuses, wrong
from deploy.drill.pair import Pair, make_pair

# The plan goes up and down; it stays down for longer than anybody may remember.
_UP_SECONDS: Final = 1.2
_DOWN_SECONDS: Final = 2.0
_ROUNDS: Final = 2
_BACK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """A drill's result.

    lost: ids of acknowledged durable records that are not in the new primary. silent: seconds from the kill to the
    first answer, by node. promoting: seconds that the promotion itself took. returned_…: how the primary that was
    stands after it came back.
    """

    asked: int
    before: Counter[int]
    during: Counter[int]
    after: Counter[int]
    allows: int
    refusals: int
    wrong: list[Asked]
    acknowledged: int
    lost: list[str]
    changes: int
    silent: dict[str, float]
    promoting: float
    returned_in_recovery: bool
    returned_caught_up: bool


def failover_drill(say: Callable[[str], None]) -> Failover:
    """Do it on servers of this machine that are made for it and removed again.

    :raises DrillError: a step failed.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)
    given = made_secrets()
    with machine(given) as here, valkey(here) as redis_url:
        say("A primary and a synchronous replica, web, and two decide nodes ...")
        pair = make_pair(here)
        with installation(here, secrets=given, cluster=pair.primary, valkey_url=redis_url) as ours:
            ours.more |= pair.environment()
            made = ours.seed(DATABASE_OWNER_URL=pair.owner())
            web, nodes = ours.start("web"), [ours.start("decide"), ours.start("decide")]
            selling, load = Selling(), Load(nodes, made)
            try:
                for _ in range(_ROUNDS):
                    _sell(selling, web, made, "business", hold=_UP_SECONDS)
                    _sell(selling, web, made, "starter", hold=_DOWN_SECONDS)
                _sell(selling, web, made, "business", hold=_UP_SECONDS)
                say("Taking the plan away, and killing the primary as soon as that is acknowledged ...")
                if not selling.put(web, made, "starter"):
                    raise DrillError(f"The plan could not be changed:\n{web.last_words()}")
                killed_at = time.monotonic()
                pair.primary.kill()
                pair.fence()
                _hold(1.0)
                promoted_from = time.monotonic()
                pair.promote()
                promoted_at = time.monotonic()
                say("Promoted; waiting for both nodes to answer ...")
                for node in nodes:
                    _wait_until_back(load, node, promoted_at)
                back_at = time.monotonic()
                say("Changing plans on the new primary, and bringing the old one back as its replica ...")
                if not wait_until(lambda: selling.put(web, made, "business"), seconds=_BACK_SECONDS):
                    raise DrillError(f"The plan cannot be changed any more:\n{web.last_words()}")
                _hold(_UP_SECONDS)
                pair.follow()
                _sell(selling, web, made, "starter", hold=_DOWN_SECONDS)
            finally:
                load.stop()
            return _result(pair, load.asked, selling, killed_at, promoted_from, promoted_at, back_at)


def _hold(seconds: float) -> None:
    """Let the load go on for a while: how it goes on is what is measured."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, seconds=seconds + 1)


def _sell(selling: Selling, web: Process, made: Mapping[str, Any], plan: str, *, hold: float) -> None:
    if not selling.put(web, made, plan):
        raise DrillError(f"The plan could not be changed:\n{web.last_words()}")
    _hold(hold)


def _wait_until_back(load: Load, node: Process, since: float) -> None:
    if not wait_until(lambda: load.answered_since(since, node.name), seconds=_BACK_SECONDS):
        raise DrillError(f"{node.name} does not come back:\n{node.last_words()}")


def _result(
    pair: Pair,
    asked: list[Asked],
    selling: Selling,
    killed_at: float,
    promoted_from: float,
    promoted_at: float,
    back_at: float,
) -> Failover:
    allows = [one for one in asked if one.is_allowed]
    durable = [one for one in asked if one.decision_id and not (one.is_allowed and one.question == "a routine allow")]
    lost, in_recovery, caught_up = _records(pair, [one.decision_id for one in durable])
    first = {
        node: min(
            one.ended for one in asked if one.node == node and one.began > killed_at and one.status == httpx.codes.OK
        )
        for node in {one.node for one in asked}
    }
    return Failover(
        asked=len(asked),
        before=statuses([one for one in asked if one.ended <= killed_at]),
        during=statuses([one for one in asked if killed_at < one.ended <= back_at]),
        after=statuses([one for one in asked if one.ended > back_at]),
        allows=len(allows),
        refusals=sum(one.status == httpx.codes.OK for one in asked) - len(allows),
        wrong=wrong(asked, selling),
        acknowledged=len(durable),
        lost=lost,
        changes=selling.changes,
        silent={node: moment - killed_at for node, moment in sorted(first.items())},
        promoting=promoted_at - promoted_from,
        returned_in_recovery=in_recovery,
        returned_caught_up=caught_up,
    )


def _records(pair: Pair, ids: list[str]) -> tuple[list[str], bool, bool]:
    """Look which records the new primary lacks, and how the old one stands."""
    wanted = {UUID(one.removeprefix("dec_")): one for one in ids}
    with pair.replica.superuser() as new, pair.primary.superuser() as old:
        found = {row[0] for row in new.execute("SELECT id FROM audit_entry WHERE id = ANY(%s)", (list(wanted),))}
        in_recovery = old.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)

        def is_caught_up() -> bool:
            (position,) = new.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
            return old.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (position,)).fetchone() == (True,)

        caught_up = wait_until(is_caught_up, seconds=20)
    return [wanted[one] for one in wanted if one not in found], in_recovery, caught_up
