"""Stepping up: for one action, for a person whom another provider signed in, and for one payment."""

from typing import Any, Final

import httpx

from config.demo.people import people
from config.demo.tour.codes import challenge_parameters, right_code, wrong_code
from config.demo.tour.guide import Guide
from config.demo.tour.teller import members
from isolation.clock import now

_MAX_AGE: Final = 300


def regulated_export(guide: Guide) -> None:
    """Show a refusal that names what would do, codes wrong, right and used, the allow, and the end of the task."""
    teller, web = guide.teller, guide.demo.web
    teller.chapter("Globex is on Regulated: exporting personal data asks for a second factor, now, for this")
    carol = guide.sign_in("carol")

    def export(why: str, want: int) -> httpx.Response:
        return teller.call(
            why,
            "POST",
            f"{web}/northwind/exports/regulated",
            by=carol,
            body={"report": "people"},
            want=want,
        )

    refused = export("Entitled, and yet refused: 401 says in the standard's words what would do (RFC 9470).", 401)
    asked = challenge_parameters(refused.headers.get("WWW-Authenticate", ""))
    teller.expect_equal(asked.get("error"), "insufficient_user_authentication", "the header's error")
    teller.expect(asked.get("acr_values"), "acr_values names the levels that would do", "the header lacks it")
    teller.expect_equal(asked.get("max_age"), str(_MAX_AGE), "max_age, in seconds")
    problem = members(refused)
    teller.expect_equal(problem["code"], "step_up_required", "the code")
    opened = guide.open_challenge(
        problem["challenge"]["decision_id"], carol, "The refusal names the decision that a challenge is opened for."
    )
    secret = people()["carol"].totp_secret
    failed = guide.verify(
        opened["challenge_id"], wrong_code(secret), carol, "A wrong code: counted, over all challenges.", want=400
    )
    teller.expect_equal(failed["code"], "wrong_code", "the code")
    code = right_code(secret)
    passed = guide.verify(opened["challenge_id"], code, carol, "The code from Carol's phone.")
    teller.expect_equal(passed["state"], "passed", "the challenge's state")
    teller.expect_equal(passed["scope"], "action", "what the elevation is good for")
    sent = export("The same request again: allowed.", 200)
    teller.expect(sent.text.startswith("name,amount_minor"), "the report came as CSV", "something else came")
    _same_code_again(guide, carol, code)
    teller.call(
        "Carol has finished: the task is ended, and with it what she showed for it.",
        "DELETE",
        f"{web}/step-up/elevations/{passed['elevation_id']}",
        by=carol,
        want=204,
    )
    export("The same request once more: refused again, at once.", 401)


def _same_code_again(guide: Guide, carol: str, code: str) -> None:
    body = {"reference": "INV-1", "amount": 100, "payee": "Kontor GmbH"}
    refused = guide.teller.call(
        "What she showed counts for the export alone: a payment asks anew.",
        "POST",
        f"{guide.demo.web}/northwind/payments",
        by=carol,
        body=body,
        want=401,
    )
    decision_id = members(refused)["challenge"]["decision_id"]
    opened = guide.open_challenge(decision_id, carol, "Another challenge, for the payment.")
    failed = guide.verify(
        opened["challenge_id"], code, carol, "The code of a moment ago: right, but used. A code is good once.", want=400
    )
    guide.teller.expect_equal(failed["code"], "code_already_used", "the code")


def asserted_session(guide: Guide) -> None:
    """Show the usual case: the product has its own sign-in and its own front end, and asks by AuthZEN."""
    teller, globex = guide.teller, guide.demo.credentials["globex"]
    teller.chapter("Globex signs its people in itself: Ines is known by its identity provider")
    started = teller.call(
        "The product vouches for the sign-in. Its word is worth aal1, whatever it says.",
        "POST",
        f"{guide.demo.web}/t/globex/sessions",
        by=globex,
        body={
            "subject": {"type": "user", "id": "7781"},
            "amr": ["pwd"],
            "auth_time": int(now().timestamp()),
            "idp": "https://idp.globex.example",
        },
        want=201,
    )
    question: dict[str, Any] = {
        "subject": {"type": "user", "id": "7781"},
        "action": {"name": "exports.create_regulated"},
        "resource": {"type": "report", "id": "people"},
        "context": {"session": members(started)["session"], "environment": "production"},
    }
    refused = guide.ask("May Ines export? False, and step_up would make it true.", "globex", question)
    teller.expect_equal(refused["decision"], False, "the decision")
    teller.expect_equal(refused["context"]["outcome"], "step_up", "the outcome")
    passed = guide.step_up(refused["context"]["challenge"]["decision_id"], globex, "ines")
    teller.expect_equal(passed["level"], "aal2", "the level")
    allowed = guide.ask("The same question again, after the product passed her code on.", "globex", question)
    teller.expect_equal(allowed["decision"], True, "the decision")
    teller.expect(allowed["context"].get("next_change_at"), "the answer says until when it holds", "it does not say")


def one_payment(guide: Guide) -> None:
    """Show that a proof for one payment is good once, for that payment."""
    teller, payments = guide.teller, f"{guide.demo.web}/northwind/payments"
    teller.chapter("A payment: one confirmation, for 1,200 EUR to this payee, good once")
    guide.subscribe("acme", "regulated", "Acme moves on to Regulated, where payments are.")
    alice = guide.sign_in("alice")
    body = {"reference": "INV-2026-7", "amount": 120_000, "currency": "EUR", "payee": "Kontor GmbH"}
    refused = teller.call(
        "Alice approves a payment of 1,200 EUR: confirm it first.", "POST", payments, by=alice, body=body, want=401
    )
    passed = guide.step_up(members(refused)["challenge"]["decision_id"], alice, "alice")
    shown = {field["name"].rpartition(".")[2]: field["value"] for field in passed["display"]["fields"]}
    teller.expect_equal(
        shown, {name: body[name] for name in ("amount", "currency", "payee")}, "what Alice was shown and confirmed"
    )
    teller.expect_equal(passed["scope"], "transaction", "what the elevation is good for")
    other = {**body, "amount": 1_200_000}
    teller.call("12,000 EUR is another payment: refused.", "POST", payments, by=alice, body=other, want=401)
    teller.call(
        "The payment that was confirmed: done, and written with its use.",
        "POST",
        payments,
        by=alice,
        body=body,
        want=201,
    )
    teller.call("The same once more: its one use is gone.", "POST", payments, by=alice, body=body, want=401)
