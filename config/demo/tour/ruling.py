"""Rules kept in git: one forces a step-up that the catalogue does not; another bundle is planned, tried, applied, rolled back."""

import time
from typing import Any, Final

from config.demo.tour.codes import next_code
from config.demo.tour.guide import Guide
from config.demo.tour.teller import members
from config.embedded.paths import CHECKOUT
from config.embedded.processes import wait_until

_POLICIES: Final = CHECKOUT / "sample" / "northwind" / "policies"
_SMALL: Final = 12_000
_LARGE: Final = 90_000
_RULE: Final = "policy:large-refund"
# Until 100.00 in the place of 500.00, in rules, promises and cases alike.
_STRICTER: Final = (("5000", "1000"), ("500.00", "100.00"))
_PLAN_SECONDS: Final = 45.0
_SECOND: Final = 1.0


def a_rule(guide: Guide) -> None:
    """Show a rule that forces a step-up for a large refund, while a small one goes ahead."""
    teller = guide.teller
    teller.chapter("Northwind's rules are in force: a refund of more than 500.00 takes a second factor")
    session, secret = _carol(guide)
    small = _refund(
        guide, session, _SMALL, "Carol refunds 120 EUR: the catalogue asks for a sign-in, and no rule for more."
    )
    teller.expect_equal(small["decision"], True, "the decision")
    large = _refund(guide, session, _LARGE, "The same with 900 EUR: a rule asks for a second factor, for this refund.")
    teller.expect_equal(large["context"]["outcome"], "step_up", "the outcome")
    said = [one for one in large["context"]["reason_admin"]["401"].split("; ") if one.startswith(_RULE)]
    teller.expect(said, f"the explanation names the rule {_RULE}", "it names none")
    teller.note(said[0])
    guide.step_up(large["context"]["challenge"]["decision_id"], secret, "carol", code_of=next_code)
    again = _refund(guide, session, _LARGE, "The same 900 EUR again: confirmed, and used up with this answer.")
    teller.expect_equal(again["decision"], True, "the decision")


def another_bundle(guide: Guide) -> None:
    """Show a candidate: what it would have done to this tour, then tried in the shadow, applied, and rolled back."""
    teller = guide.teller
    teller.chapter("Another bundle, from 100.00 on: looked at, tried, applied and rolled back, and nothing restarts")
    active = members(_policy(guide, "Which rules are in force, since when, by whom and why.", "GET", "", want=200))[
        "active"
    ]
    files = candidate_files()
    stored = members(
        _policy(
            guide,
            "It is stored once its cases pass and its promises are proved.",
            "POST",
            "/bundles",
            {"files": files},
            want=201,
        )
    )
    candidate = stored["digest"]
    _plan(guide, candidate)
    session, _secret = _carol(guide)
    _activate(guide, "In the shadow it is asked beside, and its word does not count.", candidate, "shadow", percent=100)
    shadowed = _refund(guide, session, _SMALL, "120 EUR still go ahead; what it would have said is in the trail.")
    teller.expect_equal(shadowed["decision"], True, "the decision")
    teller.expect_equal(shadowed["context"]["bundle_version"], active["digest"], "the bundle that answered")
    done = _activate(
        guide, "Now it is put in force, where the other one still is.", candidate, "active", expected=active["digest"]
    )
    teller.note(done["sentence"])
    refused = _seen_within_a_second(guide, session, candidate)
    teller.expect_equal(refused["context"]["outcome"], "step_up", "the outcome for 120 EUR")
    back = members(
        _policy(guide, "Rolled back.", "POST", "/rollbacks", {"because": "The tour has seen enough."}, want=201)
    )
    teller.note(back["sentence"])
    small = _seen_within_a_second(guide, session, active["digest"])
    teller.expect_equal(small["decision"], True, "the decision for 120 EUR")


def _carol(guide: Guide) -> tuple[str, str]:
    """Sign Carol in; give her session's handle and its secret."""
    answer = guide.sign_in_whole("carol")
    return str(answer["session"]), str(answer["secret"])


def _refund(guide: Guide, session: str, amount: int, why: str) -> dict[str, Any]:
    properties = {"amount": amount, "currency": "EUR", "customer": "Kontor GmbH"}
    question = {
        "subject": {"type": "account", "id": "carol"},
        "action": {"name": "refunds.create"},
        "resource": {"type": "refund", "id": "RF-7", "properties": properties},
        "context": {"session": session},
    }
    return guide.ask(why, "globex", question)


def _plan(guide: Guide, digest: str) -> None:
    """Have it planned against what the tour did so far, and wait for it."""
    teller = guide.teller
    begun = members(
        _policy(
            guide,
            "What would it have done to what this tour did? A worker decides all of it again.",
            "POST",
            "/plans",
            {"digest": digest, "days": 1},
            want=202,
        )
    )
    url, by = f"{guide.demo.web}/v1/policy/plans/{begun['id']}", guide.demo.credentials["policy"]
    headers = {"Authorization": f"Bearer {by}"}

    def is_over() -> bool:
        return teller.client.get(url, headers=headers).json()["status"] in {"done", "failed"}

    wait_until(is_over, seconds=_PLAN_SECONDS)
    plan = members(_policy(guide, "The plan is done.", "GET", f"/plans/{begun['id']}", want=200))
    teller.expect_equal(plan["status"], "done", "the plan's state")
    changes = plan["report"]["changes"]
    teller.expect(changes.get("newly_challenged"), "it would have asked for more", "it would not")
    teller.expect(not changes.get("newly_allowed"), "it would have allowed nothing that was not", "it would have")
    teller.note(", ".join(f"{count} {change.replace('_', ' ')}" for change, count in changes.items()))


def _activate(guide: Guide, why: str, digest: str, mode: str, **more: Any) -> dict[str, Any]:
    body = {"digest": digest, "mode": mode, "because": "The tour shows it.", **more}
    return members(_policy(guide, why, "POST", "/activations", body, want=201))


def _seen_within_a_second(guide: Guide, session: str, digest: str) -> dict[str, Any]:
    """Ask until the answer rests on a bundle, and hold it to a second."""
    began = time.monotonic()
    while True:
        asked = _refund(guide, session, _SMALL, "120 EUR again, in the other process: the answer says by which bundle.")
        took = time.monotonic() - began
        if asked["context"]["bundle_version"] == digest:
            guide.teller.expect(took < _SECOND, "the other bundle answers within a second", f"it took {took:.1f} s")
            return asked
        guide.teller.expect(took < _SECOND, "the other bundle answers within a second", "it does not")


def _policy(guide: Guide, why: str, method: str, path: str, body: object = None, *, want: int) -> Any:
    by = guide.demo.credentials["policy"]
    return guide.teller.call(why, method, f"{guide.demo.web}/v1/policy{path}", by=by, body=body, want=want)


def candidate_files() -> dict[str, str]:
    """Make a bundle that asks from the smaller sum on, and promises what was promised: that is not to be given up."""
    files = {str(path.relative_to(_POLICIES)): path.read_text() for path in sorted(_POLICIES.rglob("*.yaml"))}
    return {name: text if name.startswith("invariants/") else stricter(text) for name, text in files.items()}


def stricter(text: str) -> str:
    """Put the smaller sum in the place of the larger, wherever a bundle says it."""
    for old, new in _STRICTER:
        text = text.replace(old, new)
    return text
