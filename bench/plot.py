"""The table as a picture: one SVG that needs nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from bench.questions import TITLES
from bench.rounds import Row, Spread

_COLOURS = ("#1b6ca8", "#5ba4d9", "#b4521c", "#e0a072")
_LABEL, _BAR, _LINE, _GAP, _COLUMN, _MARGIN = 220, 230, 18, 26, 520, 20


def svg(rows: Sequence[Row], titles: Mapping[str, str], *, note: str) -> str:
    """Draw requests a second and p99 as bars, with a whisker from the least to the most of the rounds."""
    drawn: list[str] = []
    y = 76
    keys = list(dict.fromkeys(row.key for row in rows))
    columns: tuple[tuple[str, Callable[[Row], Spread]], ...] = (
        ("requests a second: longer is better", lambda row: row.per_second),
        ("p99 in milliseconds: shorter is better", lambda row: row.p99),
    )
    for (of, connections), cell in groupby(rows, key=lambda row: (row.of, row.connections)):
        each = list(cell)
        heading = f"{TITLES[of]}, {connections} connection{'s' * (connections > 1)}"
        drawn.append(_text(_MARGIN, y, heading, "font-weight:bold"))
        for number, (title, figure) in enumerate(columns):
            x = _MARGIN + number * _COLUMN
            drawn.append(_text(x + _LABEL, y, title, "fill:#666;font-size:11px"))
            drawn += _bars(each, keys, titles, figure, x, y + 6)
        y += _GAP + _LINE * (len(each) + 1)
    width = 2 * _MARGIN + 2 * _COLUMN
    head = [_text(_MARGIN, 24, "Decisions", "font-size:18px;font-weight:bold"), _text(_MARGIN, 42, note, "fill:#666")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" '
        'font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
        + "".join(head + drawn)
        + "</svg>\n"
    )


def _bars(
    each: Sequence[Row],
    keys: Sequence[str],
    titles: Mapping[str, str],
    figure: Callable[[Row], Spread],
    x: int,
    y: int,
) -> Iterator[str]:
    longest = max(figure(row).most for row in each) or 1
    for number, row in enumerate(each):
        top = y + number * _LINE
        one = figure(row)
        length, least, most = (_BAR * value / longest for value in (one.median, one.least, one.most))
        colour = _COLOURS[keys.index(row.key) % len(_COLOURS)]
        middle = top + _LINE / 2
        yield _text(x, top + 13, titles[row.key], "font-size:11px")
        yield f'<rect x="{x + _LABEL}" y="{top + 3}" width="{length:.1f}" height="{_LINE - 6}" fill="{colour}"/>'
        yield (
            f'<path d="M{x + _LABEL + least:.1f} {middle}H{x + _LABEL + most:.1f}" stroke="#222" stroke-width="1.5"/>'
        )
        said = f"{one.median:,.0f}" if one.median >= 100 else f"{one.median:.2f}"  # noqa: PLR2004 - as it reads best
        yield _text(x + _LABEL + most + 6, top + 13, said, "font-size:11px")


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" style="{style}">{escape(words)}</text>'
