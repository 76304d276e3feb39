"""A report of what a bundle would change, as lines for a terminal, and as a comment on a pull request."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tiergate.policy.comparing import CHANGE_WORDS, LOOSER, Change
from tiergate.policy.impact import Example, Missing, Report, Share, Side
from tiergate.policy.wording import Alarm, in_words

_MOST: Final = 10
"""Rows of a table; the JSON has them all."""

_WARNING: Final = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"
type Quote = Callable[[str], str]


def to_lines(report: Report) -> Iterator[str]:
    """Tell a report line by line; what asks for less comes first, and as an alarm."""
    yield _headline(report)
    yield _window(report)
    yield from (Alarm(line) for line in _gone(report))
    for change, count in report.changes.items():
        line = f"  {count:>9}  {CHANGE_WORDS[change]}"
        yield Alarm(line) if change in LOOSER else line
    if report.locked_out:
        yield f"  {report.locked_out:>9}  of these would have had to enrol something first"
    advised = sum(count for change, count in report.advice.items() if change != Change.UNCHANGED)
    if advised:
        yield f"  {advised:>9}  menus would have been drawn otherwise"
    yield f"Prompts a day: {report.forecast.before_a_day:g} -> {report.forecast.after_a_day:g}"
    for title, shares in _tables(report):
        yield f"By {title}:"
        for share in shares[:_MOST]:
            parts = ", ".join(f"{count} {CHANGE_WORDS[change]}" for change, count in share.changes.items())
            yield f"  {share.name or '(none)'}: {parts}"
        if len(shares) > _MOST:
            yield f"  and {len(shares) - _MOST} more"
    if report.examples:
        yield "For example:"
    for one in report.examples:
        yield f"  {one.id}  {CHANGE_WORDS[one.change]}: {_told(one)}"
    yield from _doubts(report)


def to_markdown(report: Report) -> str:
    """Tell a report as a comment on a pull request; what asks for less comes first, with a warning sign."""
    lines = [f"### {_headline(report)}", "", _window(report), ""]
    gone = [f"- {_WARNING} **{line}**" for line in _gone(report, quote=code)]
    lines += [*gone, *([""] if gone else [])]
    lines += ["| | Decisions |", "|---|---:|"] if report.changes else []
    for change, count in report.changes.items():
        words = f"{_WARNING} **{CHANGE_WORDS[change]}**" if change in LOOSER else CHANGE_WORDS[change]
        lines.append(f"| {words} | {count} |")
    lines.append("")
    if report.locked_out:
        lines += [f"{report.locked_out} of these would have had to enrol something first.", ""]
    forecast = report.forecast
    lines += [f"Prompts a day: {forecast.before_a_day:g} \N{RIGHTWARDS ARROW} **{forecast.after_a_day:g}**", ""]
    for title, shares in _tables(report):
        lines += _table(title, shares)
    if report.examples:
        lines += ["<details><summary>Examples</summary>", ""]
        for one in report.examples:
            sign = f"{_WARNING} " if one.change in LOOSER else ""
            lines.append(f"- {sign}{CHANGE_WORDS[one.change]}: {_told(one, quote=code)}, decision {code(one.id)}")
        lines += ["", "</details>", ""]
    lines += [f"> {line}" for line in _doubts(report, quote=code)]
    return "\n".join(lines).rstrip() + "\n"


def code(text: str) -> str:
    """Write a text that somebody else chose so that Markdown reads nothing into it."""
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    plain = plain.replace("`", "'").replace("|", "\N{BROKEN BAR}")
    return f"`{plain}`" if plain.strip() else "(none)"


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text) or "(none)"


def _headline(report: Report) -> str:
    named = f"{report.candidate[:12] or 'no bundle'} instead of {report.base[:12] or 'no bundle'}"
    if report.candidate == report.base:
        named = f"{report.candidate[:12] or 'no bundle'} instead of itself"
    if not report.decisions:
        return f"{named}: no decision was recorded in this time, so nobody knows what it would have changed"
    if report.lowered:
        return f"{named}: {report.lowered} decisions would have asked for less"
    return f"{named}: {report.changed} of {sum(report.changes.values())} decisions would have changed"


def _window(report: Report) -> str:
    span = f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    return f"{report.decisions} recorded decisions, {span}."


def _gone(report: Report, *, quote: Quote = _plain) -> Iterator[str]:
    for one in report.gives_up:
        said = f"{quote(one.owner)} until {one.until}: {quote(one.because)}" if one.is_said else "nobody says so"
        yield f"gives up what was promised, {quote(one.promise)}: {said}"
    for one in report.waives:
        yield f"may go unproved, {quote(one.promise)}: {quote(one.owner)} until {one.until}: {quote(one.because)}"


def _tables(report: Report) -> list[tuple[str, Sequence[Share]]]:
    tables = (("rule", report.rules), ("feature", report.features), ("tenant", report.tenants))
    return [(title, shares) for title, shares in tables if shares]


def _table(title: str, shares: Sequence[Share]) -> list[str]:
    changes = [change for change in Change if any(change.value in share.changes for share in shares)]
    lines = [
        f"| {title.title()} | " + " | ".join(CHANGE_WORDS[change] for change in changes) + " |",
        "|---|" + "---:|" * len(changes),
    ]
    for share in shares[:_MOST]:
        counts = " | ".join(str(share.changes.get(change.value, "")) for change in changes)
        lines.append(f"| {code(share.name)} | {counts} |")
    if len(shares) > _MOST:
        lines.append(f"| and {len(shares) - _MOST} more |" + " |" * len(changes))
    return [*lines, ""]


def _told(one: Example, *, quote: Quote = _plain) -> str:
    rules = f", by {', '.join(quote(rule) for rule in one.rules)}" if one.rules else ""
    asked = f"{quote(one.who)} of {quote(one.tenant)} for {quote(one.action)} on a {quote(one.resource_type)}"
    return f"{asked} at {one.at:%Y-%m-%dT%H:%M:%SZ}: {_side(one.before)} -> {_side(one.after)}{rules}"


def _side(side: Side) -> str:
    asks = "" if side.requirement is None else f" ({in_words(side.requirement)})"
    return f"{side.outcome}{asks}" if side.outcome != "deny" else f"deny ({side.reason})"


def _doubts(report: Report, *, quote: Quote = _plain) -> Iterator[str]:
    for reason, missing in report.left_out.items():
        yield f"{missing.count} not looked at: {reason} ({_ids(missing, quote)})"
    for reason, missing in report.inexact.items():
        yield f"{missing.count} not exact: {reason} ({_ids(missing, quote)})"


def _ids(missing: Missing, quote: Quote) -> str:
    more = ", …" if missing.count > len(missing.ids) else ""
    return ", ".join(quote(one) for one in missing.ids) + more
