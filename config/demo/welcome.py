"""What the reader of a terminal is told once the demo runs."""

import json
from typing import Any

from config.demo.launcher import Demo
from config.demo.people import people


def questions(demo: Demo) -> dict[str, str]:
    """Write the three questions as commands to paste, by the answer that each gets."""
    bob = {"type": "account", "id": "bob"}
    ines = {"type": "user", "id": "7781"}
    return {
        "allow": _curl(demo, "acme", bob, "reports.read", "q1", demo.sessions["bob"]),
        "step_up": _curl(demo, "globex", ines, "exports.create_regulated", "people", demo.sessions["ines"]),
        "upgrade": _curl(demo, "acme", bob, "exports.create_csv", "q1", demo.sessions["bob"]),
    }


def welcome(demo: Demo) -> str:
    """Write where to click, who the people are, and what to paste."""
    lines = [
        "",
        "Northwind Reports runs on Tiergate here:",
        "",
        f"  Try it yourself   {demo.web}/northwind/try",
        f"  Sign in           {demo.web}/sign-in",
        f"  A tenant's plan   {demo.web}/console/   (as alice)",
        f"  Its risk          {demo.web}/console/risk   (as alice)",
        f"  API docs          {demo.web}/api/docs/",
        f"  Operator's admin  {demo.web}/operator/   (as olga)",
        f"  Its rules         {demo.web}/operator/policy/   (as olga)",
        f"  Decisions         {demo.decide}/access/v1/evaluation",
        *([f"  Its own Stripe    {demo.stripe}/_state   (no card is charged)"] if demo.stripe else []),
        "",
        "Who can sign in (these passwords and secrets are public):",
        "",
        *(
            f"  {person.tenant:<9} {name:<6} {', '.join(person.roles):<9} {person.password:<26} "
            f"{'authenticator secret ' + person.totp_secret if person.totp_secret else 'no second factor'}"
            for name, person in people().items()
            if person.password
        ),
        "",
        "Service credentials, good until the next start:",
        "",
        *(f"  {tenant:<9} {secret}" for tenant, secret in demo.credentials.items()),
        "",
        "Three questions to paste into another terminal:",
        *(f"\n  # {answer}\n  {command}" for answer, command in questions(demo).items()),
        "",
        f"The processes write to {demo.logs}.",
        "Ctrl-C ends all of it.",
    ]
    return "\n".join(lines)


def _curl(demo: Demo, tenant: str, subject: dict[str, str], action: str, report: str, session: str) -> str:
    question: dict[str, Any] = {
        "subject": subject,
        "action": {"name": action},
        "resource": {"type": "report", "id": report},
        "context": {"session": session},
    }
    return (
        f"curl -sS {demo.decide}/access/v1/evaluation -H 'Authorization: Bearer {demo.credentials[tenant]}'"
        f" -H 'Content-Type: application/json' -d '{json.dumps(question, separators=(',', ':'))}'"
    )
