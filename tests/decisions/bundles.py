"""Bundles of rules as their publishers bring them, small ones, each with the cases that it is tried by."""

from collections.abc import Mapping
from datetime import UTC, datetime

from decisions.policy.activating import activate
from decisions.policy.history import Activation
from decisions.policy.stage import Mode
from decisions.policy.storing import StoredBundle, store_bundle
from isolation import clock

SAYS = {"forbid": "forbid: true", "aal2": "require: {level: aal2}", "aal3": "require: {level: aal3}"}
WANTS = {
    "forbid": "{outcome: forbids}",
    "aal2": "{outcome: asks, require: {level: aal2}}",
    "aal3": "{outcome: asks, require: {level: aal3}}",
}
THEN = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def files(name: str = "acme", *, says: str = "forbid", on: str = "reports.read", more: str = "") -> Mapping[str, str]:
    """Write a bundle of one rule about one action, and its cases."""
    return {
        "bundle.yaml": f"name: {name}\nversion: 1\ndescription: Rules of {name}.\nowner: security\n",
        "rules/a.yaml": f"- id: one\n  on: {{actions: [{on}]}}\n  {SAYS[says]}\n  because: It is {name}.\n  owner: security\n{more}",
        "tests/a.yaml": (
            f"- it: is asked\n  given: {{action: {{name: {on}, feature: '', scopes: []}}}}\n  want: {WANTS[says]}\n"
            "- it: is not asked\n  given: {action: {name: others.read, feature: '', scopes: []}}\n"
            "  want: {outcome: nothing}\n"
        ),
    }


def ruled(when: str, says: str, *, on: str) -> str:
    """Keep a bundle of one rule that nothing tries, and give its digest."""
    rule = rule_about(when, says, on=on)
    about = "name: acme\nversion: 1\ndescription: Rules of Acme.\nowner: security\n"
    return store_bundle({"bundle.yaml": about, "rules/a.yaml": rule}, by="user:olga", at=clock.now()).digest


def rule_about(when: str, says: str, *, on: str) -> str:
    """Write a rule about one action."""
    said = f"  when: '{when}'\n  {says}\n  because: So it is.\n  owner: security\n  waives_tests: A test is its case.\n"
    return f"- id: one\n  on: {{actions: [{on}]}}\n{said}"


def stored(name: str = "acme", **how: str) -> StoredBundle:
    """Keep such a bundle."""
    return store_bundle(files(name, **how), by="user:olga", at=clock.now())


def applied(name: str = "acme", **how: str) -> Activation:
    """Keep such a bundle, and put it in force."""
    return put_in_force(stored(name, **how).digest)


def put_in_force(digest: str | None, *, mode: Mode = Mode.NONE, **how: object) -> Activation:
    """Put a stored bundle in force."""
    return activate(digest=digest, mode=mode, because="it is time", by="user:olga", at=clock.now(), **how)  # type: ignore[arg-type]
