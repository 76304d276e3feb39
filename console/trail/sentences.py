"""A story as a sentence."""

from audit.api import Entry, Kind
from console.trail.changed import TELLERS
from console.trail.decided import decided
from console.trail.proved import PARTS, alone, clauses
from console.trail.stories import Story
from console.trail.wording import Names, day_and_time, plain


def sentence(story: Story, names: Names) -> str:
    """Tell a story: ``On 3 March 10:02 Alice of Acme was asked for a second factor to export customers; …``.

    The trail outlives the code: what this version does not know how to tell is told by its kind.
    """
    first = story[0]
    try:
        told = "; ".join([_beginning(first, names), *clauses(story, names)])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        about = f" about {names.member(first.subject)}" if first.subject else ""
        told = f"{plain(first.kind)}{about} happened, in a form that is not known here (entry {first.id})"
    return f"On {day_and_time(first.at)} {told}."


def _beginning(entry: Entry, names: Names) -> str:
    if entry.kind == Kind.DECISION:
        return decided(entry, names)
    if entry.kind in PARTS:
        return alone(entry, names)
    return TELLERS[entry.kind](entry, names)
