"""What is gained and lost by a change, in words. Pure: an effect as `licensing` works it out in, sentences out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.plan.wording import asks_in_words, side_in_words
from licensing import api as licensing
from tiergate import FeatureSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a change does to a workspace, a sentence each.

    others: what is neither more nor less. asks: what is asked otherwise of whoever uses something.
    """

    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


def foreseen_of(
    effect: licensing.Effect,
    features: Mapping[str, FeatureSpec],
    usage: Mapping[str, licensing.UsageView] | None = None,
) -> Foreseen:
    """Say what an effect is to a buyer.

    usage: what is used now, for limits that fall below it; None where the person may not see it.
    """

    def title(key: str) -> str:
        return features[key].title or key if key in features else key

    gains = [f"{title(key)}." for key in effect.gains]
    losses = [f"{title(key)}." for key in effect.loses]
    others: list[str] = []
    for one in effect.limits:
        said = f"{title(one.feature)}: {side_in_words(one.new)}, where it is {side_in_words(one.old)} now."
        where = {True: gains, False: losses, None: others}[_is_more(one.old, one.new)]
        where.append(f"{said}{_over(one, (usage or {}).get(one.feature))}")
    others += [
        f"{title(one.feature)}: {side_in_words(one.new)}, where it is {side_in_words(one.old)} now."
        for one in effect.configs
    ]
    asks = [
        f"{title(one.feature)}: {asks_in_words(one.new)}"
        + ("." if one.feature in effect.gains else f", where it is {asks_in_words(one.old)} now.")
        for one in effect.assurance
        if asks_in_words(one.new) != asks_in_words(one.old)
    ]
    return Foreseen(gains=tuple(gains), losses=tuple(losses), others=tuple(others), asks=tuple(asks))


def _is_more(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
    """Say whether a limit grows; None where two periods cannot be compared."""
    if bool(old["unlimited"]) != bool(new["unlimited"]):
        return bool(new["unlimited"])
    if old["per"] != new["per"] or old["limit"] == new["limit"]:
        return None
    return (new["limit"] or 0) > (old["limit"] or 0)


def _over(one: licensing.Shift, view: licensing.UsageView | None) -> str:
    if view is None or one.new["unlimited"] or view.used <= (one.new["limit"] or 0):
        return ""
    if view.reset_at is not None:
        return f" You have used {view.used:,} in this period."
    return f" You have {view.used:,}: none is taken away, and none can be added until they fit."
