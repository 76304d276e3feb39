"""What every chapter of the tour needs: where things are, who is there, and the calls that recur."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config.demo.launcher import Demo
from config.demo.people import people
from config.demo.tour.codes import right_code
from config.demo.tour.teller import Teller, members


@dataclass(frozen=True, slots=True)
class Guide:
    """A tour through one running demo."""

    demo: Demo
    teller: Teller

    def sign_in(self, name: str) -> str:
        """Sign one of the people in with the password alone, and return the session's secret."""
        return str(self.sign_in_whole(name)["secret"])

    def sign_in_whole(self, name: str) -> dict[str, Any]:
        """Sign one of the people in with the password alone, and return the session with its secret."""
        person = people()[name]
        answer = self.teller.call(
            f"{name.capitalize()} signs in at {person.tenant.capitalize()} with a password: that is aal1.",
            "POST",
            f"{self.demo.web}/v1/sign-in",
            body={"tenant": person.tenant, "username": name, "password": person.password},
            want=201,
        )
        return members(answer)

    def subscribe(self, tenant: str, plan: str, why: str) -> str:
        """Put a tenant on a plan by HTTP, and return the version of its entitlements from then on."""
        answer = self.teller.call(
            why,
            "PUT",
            f"{self.demo.web}/v1/tenants/{tenant}/subscription",
            by=self.demo.credentials["vendor"],
            body={"plan": plan},
            want=201,
        )
        self.teller.expect_equal(members(answer)["plan"], plan, "the plan")
        return str(members(answer)["snapshot"])

    def ask(self, why: str, tenant: str, question: dict[str, Any], *, path: str = "") -> dict[str, Any]:
        """Ask for a decision as the tenant's own product does (AuthZEN), and return the answer."""
        answer = self.teller.call(
            why,
            "POST",
            f"{self.demo.decide}{path}/access/v1/evaluation",
            by=self.demo.credentials[tenant],
            body=question,
            want=200,
        )
        return members(answer)

    def open_challenge(self, decision_id: str, by: str, why: str) -> dict[str, Any]:
        """Open the challenge that a refusal names."""
        answer = self.teller.call(
            why, "POST", f"{self.demo.web}/step-up/challenges", by=by, body={"decision_id": decision_id}, want=201
        )
        opened = members(answer)
        self.teller.expect(
            "totp" in opened["methods"], "a code of the authenticator would do", f"only {opened['methods']} would"
        )
        return opened

    def verify(self, challenge: str, code: str, by: str, why: str, *, want: int = 200) -> dict[str, Any]:
        """Show a code to a challenge."""
        answer = self.teller.call(
            why,
            "POST",
            f"{self.demo.web}/step-up/challenges/{challenge}/verify",
            by=by,
            body={"method": "totp", "code": code},
            want=want,
        )
        return members(answer)

    def step_up(
        self, decision_id: str, by: str, name: str, *, code_of: Callable[[str], str] = right_code
    ) -> dict[str, Any]:
        """Open a challenge and pass it with a code of the person's phone; the one that it shows now, unless said otherwise."""
        opened = self.open_challenge(decision_id, by, "The refusal names the decision that a challenge is opened for.")
        code = code_of(people()[name].totp_secret)
        passed = self.verify(opened["challenge_id"], code, by, "The code from the phone is right.")
        self.teller.expect_equal(passed["state"], "passed", "the challenge's state")
        return {**opened, **passed}
