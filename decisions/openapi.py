"""What the OpenAPI document says beyond what DRF's generator sees: the AuthZEN endpoints, and every refusal."""

from collections.abc import Iterator
from typing import Any

_ENTITY = {
    "type": "object",
    "required": ["type", "id"],
    "properties": {
        "type": {"type": "string"},
        "id": {"type": "string"},
        "properties": {"type": "object", "additionalProperties": True},
    },
}
_SCHEMAS: dict[str, Any] = {
    "AccessEntity": _ENTITY,
    "AccessAction": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "properties": {"type": "object", "additionalProperties": True}},
    },
    "AccessContext": {
        "type": "object",
        "additionalProperties": True,
        "properties": {
            "tenant": {"type": "string", "description": "Slug or id, for a credential of the vendor."},
            "session": {"type": "string", "description": "The handle ses_… of the person's session."},
            "environment": {"type": "string"},
            "purpose": {"type": "string", "enum": ["enforce", "display"]},
            "min_snapshot": {"type": "string", "description": "Never answer from an older version than this."},
            "transaction": {
                "description": "For rules: type, amount in minor units, currency (ISO 4217). Whatever else it is counts as unclear.",
            },
            "origin": {"description": "For rules: country (ISO 3166-1 alpha-2) and network_class."},
            "device": {"description": "For rules: is_known."},
            "consume": {
                "type": "object",
                "description": "What an allow is to use up of the action's limit; the same key is the same use.",
                "required": ["key"],
                "properties": {
                    "key": {"type": "string", "minLength": 1, "maxLength": 200},
                    "quantity": {"type": "integer", "minimum": 1, "default": 1},
                },
            },
            "reserve": {
                "type": "object",
                "description": "What an allow is to hold of the action's limit, for ttl seconds.",
                "required": ["key"],
                "properties": {
                    "key": {"type": "string", "minLength": 1, "maxLength": 200},
                    "quantity": {"type": "integer", "minimum": 1, "default": 1},
                    "ttl": {"type": "integer", "minimum": 1, "default": 900},
                },
            },
        },
    },
    "AccessRequest": {
        "type": "object",
        "required": ["subject", "action", "resource"],
        "properties": {
            "subject": {"$ref": "#/components/schemas/AccessEntity"},
            "action": {"$ref": "#/components/schemas/AccessAction"},
            "resource": {"$ref": "#/components/schemas/AccessEntity"},
            "context": {"$ref": "#/components/schemas/AccessContext"},
        },
    },
    "AccessAnswer": {
        "type": "object",
        "required": ["decision"],
        "properties": {
            "decision": {"type": "boolean"},
            "context": {"type": "object", "additionalProperties": True},
        },
    },
    "AccessUse": {
        "type": "object",
        "required": ["action", "resource"],
        "properties": {
            "subject": {"$ref": "#/components/schemas/AccessEntity"},
            "action": {"$ref": "#/components/schemas/AccessAction"},
            "resource": {"$ref": "#/components/schemas/AccessEntity"},
            "context": {"$ref": "#/components/schemas/AccessContext"},
        },
    },
    "AccessBatchRequest": {
        "type": "object",
        "properties": {
            "subject": {"type": "object", "additionalProperties": True},
            "action": {"type": "object", "additionalProperties": True},
            "resource": {"type": "object", "additionalProperties": True},
            "context": {"$ref": "#/components/schemas/AccessContext"},
            "evaluations": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
            "options": {
                "type": "object",
                "properties": {
                    "evaluations_semantic": {
                        "type": "string",
                        "enum": ["execute_all", "deny_on_first_deny", "permit_on_first_permit"],
                    }
                },
            },
        },
    },
    "AccessBatchAnswer": {
        "type": "object",
        "properties": {
            "evaluations": {"type": "array", "items": {"$ref": "#/components/schemas/AccessAnswer"}},
            "decision": {"type": "boolean"},
            "context": {"type": "object", "additionalProperties": True},
        },
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457 problem details.",
        "required": ["type", "title", "status", "code", "detail"],
        "additionalProperties": True,
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
        },
    },
}

_PROBLEMS = {
    "400": "The shape, size or encoding of the request is wrong.",
    "401": "The calling service shows no valid credential.",
    "403": "The credential may not ask for decisions.",
    "503": "The answer is unknown just now; ask again.",
}
_NO_TENANT = "The path has no place for such a name of a tenant."
_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "Echoed; makes the retry of a request that used up an elevation idempotent.",
}
_ELEVATION = {"name": "elevation", "in": "path", "required": True, "schema": {"type": "string"}}
_TENANT = {
    "name": "tenant",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}


def add_access_endpoints(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG001 - a hook's signature
    """Add the AuthZEN paths to the generated document."""
    result["components"].setdefault("schemas", {}).update(_SCHEMAS)
    for prefix, tag in (("", "evaluation"), ("/t/{tenant}", "tenant_evaluation")):
        parameters = [_REQUEST_ID, *([_TENANT] if prefix else [])]
        result["paths"][f"{prefix}/access/v1/evaluation"] = {
            "post": _operation(tag, "Ask for one decision", "AccessRequest", "AccessAnswer", parameters)
        }
        result["paths"][f"{prefix}/access/v1/evaluations"] = {
            "post": _operation(
                f"{tag}s", "Ask for several decisions", "AccessBatchRequest", "AccessBatchAnswer", parameters
            )
        }
        result["paths"][f"{prefix}/access/v1/elevations/{{elevation}}/consume"] = {"post": _use(tag, parameters)}
    for suffix, tag in (("", "authzen_configuration"), ("/t/{tenant}", "tenant_authzen_configuration")):
        result["paths"][f"/.well-known/authzen-configuration{suffix}"] = {
            "get": {
                "operationId": tag,
                "summary": "Find out where to ask",
                "tags": ["access"],
                "parameters": [_TENANT] if suffix else [],
                "security": [],
                "responses": {"200": _json("The endpoints of this decision point.", {"type": "object"})}
                | ({"404": _problem(_NO_TENANT)} if suffix else {}),
            }
        }
    return result


def _use(tag: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    operation = _operation(
        f"consume_{tag}".replace("evaluation", "elevation"),
        "Use up an elevation for one thing",
        "AccessUse",
        "AccessAnswer",
        [*parameters, _ELEVATION],
    )
    operation["description"] = (
        "Decides once more, by this elevation and no other, and uses it up with an allow. Whose it is is known; "
        "`subject` and `context.session` may be left out. A refusal is a 200 with `decision: false`."
    )
    operation["responses"] |= {
        "404": _problem("There is no such elevation for this caller."),
        "409": _problem("The elevation was used, has ended, or was given for something else."),
    }
    return operation


_UNSAFE = {"post", "put", "patch", "delete"}
# Where a bundle is held to what it promises.
_PROVING = {"/v1/policy/bundles", "/v1/policy/activations"}
_REFUSALS = {
    "400": "The shape, size or encoding of the request is wrong.",
    "401": "Nobody known calls, or a step-up is asked for (RFC 9470).",
    "403": "The caller may not do this.",
    "404": "There is no such thing, or not for this caller.",
    "409": "It cannot be so beside what else is so.",
    "415": "The body is not JSON.",
    "422": "What the body holds is not fit to be kept; `errors` says where and why.",
    "429": "Too many attempts, or a limit is reached; Retry-After says when to ask again.",
    "503": "The answer is not known just now; ask again.",
}


def complete_operations(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG001 - a hook's signature
    """Add to each operation every refusal that it may answer with, and that one way to be known is enough."""
    for path, item in result["paths"].items():
        for method, operation in item.items():
            if path.startswith("/.well-known/"):
                operation.setdefault("security", [])
                continue
            for status in _may_answer(path, method, operation):
                operation["responses"].setdefault(status, _problem(_REFUSALS[status]))
            # The generator writes all ways in one object, which would mean all of them together.
            operation["security"] = [
                {name: scopes} for ways in operation.get("security", []) for name, scopes in ways.items()
            ]
    return result


def _may_answer(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from ("401", "403", "503")
    if "/access/v1/" in path:
        return
    has_body = "requestBody" in operation
    if has_body or operation.get("parameters"):
        yield from ("400", "404")
    if has_body:
        yield "415"
    if method in _UNSAFE:
        yield from ("409", "429")
    if path in _PROVING and method in _UNSAFE:
        yield "422"


def _operation(
    operation_id: str, summary: str, asks: str, answers: str, parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    told = _PROBLEMS | ({"404": _NO_TENANT} if _TENANT in parameters else {})
    problems = {status: _problem(text) for status, text in told.items()}
    return {
        "operationId": operation_id,
        "summary": summary,
        "description": "AuthZEN Authorization API 1.0. A refusal is a 200 with `decision: false`.",
        "tags": ["access"],
        "parameters": parameters,
        "security": [{"credential": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{asks}"}}},
        },
        "responses": {"200": _json("The decision.", {"$ref": f"#/components/schemas/{answers}"}), **problems},
    }


def _json(description: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    return _json(description, {"$ref": "#/components/schemas/Problem"}, "application/problem+json")
