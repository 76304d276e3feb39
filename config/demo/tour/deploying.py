"""A pipeline deploys: nobody is there to step up, so somebody else agrees to this commit and no other."""

from typing import Any

from config.demo.tour.guide import Guide
from config.demo.tour.teller import members


def deployment(guide: Guide) -> None:
    """Show a service that asks in its own name, what production asks of it, and who agrees, once."""
    teller, web = guide.teller, guide.demo.web
    teller.chapter("Globex's pipeline deploys: staging at once, production when a person agrees to this commit")

    def question(environment: str, commit: str) -> dict[str, Any]:
        return {
            "subject": {"type": "service", "id": "pipeline"},
            "action": {"name": "deploy.release"},
            "resource": {
                "type": "repository",
                "id": "globex/reports",
                "properties": {"commit": commit, "run": "77-1"},
            },
            "context": {"environment": environment},
        }

    staging = guide.ask("It asks in its own name, for staging: allowed.", "pipeline", question("staging", "5f1c0de"))
    teller.expect_equal(staging["decision"], True, "the decision")
    refused = guide.ask("The same for production: others have to agree.", "pipeline", question("production", "5f1c0de"))
    teller.expect_equal(refused["context"]["reason"], "approval_required", "the reason")
    opened = members(
        teller.call(
            "The job opens the approval, and waits.",
            "POST",
            f"{web}/step-up/approvals",
            by=guide.demo.credentials["pipeline"],
            body={"decision_id": refused["context"]["approval"]["decision_id"]},
            want=201,
        )
    )
    carol = guide.sign_in("carol")
    grant = f"{web}/step-up/approvals/{opened['approval_id']}/grant"
    asked = teller.call(
        "Carol agrees: not before a second factor for just this.", "POST", grant, by=carol, body={}, want=401
    )
    guide.step_up(members(asked)["challenge"]["decision_id"], carol, "carol")
    given = teller.call("Now she may.", "POST", grant, by=carol, body={}, want=200)
    teller.expect_equal(members(given)["state"], "approved", "the approval's state")
    other = guide.ask("Another commit was not agreed to.", "pipeline", question("production", "0ddc0de"))
    teller.expect_equal(other["decision"], False, "the decision")
    allowed = guide.ask("This one was: go.", "pipeline", question("production", "5f1c0de"))
    teller.expect_equal(allowed["decision"], True, "the decision")
    again = guide.ask("Once.", "pipeline", question("production", "5f1c0de"))
    teller.expect_equal(again["decision"], False, "the decision")
