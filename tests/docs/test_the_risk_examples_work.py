"""The calls about risk that docs/integrate.md shows, made one after the other as they are written there."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from authlevels import api as authlevels
from isolation.clock import now
from licensing import api as licensing
from tiergate import Verb

ROOT = Path(__file__).resolve().parents[2]
NORTHWIND = ROOT / "sample" / "northwind"
ADDRESS = re.compile(r"\$(?:WEB|DECIDE)(/\S+)")


def section() -> str:
    """Give the part of the guide that is about how people look."""
    guide = (ROOT / "docs" / "integrate.md").read_text()
    return guide.split("\n### How the person looks\n", 1)[1].split("\n### ", 1)[0]


def calls() -> list[str]:
    """List the curl commands, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", section(), re.DOTALL | re.MULTILINE)
    return [one for block in blocks for one in re.split(r"^(?=curl )", block, flags=re.MULTILINE) if "curl" in one]


def answers() -> list[dict[str, Any]]:
    """List the answers that are shown, in order."""
    return [json.loads(one) for one in re.findall(r"^```json\n(.*?)^```", section(), re.DOTALL | re.MULTILINE)]


def made(command: str, **known: str) -> Any:
    """Make a call, and give the response."""
    text = command.replace("$(date +%s)", str(int(now().timestamp())))
    for name, value in known.items():
        text = re.sub(rf"\${name}\b", value, text)
    words = shlex.split(text)
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    found = ADDRESS.search(text)
    assert found is not None, command
    given = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "GET" if given is None else "POST"
    return Client().generic(
        method, found[1], given or "", content_type=headers.pop("Content-Type", ""), headers=headers
    )


@pytest.mark.usefixtures("db")
def test_what_the_guide_shows_of_risk_works_as_shown() -> None:
    licensing.forget_snapshots()
    call_command("catalog", "apply", str(NORTHWIND / "catalog.yaml"))
    call_command("tenants", "apply", str(NORTHWIND / "tenants.yaml"))
    _credential, key = authlevels.create_credential(
        tenant_id=licensing.get_tenant("globex").id,
        name="my-product",
        verbs=[
            *(Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT, Verb.STEP_UP_CREATE, Verb.STEP_UP_RELAY),
            *(Verb.RISK_SIGNAL, Verb.RISK_FEEDBACK, Verb.RISK_READ, Verb.RISK_WRITE),
        ],
        by="test",
        at=now(),
    )
    session, question, signals, feedback, policy, changed = calls()
    told, table = answers()
    began = made(session, KEY=key)
    assert began.status_code == 201, began.content
    known = {"KEY": key, "SESSION": began.json()["session"], "DEVICE": began.json()["device_token"]}
    asked = made(question, **known)
    assert (asked.status_code, "decision" in asked.json()) == (200, True)
    taken = made(signals, **known)
    assert (taken.status_code, taken.json()) == (202, told)
    assert made(feedback, **known).status_code == 204
    assert made(policy, **known).json()["mode"] == "enforce"
    assert made(changed, **known).json() == table
