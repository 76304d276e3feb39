"""Pages of lists, and what an answer holds in place of an id."""

from collections.abc import Callable, Iterable
from typing import Any

from config.fake_stripe.account import Account
from config.fake_stripe.wire import Missing, Obj, Params, Refusal, copied, listing

PAGE = "limit starting_after ending_before"
_DEFAULT_LIMIT = 10
_MOST = 100
_DEEPEST = 4

# Members that are there only when they are asked for: by kind and name, what computes them.
INCLUDED: dict[tuple[str, str], Callable[[Account, Obj], Any]] = {}


def page(url: str, kind: str, params: Params, oldest_first: Iterable[Obj]) -> Obj:
    """Cut the page that is asked for out of a list, newest first.

    :raises Refusal: the limit is none, or the cursor is not in the list.
    """
    limit = params.whole("limit")
    if limit is None:
        limit = _DEFAULT_LIMIT
    if not 1 <= limit <= _MOST:
        raise Refusal("This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    rows = list(oldest_first)
    rows.reverse()
    if after := params.text("starting_after"):
        rest = rows[_position(rows, kind, after, "starting_after") + 1 :]
        return listing(url, rest[:limit], has_more=len(rest) > limit)
    if before := params.text("ending_before"):
        rest = rows[: _position(rows, kind, before, "ending_before")]
        return listing(url, rest[-limit:], has_more=len(rest) > limit)
    return listing(url, rows[:limit], has_more=len(rows) > limit)


def _position(rows: list[Obj], kind: str, name: str, param: str) -> int:
    for position, row in enumerate(rows):
        if row["id"] == name:
            return position
    raise Missing(kind, name, param=param, status=400)


def in_time(params: Params, rows: Iterable[Obj], name: str = "created") -> Iterable[Obj]:
    """Keep what was made in the asked span: ``created=…`` or ``created[gte]=…``."""
    asked = params.values.get(name)
    if asked is None:
        return rows
    if isinstance(asked, str):
        exact = params.whole(name)
        return [row for row in rows if row[name] == exact]
    bounds = (params.inner(name) or Params({})).only("gt", "gte", "lt", "lte")
    low = max(
        (bounds.whole("gt") + 1 if (bounds.whole("gt")) is not None else 0),  # type: ignore[operator]
        bounds.whole("gte") or 0,
    )
    above, upto = bounds.whole("lt"), bounds.whole("lte")
    return [
        row
        for row in rows
        if row[name] >= low and (above is None or row[name] < above) and (upto is None or row[name] <= upto)
    ]


def expanded(account: Account, answer: Obj, paths: list[str]) -> Obj:
    """Put objects where an answer has their ids, along paths such as ``data.items.data.price.product``.

    :raises Refusal: a path leads nowhere, or too deep.
    """
    if not paths:
        return answer
    copy = copied(answer)
    for path in paths:
        steps = path.split(".")
        if len([step for step in steps if step != "data"]) > _DEEPEST:
            raise Refusal(f"You cannot expand more than 4 levels of a property ({path}).", param="expand")
        _expand(account, copy, steps, path)
    return copy


def _expand(account: Account, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for one in node:
            _expand(account, one, steps, path)
        return
    if node is None or not steps:
        return
    name, *rest = steps
    if not isinstance(node, dict):
        raise _not_expandable(path)
    including = INCLUDED.get((node.get("object", ""), name))
    if including is not None and name not in node:
        node[name] = copied(including(account, node))
    if name not in node:
        raise _not_expandable(path)
    if isinstance(value := node[name], str):
        found = account.find(value)
        if found is None:
            raise _not_expandable(path)
        node[name] = copied(found)
    elif not rest and not isinstance(value, (dict, type(None))):
        raise _not_expandable(path)
    _expand(account, node[name], rest, path)


def _not_expandable(path: str) -> Refusal:
    return Refusal(f"This property cannot be expanded ({path}).", param="expand")
