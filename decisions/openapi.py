"""The AuthZEN endpoints in the OpenAPI document: plain views, which DRF's generator does not see."""

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
_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "Echoed; makes the retry of a request that used up an elevation idempotent.",
}
_TENANT = {
    "name": "tenant",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}


def add_access_endpoints(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG001
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
    result["paths"]["/.well-known/authzen-configuration"] = {
        "get": {
            "operationId": "authzen_configuration",
            "summary": "Find out where to ask",
            "tags": ["access"],
            "security": [],
            "responses": {"200": _json("The endpoints of this decision point.", {"type": "object"})},
        }
    }
    return result


def _operation(
    operation_id: str, summary: str, asks: str, answers: str, parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    problems = {
        status: _json(text, {"$ref": "#/components/schemas/Problem"}, "application/problem+json")
        for status, text in _PROBLEMS.items()
    }
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
