"""A pipeline deploys: nobody is there to step up, so somebody else agrees to this commit and no other."""

from typing import Any, Final

import jwt

from config.demo.tour.guide import Guide
from config.demo.tour.teller import members

_DEPLOYER: Final = "https://deployer.globex.example"
_COMMIT: Final = "5f1c0de"


def deployment(guide: Guide) -> None:
    """Show a service that asks in its own name, what production asks of it, who agrees, and the token that comes of it."""
    teller, web, job = guide.teller, guide.demo.web, guide.demo.credentials["pipeline"]
    teller.chapter("Globex's pipeline deploys: staging at once, production when a person agrees to this commit")
    staging = guide.ask("It asks in its own name, for staging: allowed.", "pipeline", _question("staging", _COMMIT))
    teller.expect_equal(staging["decision"], True, "the decision")
    refused = guide.ask("The same for production: others have to agree.", "pipeline", _question("production", _COMMIT))
    teller.expect_equal(refused["context"]["reason"], "approval_required", "the reason")
    opened = members(
        teller.call(
            "The job opens the approval, and prints code, address and number for whoever is to agree.",
            "POST",
            f"{web}/step-up/approvals",
            by=job,
            body={"decision_id": refused["context"]["approval"]["decision_id"]},
            want=201,
        )
    )
    teller.expect(opened.get("user_code"), "there is a code to type", "there is none")
    approval = f"{web}/step-up/approvals/{opened['approval_id']}"
    early = teller.call("It polls: nobody has answered yet.", "POST", f"{approval}/poll", by=job, body={}, want=400)
    teller.expect_equal(members(early)["error"], "authorization_pending", "the error (RFC 8628)")
    early = teller.call("At once again: too often.", "POST", f"{approval}/poll", by=job, body={}, want=400)
    teller.expect_equal(members(early)["error"], "slow_down", "the error")
    _agree(guide, approval)
    _take(guide, approval)


def _agree(guide: Guide, approval: str) -> None:
    teller, dora = guide.teller, guide.sign_in("dora")
    asked = teller.call(
        "Dora agrees: not before a second factor for just this.",
        "POST",
        f"{approval}/grant",
        by=dora,
        body={},
        want=401,
    )
    guide.step_up(members(asked)["challenge"]["decision_id"], dora, "dora")
    given = teller.call("Now she may.", "POST", f"{approval}/grant", by=dora, body={}, want=200)
    teller.expect_equal(members(given)["state"], "approved", "the approval's state")


def _take(guide: Guide, approval: str) -> None:
    teller, job = guide.teller, guide.demo.credentials["pipeline"]
    other = guide.ask("Another commit was not agreed to.", "pipeline", _question("production", "0ddc0de"))
    teller.expect_equal(other["decision"], False, "the decision")
    body = {"scope": "releases", "audience": _DEPLOYER}
    token = members(
        teller.call(
            "For this one there is a token, which the job shows to the service that deploys: good for five minutes.",
            "POST",
            f"{approval}/token",
            by=job,
            body=body,
            want=200,
        )
    )
    teller.expect_equal(token["scope"], "releases", "what it is good for")
    claims = _claims(token["access_token"])
    teller.expect_equal(
        claims["bound"],
        {"resource.properties.commit": _COMMIT, "resource.properties.run": "77-1"},
        "what the token is bound to",
    )
    teller.expect_equal(claims["resource"], "repository/globex/reports", "the repository it is for")
    teller.call("Once: there is no second token.", "POST", f"{approval}/token", by=job, body=body, want=409)
    again = guide.ask("And no second deployment.", "pipeline", _question("production", _COMMIT))
    teller.expect_equal(again["decision"], False, "the decision")


def _claims(token: str) -> dict[str, Any]:
    """Read what a token says, for showing alone: whoever relies on it checks its signature."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def _question(environment: str, commit: str) -> dict[str, Any]:
    return {
        "subject": {"type": "service", "id": "pipeline"},
        "action": {"name": "deploy.release"},
        "resource": {"type": "repository", "id": "globex/reports", "properties": {"commit": commit, "run": "77-1"}},
        "context": {"environment": environment},
    }
