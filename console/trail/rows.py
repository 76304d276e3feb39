"""An entry as a row for a sheet or a program, with what auditors sample: asked against shown, and by which policy."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from audit.api import Entry, Kind
from console.trail.decided import rules_of
from console.trail.sentences import sentence
from console.trail.stories import Story
from console.trail.wording import Names, dig

COLUMNS: Final = (
    *("seq", "id", "story", "at", "kind", "subject_type", "subject_id", "session", "by", "action", "resource"),
    *("outcome", "reason", "required", "presented", "policy_version", "bundle_version", "rules", "snapshot"),
    *("sentence", "payload", "personal"),
)

# What a spreadsheet takes for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def rows(story: Story, names: Names) -> Iterator[dict[str, Any]]:
    """Write each entry of a story as a row; ``story`` is the id of its first entry."""
    for entry in story:
        yield {
            "seq": entry.seq,
            "id": str(entry.id),
            "story": str(story[0].id),
            "at": entry.at.isoformat(),
            "kind": entry.kind,
            "subject_type": entry.subject[0] if entry.subject else "",
            "subject_id": entry.subject[1] if entry.subject else "",
            "session": str(entry.session_id or ""),
            "by": entry.payload.get("by") or entry.payload.get("asked_by") or "",
            **_decision(entry),
            "sentence": sentence([entry], names),
            "payload": entry.payload,
            "personal": entry.personal,
        }


def cells(row: dict[str, Any]) -> list[str]:
    """Write a row for a CSV file, no cell of which a spreadsheet would run (OWASP, CSV injection)."""
    return [_cell(row[column]) for column in COLUMNS]


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _decision(entry: Entry) -> dict[str, str]:
    payload = entry.payload
    if entry.kind != Kind.DECISION:
        action = payload.get("action")
        return {**_NOTHING, "action": action if isinstance(action, str) else ""}
    facts, decision = dig(payload, "facts"), dig(payload, "decision")
    resource = dig(facts, "resource") or ()
    shown = dig(facts, "session", "proofs") or ()
    return {
        "action": str(dig(facts, "action_name") or ""),
        "resource": "/".join(map(str, resource)),
        "outcome": str(dig(decision, "outcome") or ""),
        "reason": str(dig(decision, "reason") or ""),
        "required": _asked(dig(decision, "requirement")),
        "presented": "; ".join(f"{one.get('method')} {one.get('issuer')} {one.get('at')}" for one in shown),
        "policy_version": str(dig(facts, "versions", "policy") or ""),
        "bundle_version": str(dig(facts, "versions", "bundle") or ""),
        "rules": "; ".join(rules_of(facts)),
        "snapshot": str(dig(facts, "versions", "snapshot") or ""),
    }


_NOTHING: Final = dict.fromkeys(COLUMNS[COLUMNS.index("action") : COLUMNS.index("snapshot") + 1], "")


def _asked(requirement: Any) -> str:
    said = requirement if isinstance(requirement, dict) else {}
    return "; ".join(f"{name} {value}" for name, value in sorted(said.items()) if value not in (None, False, 0, ""))
