"""Every address of the site, asked by Acme about things of Globex and about their ghosts: the answers must not differ.

Nothing here names an address. The paths come from the URL configuration, what bodies and queries hold from the API's
document, and the values from Globex's rows. So an endpoint that is added is attacked without being named anywhere.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from decisions.checks import walk
from isolation import clock
from tests.decisions.conftest import PASSWORD
from tests.isolation.sides import Side

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
UNSAFE: Final = ("POST", "PUT", "PATCH", "DELETE")

# What a member, parameter or part of a path is called elsewhere than in the rows.
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "handle": ("session",),
    "subject": ("subject_id",),
    "username": ("subject_id",),
    "id": ("subject_id", "session", "challenge"),
    "factor": ("id",),
    "roles": ("key",),
    "privileges": ("key",),
    "after": ("subject_id", "key"),
    "device": ("id",),
    "report": ("reference",),
    "add_ons": ("key",),
    "tenant_id": ("tenant",),
    "challenge_id": ("challenge",),
    "elevation_id": ("elevation",),
    "approval_id": ("approval",),
    "state": ("state",),
    "decision": ("decision_id",),
    "entry": ("decision_id", "id"),
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that is to be made: a route with what goes into it."""

    route: str
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    is_form: bool = False

    @property
    def address(self) -> str:
        """Fill the route in."""
        address = self.route
        for name, value in self.path.items():
            address = address.replace(f"{{{name}}}", quote(value, safe=":"))
        return address + (f"?{urlencode(self.query)}" if self.query else "")

    def told(self) -> str:
        """Give all that the request says."""
        return f"{self.address} {json.dumps(self.body)}"


def routes() -> list[str]:
    """List every route of the URL configuration, parameters in braces."""
    found = []
    for route, _view in walk(get_resolver()):
        plain = re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)", r"{\1}", route)
        plain = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", plain)
        found.append("/" + plain.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", ""))
    return found


def requests(side: Side) -> list[Request]:
    """Make one right request for every operation of the API's document, and a plain one for every other address."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    own = _own_values(side)
    out, known = [], set()
    for route, item in document["paths"].items():
        for method, operation in item.items():
            known.add(route)
            parameters = operation.get("parameters", [])
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            out.append(
                Request(
                    route=route,
                    method=method.upper(),
                    path={name: own.get(name, "one") for name in re.findall(r"\{(\w+)\}", route)},
                    query={
                        one["name"]: own[one["name"]]
                        for one in parameters
                        if one["in"] == "query" and one["name"] in own
                    },
                    body=None if body is None else _example(body, document, own, ""),
                )
            )
            out[-1] = _with_open_query(out[-1], parameters)
    form = {name: values[0] for name, values in own_form(own).items()}
    for route in routes():
        if route not in known:
            path = {name: own.get(name, "one") for name in re.findall(r"\{(\w+)\}", route)}
            out.append(Request(route=route, method="GET", path=path))
            out.append(Request(route=route, method="POST", path=path, body=form, is_form=True))
    return out


def _with_open_query(request: Request, parameters: Sequence[Mapping[str, Any]]) -> Request:
    """Note every query parameter; one without a value of ours is left out until it is attacked."""
    open_ones = {one["name"]: "" for one in parameters if one["in"] == "query" and one["name"] not in request.query}
    return replace(request, query={**request.query, **open_ones})


def own_form(own: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give what a page's form may hold, each as text."""
    return {name: [value] for name, value in own.items() if isinstance(value, str)}


def _own_values(side: Side) -> dict[str, Any]:
    return {
        "tenant": side.slug,
        "handle": side.session,
        "session": side.session,
        "challenge": side.challenge,
        "elevation": side.elevation,
        "suspended": side.suspended,
        "approval": side.approval,
        "subject": f"user:{side.person}",
        "key": side.role,
        "feature": "reports",
        "report": "q1",
        "token": "one",
        "decision_id": side.decision,
        "plan": "regulated",
        "roles": ["member"],
        "add_ons": ["extra"],
        "privileges": ["reports.read"],
        "effect": "inherit",
        "amr": ["pwd"],
        "auth_time": clock.now().isoformat(),
        "expires_at": None,
        "active_from": None,
        "active_to": None,
        "idp": "https://login.acme.example",
        "username": side.owner,
        "password": PASSWORD,
        "method": "totp",
        "code": "000000",
        "return_to": "",
        "reference": "invoice-9",
        "currency": "EUR",
        "scope": "exports",
        "audience": "https://exports.example",
        "limit": "2",
        "status": "active",
        "ip": "192.0.2.7",
        "environment": "production",
        "purpose": "enforce",
        "next": "/",
        "action_name": "reports.read",
        "subject_type": "user",
        "subject_id": side.person,
        "evaluations_semantic": "execute_all",
        "requirement": None,
        "version": None,
        "reset_period": None,
        "value": None,
        "min_snapshot": "g0.t0",
    }


def _example(schema: Mapping[str, Any], document: Mapping[str, Any], own: Mapping[str, Any], name: str) -> Any:
    """Write a body that a schema allows, from values of our own where a member's name tells which."""
    if "$ref" in schema:
        return _example(_found(schema["$ref"], document), document, own, name)
    several = next((schema[one] for one in ("allOf", "oneOf", "anyOf") if one in schema), None)
    if "properties" in schema:
        value = _object(schema["properties"], document, own, name)
    elif name in own:
        value = own[name]
    elif several is not None:
        value = _example(several[0], document, own, name)
    elif schema.get("type") == "array":
        value = [_example(schema.get("items", {}), document, own, name)]
    else:
        value = _plain_example(schema)
    return value


def _plain_example(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    a_text = clock.now().isoformat() if schema.get("format") == "date-time" else "words"
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True, "object": {}}
    return plain.get(schema.get("type", ""), a_text)


def _object(members: Mapping[str, Any], document: Mapping[str, Any], own: Mapping[str, Any], name: str) -> Any:
    out = {one: _example(schema, document, own, one) for one, schema in members.items()}
    # AuthZEN's entities are all called `type` and `id`; whose they are is said by the member that holds them.
    entity = {"subject": ("user", own["subject_id"]), "resource": ("report", "1")}.get(name)
    if entity and "id" in out:
        out["type"], out["id"] = entity
    if name == "action" and "name" in out:
        out["name"] = own["action_name"]
    if name == "" and "evaluations" in out:
        out |= {
            "subject": {"type": "user", "id": own["subject_id"]},
            "action": {"name": own["action_name"]},
            "resource": {"type": "report", "id": "1"},
            "evaluations": [{"context": {"tenant": own["tenant"], "session": own["session"]}}],
        }
    return out


def _found(reference: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]  # a part of JSON


type Slot = tuple[str, tuple[str | int, ...]]


def slots(request: Request) -> list[Slot]:
    """List each place of a request that holds a text: ``("path", ("tenant",))``, ``("body", ("subject", "id"))``.

    What a page's form may hold no document says: it is attacked as a whole, by `blanket`.
    """
    found: list[Slot] = [("path", (name,)) for name in request.path]
    found += [("query", (name,)) for name in request.query]
    if request.body is not None and not request.is_form:
        found += [("body", path) for path in _texts(request.body)]
    return found


def _texts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(member, (*path, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _texts(member, (*path, number))
    elif isinstance(value, str) or value is None:
        yield path


def put(request: Request, slot: Slot, value: str) -> Request:
    """Put a value into one place of a request."""
    where, path = slot
    if where == "path":
        return replace(request, path={**request.path, str(path[0]): value})
    if where == "query":
        return replace(request, query={**request.query, str(path[0]): value})
    body = copy.deepcopy(request.body)
    holder = body
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return replace(request, body=body)


def name_of(slot: Slot) -> str:
    """Give the name by which a place is known: its own, or that of the list or entity that it is in."""
    named = [part for part in slot[1] if isinstance(part, str)]
    return named[-1] if named else ""


def fitting(slot: Slot, names: Mapping[str, Sequence[str]], *, most: int = 3) -> list[str]:
    """List what of Globex fits a place, by the place's name."""
    name = name_of(slot)
    values = [value for key in (name, *_ALSO.get(name, ())) for value in names.get(key, ())[:most]]
    if name in {"subject", "after"}:
        values += [f"{kind}:{one}" for kind in ("user", "account") for one in names.get("subject_id", ())[:1]]
    return list(dict.fromkeys(values))


def of_each_kind(names: Mapping[str, Sequence[str]]) -> list[str]:
    """List what of Globex has a name outside, and one row's own id, subject and key."""
    public = ("tenant", "session", "decision_id", "challenge", "elevation", "approval", "code", "name")
    values = [value for key in public for value in names.get(key, ())[:2]]
    return list(dict.fromkeys([*values, *(names[key][0] for key in ("id", "subject_id", "key") if names.get(key))]))


def blanket(request: Request, values: Mapping[str, str]) -> Request:
    """Say every name that is known at once, beside what the request says: for what no document tells of."""
    if request.method in UNSAFE:
        body = request.body if isinstance(request.body, dict) else {}
        return replace(request, body={**values, **body} if request.is_form else {**body, **values})
    return replace(request, query={**request.query, **values})
