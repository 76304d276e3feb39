"""JSON Schemas (2020-12) of a bundle's files, made from the code, so that editors complete and check as people write.

The files beside this one, in ``schemas/``, are these texts. In an editor that speaks yaml-language-server a file begins
with ``# yaml-language-server: $schema=`` and where they are.
"""

import json
from collections.abc import Mapping
from typing import Final

from tiergate.levels import Level
from tiergate.policy import limits
from tiergate.policy.cases import Outcome
from tiergate.policy.globs import GLOB
from tiergate.policy.proving import FACTORS
from tiergate.policy.proving.invariants import GIVEN_UP, KINDS
from tiergate.policy.rules import ID
from tiergate.policy.schema import FIELDS, FUNCTIONS, MACROS, Field, Kind
from tiergate.requirements import MAX_AGE_LIMIT, MAX_APPROVALS, Scope

type Schema = dict[str, object]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def list_schemas() -> Mapping[str, str]:
    """Give the text of each schema by its file's name: of a bundle's files, and ``request.json``."""
    made = {
        "bundle.json": _bundle(),
        "rules.json": _rules(),
        "invariants.json": _invariants(),
        "tests.json": _tests(),
        "request.json": _request(),
    }
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()}


def requirement_schema() -> Schema:
    """Give the schema of a requirement, as `tiergate.Requirement.from_json` reads it."""
    members: Schema = {
        "level": _one_of("What the proofs must reach together.", [one for one in Level if one != Level.NONE]),
        "max_age": _whole("Seconds since the newest proof of a factor that the level needs.", 1, MAX_AGE_LIMIT),
        "phishing_resistant": _flag("That proof resists phishing."),
        "device_bound": _flag("The key of that proof cannot be copied."),
        "scope": _one_of("The widest scope that this proof may have been given for.", list(Scope)),
        "approvals": _whole("How many other people must have agreed.", 0, MAX_APPROVALS),
    }
    return _object("What a person must have shown.", members, minProperties=1)


def request_schema() -> Schema:
    """Give the schema of a request as rules read it: nested objects by the dotted names of the fields."""
    groups: dict[str, Schema] = {}
    for field in FIELDS.values():
        groups.setdefault(field.group, {})[field.member] = _field(field)
    return _object("A request as rules read it.", {name: _object("", members) for name, members in groups.items()})


def sentence_schema(description: str) -> Schema:
    """Give the schema of a sentence for people."""
    return {"description": description, "type": "string", "minLength": 1, "maxLength": limits.MAX_SENTENCE}


def id_schema(description: str) -> Schema:
    """Give the schema of a slug by which something is known in its bundle."""
    return {"description": description, "type": "string", "maxLength": limits.MAX_ID, "pattern": f"^{ID.pattern}$"}


def when_schema() -> Schema:
    """Give the schema of a condition, which lists what it may read and call."""
    called = ", ".join(dict.fromkeys([*FUNCTIONS.values(), *MACROS]))
    read = "\n".join(f"{one.name} ({one.kind}): {_sentence(one)}" for one in FIELDS.values())
    description = (
        f"When it holds: CEL, of type bool; always, where it is left out. It may use {called}; and read\n\n{read}"
    )
    return {"description": description, "type": "string", "minLength": 1, "maxLength": limits.MAX_WHEN}


def targets_schema() -> Schema:
    """Give the schema of ``on``: what a rule is about."""
    glob = {"type": "string", "maxLength": limits.MAX_GLOB, "pattern": f"^{GLOB.pattern}$"}
    names = {
        "actions": "Actions by name. * is any run of characters but dots, ** any run at all.",
        "features": "Features that the action uses; one that uses none is not meant.",
        "scopes": "Scopes of tokens that stand for the action.",
    }
    members: Schema = {
        name: {"description": sentence, "type": "array", "minItems": 1, "items": glob}
        for name, sentence in names.items()
    }
    return _object("What it is about: every one of these that is given.", members, minProperties=1)


def _bundle() -> Schema:
    members: Schema = {
        "name": sentence_schema("What the bundle is called."),
        "version": {"description": "How the bundle is written.", "const": 1},
        "description": sentence_schema("What it is for."),
        "owner": sentence_schema("Who answers for it."),
    }
    return _top("bundle", _object("A bundle of rules.", members, required=list(members)))


def _rules() -> Schema:
    members: Schema = {
        "id": id_schema("The name of the rule, found once in its bundle; answers and records have it as policy:<id>."),
        "on": targets_schema(),
        "when": when_schema(),
        "require": {"$ref": "#/$defs/requirement"},
        "forbid": {"description": "Refuse, whatever anybody shows.", "const": True},
        "because": sentence_schema("Why, in a sentence for the person who is asked or refused."),
        "owner": sentence_schema("Who answers for the rule."),
        "waives_tests": {
            "description": "Why no test of the bundle tries the rule.",
            "anyOf": [sentence_schema(""), {"const": False}],
        },
    }
    rule = _object(
        "A rule.",
        members,
        required=["id", "on", "because", "owner"],
        oneOf=[{"required": ["require"]}, {"required": ["forbid"]}],
    )
    top: Schema = {"description": "Rules of a bundle.", "type": "array", "items": rule}
    return _top("rules", {**top, "$defs": {"requirement": requirement_schema()}})


def _invariants() -> Schema:
    waiver: Schema = {
        "owner": sentence_schema("Who answers for it meanwhile."),
        "until": {
            "description": "The last day on which it holds, e.g. 2027-01-31.",
            "type": "string",
            "format": "date",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        },
        "because": sentence_schema("Why it cannot be proved yet."),
    }
    gone = waiver | {"because": sentence_schema("Why it is promised no more.")}
    factors: Schema = {
        "description": "Factors, a password beside each, of which one at the least is good for all that is asked.",
        "type": "array",
        "minItems": 1,
        "items": {"enum": list(FACTORS)},
    }
    members: Schema = {
        "id": id_schema("The name of the invariant, found once in its bundle."),
        "on": targets_schema(),
        "when": when_schema(),
        "never_below": {"$ref": "#/$defs/requirement"},
        "never_lowered": {
            "description": "It asks for no less than the bundle before it, and forbids what that forbids.",
            "const": True,
        },
        "forbidden": {"description": "It forbids, whatever anybody shows.", "const": True},
        "satisfiable_by": factors,
        "owner": sentence_schema("Who answers for the invariant."),
        "waiver": _object("Somebody's word for what is not proved.", waiver, required=list(waiver)),
    }
    invariant = _object(
        "What holds of every request that this is about.",
        members,
        required=["id", "on", "owner"],
        oneOf=[{"required": [one]} for one in KINDS],
    )
    given_up = _object(
        "What the bundle before promises, and this one does not: somebody says so.",
        {
            "id": id_schema("The name of the promise in the bundle before."),
            GIVEN_UP: _object("Whose word it is, until when it counts, and why.", gone, required=list(gone)),
        },
        required=["id", GIVEN_UP],
    )
    top: Schema = {
        "description": "What a bundle promises.",
        "type": "array",
        "items": {"if": {"required": [GIVEN_UP]}, "then": given_up, "else": invariant},
    }
    return _top("invariants", {**top, "$defs": {"requirement": requirement_schema()}})


def _tests() -> Schema:
    ids: Schema = {"type": "array", "items": id_schema("The id of a rule.")}
    want: Schema = {
        "outcome": _one_of("What comes of it: what forbids wins.", list(Outcome)),
        "require": {"$ref": "#/$defs/requirement"},
        "because": sentence_schema("A sentence of a rule that holds."),
        "rules": {"description": "All rules that hold.", **ids},
        "unjudged": {"description": "All rules that cannot be judged, since what they read is not known.", **ids},
    }
    asks: Schema = {
        "if": {"properties": {"outcome": {"const": "asks"}}},
        "then": {"required": ["require"]},
        "else": {"not": {"required": ["require"]}},
    }
    members: Schema = {
        "it": sentence_schema('What it does: finishes the sentence that "it" begins.'),
        "given": {"$ref": "#/$defs/request"},
        "want": _object("What the bundle is wanted to say.", want, required=["outcome"], **asks),
    }
    top: Schema = {
        "description": "Cases that a bundle is tried by.",
        "type": "array",
        "items": _object("A case.", members, required=list(members)),
    }
    return _top("tests", {**top, "$defs": {"requirement": requirement_schema(), "request": request_schema()}})


def _request() -> Schema:
    return _top("request", request_schema())


def _top(name: str, schema: Schema) -> Schema:
    return {"$schema": _DIALECT, "$id": f"urn:tiergate:policy:{name}:1", **schema}


def _object(description: str, members: Mapping[str, object], **more: object) -> Schema:
    said: Schema = {"description": description} if description else {}
    return {**said, "type": "object", "additionalProperties": False, "properties": dict(members), **more}


def _one_of(description: str, values: list[str]) -> Schema:
    return {"description": description, "enum": [str(one) for one in values]}


def _whole(description: str, lowest: int, highest: int) -> Schema:
    return {"description": description, "type": "integer", "minimum": lowest, "maximum": highest}


def _flag(description: str) -> Schema:
    return {"description": description, "type": "boolean"}


def _sentence(field: Field) -> str:
    """Say what a field is, what it may be, and what it is when nobody knows."""
    values = f" One of {', '.join(field.values)}." if field.values else ""
    unknown = "Absent" if field.unknown is None else json.dumps(field.unknown)
    return f"{field.sentence}{values} {unknown} when nobody knows."


_TYPES: Final[Mapping[Kind, Schema]] = {
    Kind.BOOL: {"type": "boolean"},
    Kind.INT: {"type": "integer"},
    Kind.DOUBLE: {"type": "number"},
    Kind.STRING: {"type": "string", "maxLength": limits.MAX_TEXT},
    Kind.STRINGS: {
        "type": "array",
        "maxItems": limits.MAX_ITEMS,
        "items": {"type": "string", "maxLength": limits.MAX_TEXT},
    },
    Kind.TIMESTAMP: {"type": "string", "format": "date-time"},
}


def _field(field: Field) -> Schema:
    schema: Schema = {"description": _sentence(field), **_TYPES[field.kind]}
    if field.values:
        schema = {"description": _sentence(field), "enum": [str(one) for one in field.values]}
    if field.lowest is not None:
        schema["minimum"] = field.lowest
    if field.highest is not None:
        schema["maximum"] = field.highest
    return schema
