"""One way to lay out a bundle's files: members in one order, one indentation, one empty line between rules.

What stands in a file is moved, never written anew: comments stay with what they stand above, and every text as it is.
"""

from collections.abc import Sequence
from typing import Final

from tiergate.policy.errors import BundleRefused
from tiergate.policy.nodes import Listing, Members, Plain, to_plain
from tiergate.policy.reading import read_yaml
from tiergate.policy.rules import MEMBERS
from tiergate.policy.source import Source

_DASH: Final = "- "


def format_file(path: str, text: str) -> str:
    """Lay out one file of a bundle; laid out again, it stays as it is.

    path: within the bundle. A file whose parts could not be moved without a change of meaning keeps its order.

    :raises BundleRefused: it is no YAML that a bundle may have.
    """
    source = Source(path, text)
    node = read_yaml(source)
    said = None if node is None else to_plain(node)
    if source.errors:
        raise BundleRefused(source.errors)
    tidy = _tidied(source.lines)
    laid_out = _laid_out(path, Source(path, tidy))
    for candidate in (laid_out, tidy):
        # INVARIANT: what is laid out says what it said; what would not is not laid out.
        if candidate is not None and _is_same(path, candidate, said) and _comments(candidate) == _comments(source.text):
            return candidate
    return source.text


def _is_same(path: str, text: str, said: Plain) -> bool:
    source = Source(path, text)
    node = read_yaml(source)
    return not source.errors and (None if node is None else to_plain(node)) == said


def _comments(text: str) -> list[str]:
    return sorted(line.strip() for line in text.split("\n") if line.lstrip().startswith("#"))


def _tidied(lines: Sequence[str]) -> str:
    """Take blanks from the ends of lines, and empty lines from the file's."""
    return "\n".join(line.rstrip(" \t") for line in lines).strip("\n") + "\n"


def _laid_out(path: str, source: Source) -> str | None:
    """Lay out a file of rules; None where it is none, or its rules are not written as `- ` and members below."""
    node = read_yaml(source)
    if not path.startswith("rules/") or not isinstance(node, Listing) or not node.items:
        return None
    lines = source.lines[:-1]
    column = node.items[0].column - len(_DASH)
    starts = [item.line for item in node.items]
    if any(lines[start][: column + len(_DASH)] != " " * max(column, 0) + _DASH for start in starts):
        return None
    blocks: list[list[str]] = []
    after = 0
    for item, start, limit in zip(node.items, starts, [*starts[1:], len(lines)], strict=True):
        end = _end(lines, start, limit, column)
        body = [line[column:] if not line[:column].strip() else line.lstrip() for line in lines[start:end]]
        if isinstance(item, Members):
            body = _ordered(item, body, column)
        before = _groups(lines[after:start])
        is_glued = before and start > after and lines[start - 1]
        glued = before.pop() if is_glued else []
        blocks += [*before, [*glued, *body]]
        after = end
    blocks += _groups(lines[after:])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _end(lines: Sequence[str], start: int, limit: int, column: int) -> int:
    """Find the line after a rule's last: below it stand only empty lines, and comments that are not within it."""
    end = limit
    while end > start + 1 and (not lines[end - 1] or _is_comment(lines[end - 1], column)):
        end -= 1
    return end


def _is_comment(line: str, column: int) -> bool:
    """Say whether a line is a comment that stands no further in than a column: no text in YAML holds such a line."""
    bare = line.lstrip(" ")
    return bare.startswith("#") and len(line) - len(bare) <= column


def _groups(lines: Sequence[str]) -> list[list[str]]:
    """Cut comments where empty lines part them."""
    out: list[list[str]] = [[]]
    for line in lines:
        if line:
            out[-1].append(line.strip())
        elif out[-1]:
            out.append([])
    return [group for group in out if group]


def _ordered(rule: Members, body: Sequence[str], column: int) -> list[str]:
    """Put a rule's members in order, each with the comments above it; as they are where several share a line."""
    keys = [member.key for member in rule.members.values()]
    inside = len(_DASH)
    at = [key.line - rule.line for key in keys]
    if len(set(at)) < len(at) or any(key.column != column + inside for key in keys):
        return list(body)
    bare = [" " * inside + body[0][inside:], *body[1:]]
    begins = []
    for line in at:
        begin = line
        while begin > 0 and (not bare[begin - 1] or _is_comment(bare[begin - 1], inside)):
            begin -= 1
        begins.append(begin)
    chunks = {
        key.text: [line for line in bare[begin:own] if line] + bare[own:end]
        for key, own, begin, end in zip(keys, at, begins, [*begins[1:], len(bare)], strict=True)
    }
    out = [line for name in sorted(chunks, key=_rank) for line in chunks[name]]
    # The dash stands before the first member; what is said above that is said above the rule.
    first = next(number for number, line in enumerate(out) if not _is_comment(line, inside))
    return [*(line.strip() for line in out[:first]), _DASH + out[first][inside:], *out[first + 1 :]]


def _rank(name: str) -> tuple[int, str]:
    return (MEMBERS.index(name), "") if name in MEMBERS else (len(MEMBERS), name)
