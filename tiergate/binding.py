"""What a challenge is bound to: who asks for what, in one canonical hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from tiergate.catalogue import ActionSpec
from tiergate.proofs import BatchItem, is_within

_DOMAIN = b"tiergate-binding-v1\x00"
ENVIRONMENT = "context.environment"
_ABSENT = object()
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def bound_fields(binds: Sequence[str], document: Mapping[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Pick the bound properties out of a request's JSON, and name those that it lacks.

    binds: dotted paths from the request's top, e.g. ``"resource.properties.amount"``.
    document: the request as JSON objects: ``subject``, ``action``, ``resource``, ``context``.
    """
    found: dict[str, object] = {}
    missing: list[str] = []
    for path in binds:
        value = _at_path(document, path)
        if value is _ABSENT:
            missing.append(path)
        else:
            found[path] = value
    return found, tuple(missing)


def with_environment(
    action: ActionSpec | None, fields: Mapping[str, object], environment: str | None
) -> Mapping[str, object]:
    """Add to the bound fields where an action is to be done that asks by environment.

    Two environments may ask for the same: what was confirmed, or agreed to, for one is not done in the other.
    """
    if action is None or action.environment_aware is False or environment is None:
        return fields
    return {**fields, ENVIRONMENT: environment}


def binding(
    *,
    tenant: str,
    subject: tuple[str, str],
    session: str,
    action: str,
    resource: tuple[str, str],
    fields: Mapping[str, object],
) -> str:
    """Hash who asks for what, with the bound fields, so that no other request has the same hash.

    session: the handle of a person's session; of a service that asks in its own name, its credential's id.
    The hash is SHA-256 over JSON with sorted keys and no white space, in hex.

    :raises ValueError: a bound number is not finite, or a bound value is no JSON.
    """
    if fields:
        _refuse_odd(fields)
    else:
        names = f"{tenant}{subject[0]}{subject[1]}{session}{action}{resource[0]}{resource[1]}"
        if names.isascii() and names.isprintable() and '"' not in names and "\\" not in names:
            # What the encoder would write, for a third of its time: nothing here has to be escaped.
            written = (
                f'{{"action":"{action}","fields":{{}},"resource":["{resource[0]}","{resource[1]}"],'
                f'"session":"{session}","subject":["{subject[0]}","{subject[1]}"],"tenant":"{tenant}"}}'
            )
            return hashlib.sha256(_DOMAIN + written.encode()).hexdigest()
    document = {
        "tenant": tenant,
        "subject": list(subject),
        "session": session,
        "action": action,
        "resource": list(resource),
        "fields": dict(fields),
    }
    return hashlib.sha256(_DOMAIN + _canonical(document).encode()).hexdigest()


def batch_item(
    action: ActionSpec | None,
    *,
    tenant: str,
    subject: tuple[str, str],
    session: str,
    resource: tuple[str, str],
    fields: Mapping[str, object],
) -> BatchItem | None:
    """Say which of several a request is, where such may be confirmed several at once; else None.

    fields: the bound ones. What all of a batch share is hashed with who asks, and which resource is left out.
    One larger than the catalogue allows now is none of several, whatever was allowed when they were confirmed.

    :raises ValueError: as for `binding`.
    """
    if action is None or action.batch is None:
        return None
    limited = action.batch.per_item
    if not all(is_within(fields.get(path), most) for path, most in limited.items()):
        return None
    return BatchItem(
        resource_type=resource[0],
        resource_id=resource[1],
        same=binding(
            tenant=tenant,
            subject=subject,
            session=session,
            action=action.name,
            resource=(resource[0], ""),
            fields={path: value for path, value in fields.items() if path not in limited},
        ),
        amounts={path: value for path, value in fields.items() if path in limited and isinstance(value, int | float)},
    )


def _at_path(document: Mapping[str, object], path: str) -> object:
    value: object = document
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _refuse_odd(value: object) -> None:
    """Refuse what would be written as something else's JSON: ``{1: …}`` and ``{"1": …}`` are different requests."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if type(key) is not str:
                raise ValueError(f"a bound object has the key {key!r}, which is no text")
            _refuse_odd(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_odd(member)
    elif value is not None and type(value) not in {str, int, float, bool}:
        raise ValueError(f"a bound value is a {type(value).__name__}, which is no JSON")
