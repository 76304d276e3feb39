"""Which function answers which address?"""

from collections.abc import Callable
from dataclasses import dataclass, field

from config.fake_stripe.account import Account
from config.fake_stripe.wire import Obj, Params, Refusal

type Answer = Callable[..., Obj]


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method. takes: the parameters that it knows, beside ``expand``."""

    answer: Answer
    takes: frozenset[str]


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


_ROOT = _Node()
_ANY = "*"


def serves(address: str, takes: str = "") -> Callable[[Answer], Answer]:
    """Let a function answer ``"POST /v1/products/*"``; each ``*`` is handed to it after account and parameters.

    takes: the names of the parameters, with spaces between.
    """
    method, path = address.split()

    def keep(answer: Answer) -> Answer:
        node = _ROOT
        for part in path.strip("/").split("/"):
            node = node.children.setdefault(part, _Node())
        node.routes[method] = Route(answer, frozenset(takes.split()) | {"expand"})
        return answer

    return keep


def answer_to(account: Account, method: str, path: str, params: Params) -> Obj:
    """Answer a call of the API.

    :raises Refusal: nobody answers there, or the one who does refuses.
    """
    node = _ROOT
    names: list[str] = []
    for part in path.strip("/").split("/"):
        below = node.children.get(part)
        if below is None:
            names.append(part)
            below = node.children.get(_ANY) or _Node()
        node = below
    route = node.routes.get(method)
    if route is None:
        raise Refusal(f"Unrecognized request URL ({method}: {path}).", status=404)
    params.only(*route.takes)
    return route.answer(account, params, *names)
