"""`python -m deploy.drill restore|failover|sizes`: do a drill, print what was found, and exit with 0 when all was as promised."""

import sys

from config.embedded import EmbeddedError
from deploy.drill.cluster import DrillError
from deploy.drill.failover import Failover, failover_drill
from deploy.drill.restore import NUMBERED_ANEW, Restored, restore_drill
from deploy.drill.sizes import Sizes, sizes


def main(arguments: list[str]) -> int:
    """Do one drill."""
    match arguments:
        case ["restore"]:
            found = restore_drill(say)
            _tell_restored(found)
            return 1 if found.differences else 0
        case ["failover"]:
            held = failover_drill(say)
            _tell_failover(held)
            is_held = held.returned_in_recovery and held.returned_caught_up
            return 0 if is_held and not (held.wrong or held.lost) else 1
        case ["sizes"]:
            _tell_sizes(sizes(say))
            return 0
        case _:
            say("usage: python -m deploy.drill restore|failover|sizes")
            return 2


def say(text: str) -> None:
    """Tell a terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell_restored(found: Restored) -> None:
    say("")
    say(f"{'table':<40} {'before':>8} {'after':>8}  content")
    for table in sorted({*found.before.rows, *found.after.rows}):
        is_same = found.before.content.get(table) == found.after.content.get(table)
        same = "the same" if is_same else "numbered anew" if table in NUMBERED_ANEW else "ANOTHER"
        say(f"{table:<40} {found.before.rows.get(table, 0):>8} {found.after.rows.get(table, 0):>8}  {same}")
    say("")
    say("kept besides: " + ", ".join(f"{len(found.after.guards[kind])} {kind}" for kind in found.after.guards))
    say("")
    for question, was in found.before.answered.items():
        say(f"{question:<46} {'/'.join(was):<28} -> {'/'.join(found.after.answered[question])}")
    say("")
    say(f"audit verify: {found.after.verified}")
    say(f"written and sealed on: {found.resealed}")
    say(f"The dump has {found.dump_bytes} bytes. Differences: {len(found.differences)}.")
    for difference in found.differences:
        say(f"  {difference}")


def _tell_failover(found: Failover) -> None:
    say("")
    for when, statuses in (("before", found.before), ("during", found.during), ("after", found.after)):
        told = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(statuses.items()))
        say(f"requests {when:<8} {statuses.total():>7}   {told}")
    say(f"allows {found.allows}, refusals {found.refusals}, wrong allows {len(found.wrong)}")
    say(f"changes of plan acknowledged {found.changes}")
    say(f"durable records acknowledged {found.acknowledged}, lost {len(found.lost)}")
    say(f"promotion took {found.promoting:.1f} s; seconds from the kill to the next answer:")
    for node, seconds in found.silent.items():
        say(f"  {node} {seconds:.1f}")
    place = "a replica" if found.returned_in_recovery else "A SECOND PRIMARY"
    behind = "it has all" if found.returned_caught_up else "IT IS BEHIND"
    say(f"the primary that was came back as {place}; {behind}")


def _tell_sizes(found: Sizes) -> None:
    say("")
    for table, weight in found.rows.items():
        say(f"{table:<28} {weight:>8.0f} bytes a row, indexes and all")
    say(f"{'leaf and nodes of its seal':<28} {found.sealed:>8.0f} bytes an entry")
    for kind, weight in found.wal.items():
        say(f"{kind:<28} {weight:>8.0f} bytes of WAL")
    say(f"{'a routine record in Valkey':<28} {found.valkey:>8.0f} bytes")
    say(f"{'a decide worker':<28} {found.memory / 2**20:>8.0f} MiB")
    say(f"connections of one decide worker: {found.connections}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (DrillError, EmbeddedError) as error:
        sys.exit(str(error))
