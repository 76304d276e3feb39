"""What the bundle before promises, and this one does not: said by somebody, or no change to go on with."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from tiergate.policy.bundle import Bundle
from tiergate.policy.nodes import to_plain
from tiergate.policy.proving.invariants import Invariant, Promises, Waiver, read_promises


class GivenUp(Struct, frozen=True, kw_only=True):
    """One promise of the bundle before that this one neither makes, nor one that keeps it.

    word: whose word it is; None where nobody says so, or it is over. reason: why it does not count; "" where it does.
    """

    promise: Invariant
    word: Waiver | None = None
    reason: str = ""

    @property
    def is_accepted(self) -> bool:
        """Say whether somebody says so."""
        return self.word is not None


def given_up_by(bundle: Bundle, base: Bundle | None, *, today: date) -> tuple[GivenUp, ...]:
    """Name the promises of ``base`` that a bundle gives up, in the order of their ids. base: None: there is none.

    Nothing is proved: a promise is kept by the same one, whatever it is called, or by one that plainly says more.
    :raises BundleRefused: an invariant is none.
    """
    if base is None or _plain(base) <= _plain(bundle):
        return ()
    return give_up(read_promises(bundle), read_promises(base).invariants, today=today)


def give_up(own: Promises, before: Sequence[Invariant], *, today: date) -> tuple[GivenUp, ...]:
    """Name those of what was promised before that are promised no more."""
    gone = [one for one in before if not any(keeps(other, one) for other in own.invariants)]
    return tuple(_said(one, own.given_up.get(one.id), today) for one in gone)


def promise_of(invariant: Invariant) -> object:
    """Give what an invariant promises, whatever it is called and whoever answers for it."""
    about = invariant.about
    targets = (frozenset(about.actions), frozenset(about.features), frozenset(about.scopes))
    what = (
        invariant.never_below,
        invariant.never_lowered,
        invariant.forbidden,
        frozenset(invariant.satisfiable_by),
    )
    return targets, _condition(invariant), what


def keeps(own: Invariant, before: Invariant) -> bool:
    """Say whether a promise plainly says all that another did: of as many requests, as much."""
    return _is_about_all(own, before) and _says_all(own, before)


def _is_about_all(own: Invariant, before: Invariant) -> bool:
    if own.about.when is not None and _condition(own) != _condition(before):
        return False
    pairs = (
        (own.about.actions, before.about.actions),
        (own.about.features, before.about.features),
        (own.about.scopes, before.about.scopes),
    )
    # What names none of a kind is about all of it.
    return all(not mine or (theirs and set(theirs) <= set(mine)) for mine, theirs in pairs)


def _says_all(own: Invariant, before: Invariant) -> bool:
    if before.never_below is not None:
        is_enough = own.never_below is not None and own.never_below.is_at_least(before.never_below)
        return own.forbidden or is_enough
    if before.never_lowered:
        return own.never_lowered
    if before.forbidden:
        return own.forbidden
    return bool(own.satisfiable_by) and set(own.satisfiable_by) <= set(before.satisfiable_by)


def _condition(invariant: Invariant) -> str | None:
    return None if invariant.about.when is None else invariant.about.when.text


def _said(promise: Invariant, word: Waiver | None, today: date) -> GivenUp:
    if word is None:
        return GivenUp(promise=promise, reason="nobody says so")
    if word.until < today:
        return GivenUp(promise=promise, reason=f"the word of {word.owner} for it was over on {word.until}")
    return GivenUp(promise=promise, word=word)


def _plain(bundle: Bundle) -> frozenset[str]:
    """Give what stands among a bundle's invariants: most changes leave them as they are, and nothing need be read."""
    return frozenset(repr(to_plain(one)) for one in bundle.invariants)
