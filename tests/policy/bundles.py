"""Small bundles for tests: one rule with whatever matters, and requests with whatever it reads."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from tiergate.policy import Bundle, BundleRefused, PolicyError, Request, compile_bundle

ABOUT = "name: acme\nversion: 1\ndescription: Rules of Acme.\nowner: security\n"
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def rule(
    when: str | None = None, *, name: str = "one", on: str = "{actions: ['**']}", says: str = "forbid: true"
) -> str:
    """Write one rule of a file; ``when`` as a block, so that whatever it holds needs no quotes."""
    condition = "" if when is None else "  when: |\n" + "".join(f"    {line}\n" for line in when.split("\n"))
    return f"- id: {name}\n  on: {on}\n{condition}  {says}\n  because: So it is.\n  owner: security\n"


def files(rules: str, **more: str) -> Mapping[str, str]:
    """Give the files of a bundle with one file of rules; others by path, with ``_`` for the slash."""
    return {"bundle.yaml": ABOUT, "rules/a.yaml": rules} | {
        path.replace("_", "/", 1) + ".yaml": text for path, text in more.items()
    }


def bundle(rules: str, **more: str) -> Bundle:
    return compile_bundle(files(rules, **more))


def refused(rules: str, **more: str) -> tuple[PolicyError, ...]:
    """Compile what is no bundle, and give what is said to be wrong with it."""
    with pytest.raises(BundleRefused) as caught:
        bundle(rules, **more)
    return caught.value.errors


def request(**groups: object) -> Request:
    """Make a request for `data.export` that needs no licence, with whatever is said by group."""
    said: dict[str, object] = {
        "action": {"name": "data.export", "feature": "", "scopes": []},
        "time": {"now": NOON.isoformat()},
    }
    return Request.from_json(said | groups)
