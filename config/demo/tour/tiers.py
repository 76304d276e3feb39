"""What a tier allows, and how a change of it changes the answer at once."""

from config.demo.tour.guide import Guide
from config.demo.tour.teller import members


def basic_and_premium(guide: Guide) -> None:
    """Show a basic feature allowed at aal1, a premium one refused, sold and allowed."""
    teller, web = guide.teller, guide.demo.web
    teller.chapter("Acme is on Starter: reports are in it, exports are not")
    alice = guide.sign_in("alice")
    teller.call(
        "Reading reports is in every plan and asks for aal1: allowed.",
        "GET",
        f"{web}/northwind/reports",
        by=alice,
        want=200,
    )
    export = f"{web}/northwind/exports/csv"
    refused = teller.call(
        "Exporting is premium: 402, with what would unlock it.",
        "POST",
        export,
        by=alice,
        body={"report": "q1"},
        want=402,
    )
    problem = members(refused)
    teller.expect_equal(problem["code"], "upgrade_required", "the code")
    teller.expect_equal(problem["unlocks"][0].get("plan"), "business", "the cheapest plan that unlocks it")
    teller.expect_equal(
        refused.headers["content-type"].partition(";")[0], "application/problem+json", "the media type (RFC 9457)"
    )
    asked = guide.ask(
        "The same question as a product asks it, in any language: decision false, outcome upgrade.",
        "acme",
        _question("exports.create_csv", guide.demo.sessions["bob"]),
    )
    teller.expect_equal(asked["decision"], False, "the decision")
    teller.expect_equal(asked["context"]["outcome"], "upgrade", "the outcome")

    teller.chapter("Acme buys Business: the next answer is another one, and nothing restarts")
    snapshot = guide.subscribe("acme", "business", "The vendor's billing changes the subscription by HTTP.")
    sent = teller.call(
        "The same request as before, in the same session: allowed.",
        "POST",
        export,
        by=alice,
        body={"report": "q1"},
        want=200,
    )
    teller.expect(sent.text.startswith("name,amount_minor"), "the report came as CSV", "something else came")
    asked = guide.ask(
        "The other process has heard of it too: who just paid is never answered from before (min_snapshot).",
        "acme",
        _question("exports.create_csv", guide.demo.sessions["bob"], min_snapshot=snapshot),
    )
    teller.expect_equal(asked["decision"], True, "the decision")


def strangers(guide: Guide) -> None:
    """Show that another tenant's data is nobody's business."""
    teller, web = guide.teller, guide.demo.web
    teller.chapter("Another tenant's data: deny")
    asked = guide.ask(
        "Acme's credential asks about Globex: false, and not a word on whether Globex exists.",
        "acme",
        _question("reports.read", guide.demo.sessions["bob"]),
        path="/t/globex",
    )
    teller.expect_equal(asked["decision"], False, "the decision")
    teller.expect_equal(asked["context"]["reason"], "unknown_tenant", "the reason")
    asked = guide.ask(
        "Globex's product asks with the handle of a session at Acme: worthless there.",
        "globex",
        {**_question("reports.read", guide.demo.sessions["bob"]), "subject": {"type": "account", "id": "carol"}},
    )
    teller.expect_equal(asked["decision"], False, "the decision")
    teller.expect_equal(asked["context"]["reason"], "unknown_session", "the reason")
    teller.call(
        "Acme's credential reads Globex's entitlements: 403.",
        "GET",
        f"{web}/v1/tenants/globex/entitlements",
        by=guide.demo.credentials["acme"],
        want=403,
    )


def malformed(guide: Guide) -> None:
    """Show that a request of the wrong shape is 400, and only a caller who is nobody 401."""
    teller = guide.teller
    teller.chapter("Requests of the wrong shape: 400")
    url = f"{guide.demo.decide}/access/v1/evaluation"
    by = guide.demo.credentials["acme"]
    whole = _question("reports.read", guide.demo.sessions["bob"])
    teller.call("Half a body.", "POST", url, by=by, raw=b'{"subject": {"type"', want=400)
    teller.call("No body.", "POST", url, by=by, raw=b"", headers={"Content-Type": "application/json"}, want=400)
    teller.call("A list.", "POST", url, by=by, body=[whole], want=400)
    without = {key: value for key, value in whole.items() if key != "action"}
    teller.call("No action.", "POST", url, by=by, body=without, want=400)
    teller.call(
        "An id that is a number.", "POST", url, by=by, body={**whole, "subject": {"type": "account", "id": 7}}, want=400
    )
    teller.call("Plain text.", "POST", url, by=by, body=whole, headers={"Content-Type": "text/plain"}, want=400)
    teller.call(
        "A credential that nobody was given: 401, for the caller itself is unknown.",
        "POST",
        url,
        by="tgk_made_up",
        body=whole,
        want=401,
    )


def _question(action: str, session: str, **context: str) -> dict[str, object]:
    return {
        "subject": {"type": "account", "id": "bob"},
        "action": {"name": action},
        "resource": {"type": "report", "id": "q1"},
        "context": {"session": session, **context},
    }
