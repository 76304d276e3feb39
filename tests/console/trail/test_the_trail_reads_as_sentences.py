"""What happened is told in sentences, and what belongs together in one."""

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import audit.api
from audit.api import Kind
from authlevels import api as authlevels
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.console.trail.conftest import MORNING, Office, code_at

pytestmark = pytest.mark.django_db

type Show = Callable[..., str]


def seconds(number: float) -> Any:
    return MORNING + timedelta(seconds=number)


def test_a_refusal_its_challenge_and_what_it_left_are_one_sentence(office: Office, show: Show) -> None:
    office.export()
    lines = show("--subject", "user:alice", "--since", "2026-03-03T10:02").splitlines()
    assert lines == [
        "2026 (UTC)",
        (
            "On 3 March 10:02 Alice of Acme was asked for a second factor to export customers (export customers) in"
            " production; gave a code after 8 s; allowed until 10:07; went ahead at 10:03."
        ),
    ]


def test_wrong_codes_are_told_within_the_story(office: Office, show: Show) -> None:
    session = office.assert_session()
    challenge = office.challenge(office.ask(session, at=MORNING), at=MORNING)
    right = code_at(seconds(9))
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    with pytest.raises(authlevels.WrongCode):
        office.show(challenge, wrong, at=seconds(4))
    office.show(challenge, right, at=seconds(9))
    office.ask(session, at=seconds(10))
    later = office.ask(session, at=seconds(11))
    assert later.decision.is_allowed
    told = show("--kind", "decision", "--kind", "challenge.failed", "--kind", "challenge.opened")
    assert "; gave a wrong code after 4 s; a challenge was opened and not passed." in told
    whole = show("--since", "2026-03-03").splitlines()
    assert (
        len([line for line in whole if "gave a wrong code after 4 s; gave a code after 9 s; allowed until" in line])
        == 1
    )
    assert whole[-1] == (
        "On 3 March 10:02 Alice of Acme was allowed to export customers (export customers) in production."
    )


def test_what_a_person_confirmed_is_told_and_the_table_holds_it_sealed(office: Office, show: Show) -> None:
    session = office.assert_session()
    office.ask(session, "payments.approve", at=MORNING, resource=("payment", "7"), amount=500, payee="Wile E.")
    assert "to approve a payment (payment 7; amount 500, payee Wile E.) in production" in show("--subject", "alice")
    with tenant_transaction(office.tenant_id):
        from django.db import connection  # noqa: PLC0415 - beside its use

        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(subject_id || payload::text, '') FROM audit_entry")
            (held,) = cursor.fetchone()
    # Whole words: what is sealed is base64, which spells a short one within others now and then.
    for word in ("Wile", "alice", "Bob", "192.0.2.7", "olga"):
        assert re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", held) is None, word


def test_refusals_and_changes_are_told_with_who_and_what(office: Office, show: Show) -> None:
    bob = office.assert_session("bob")
    office.ask(bob, at=MORNING)
    licensing.put_member(
        tenant_id=office.tenant_id,
        subject_type="user",
        subject_id="bob",
        roles=["member"],
        display_name="Bob Builder",
        by="user:alice",
        at=seconds(60),
    )
    authlevels.end_session(tenant_id=office.tenant_id, session_id=bob.id, by="credential:reports-api", at=seconds(120))
    lines = show().splitlines()
    assert lines[0] == "2026 (UTC)"
    assert (
        "On 3 March 10:02 Bob Builder (bob) of Acme was not allowed to export customers (export customers) in"
        " production: no role grants it." in lines
    )
    assert (
        "On 3 March 10:03 Alice changed the membership of Bob Builder (bob) of Acme: roles [auditor] -> [member]."
        in lines
    )
    assert "On 3 March 10:04 the credential reports-api ended a session of Bob Builder (bob) of Acme." in lines
    assert "On 3 March 10:02 okta vouched for Bob Builder (bob) of Acme, who had shown a password." in lines
    assert any(
        line.startswith("On 1 March 09:00 olga made the tenant acme: name Acme; status active") for line in lines
    )
    assert any(
        line.startswith("On 1 March 09:00 manage.py added an authenticator app of Alice of Acme") for line in lines
    )
    assert any("manage.py made the credential reports-api, which may access.evaluate, " in line for line in lines)
    vendor = show(tenant="vendor")
    assert "olga changed the catalogue: + feature exports; " in vendor


def test_a_part_of_the_trail_can_be_asked_for(office: Office, show: Show) -> None:
    office.export()
    assert show("--until", "2026-03-03").count("On 3 March") == 0
    assert show("--since", "2026-03-03").count("On 1 March") == 0
    assert show("--subject", "user:bob").count("Alice") == 0
    assert show("--kind", "credential.created").count("On ") == 1
    assert show("--since", "2027-01-01") == ""
    for wrong in (
        ["--tenant", "nowhere"],
        ["--tenant", "acme", "--subject", "No One:x"],
        ["--tenant", "acme", "--since", "soon"],
    ):
        with pytest.raises(CommandError):
            call_command("audit", "show", *wrong)


def test_an_elevation_that_lasts_is_told_of_when_it_ends(office: Office, show: Show) -> None:
    passed = office.export()
    authlevels.end_elevation(
        ref=passed.elevation_id, presenter=authlevels.Presenter(credential=office.credential), at=seconds(90)
    )
    assert "went ahead at 10:03; ended at 10:03 by the credential reports-api." in show()


def test_json_and_csv_hold_what_an_auditor_samples(office: Office, show: Show) -> None:
    office.export()
    told = json.loads(show("--format", "json", "--subject", "user:alice"))
    refusal = next(one for one in told if one["outcome"] == "step_up")
    assert refusal["required"].startswith("level aal2; max_age 300")
    assert refusal["presented"].startswith("pwd okta 2026-03-03T10:01")
    assert refusal["policy_version"]
    assert {one["kind"] for one in told if one["story"] == refusal["id"]} == {
        *("decision", "challenge.opened", "challenge.passed", "elevation.created")
    }
    started = next(one for one in told if one["kind"] == "session.started")
    assert started["personal"] == {"ip": "192.0.2.7", "user_agent": "Firefox", "device": "laptop"}
    sheet = list(csv.DictReader(StringIO(show("--format", "csv", "--subject", "user:alice"), newline="")))
    assert [(row["id"], row["sentence"]) for row in sheet] == [(one["id"], one["sentence"]) for one in told]
    assert json.loads(show("--format", "json", "--since", "2030-01-01")) == []


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_a_sheet_runs_nothing_that_somebody_wrote(office: Office, show: Show, formula: str) -> None:
    with tenant_transaction(office.tenant_id):
        audit.api.append(
            tenant_id=office.tenant_id,
            kind=Kind.ROLE_CHANGED,
            at=MORNING,
            subject=("user", formula),
            payload={"by": formula, "role": "x", "old": None, "new": {}},
        )
    rows = list(csv.reader(StringIO(show("--format", "csv", "--since", "2026-03-02"), newline="")))
    assert len(rows) == 2
    assert not [cell for cell in rows[1] if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t"))]


def test_a_terminal_is_told_nothing_but_text(office: Office, show: Show) -> None:
    with tenant_transaction(office.tenant_id):
        audit.api.append(
            tenant_id=office.tenant_id,
            kind=Kind.OVERRIDE_CHANGED,
            at=MORNING,
            payload={
                "by": "\x1b[2Juser",
                "feature": "a\nOn 3 March\u202e",
                "old": None,
                "new": {"reason": "x" * 9_000},
            },
        )
    told = show("--since", "2026-03-02")
    assert len(told.splitlines()) == 2
    assert len(told) < 1_000
    assert all(one.isprintable() for line in told.splitlines() for one in line)


def test_an_erased_person_is_told_of_as_somebody(office: Office, show: Show) -> None:
    office.export()
    with pytest.raises(CommandError, match="End the membership first"):
        call_command("audit", "erase", "--tenant", "acme", "--subject", "user:alice", "--yes")
    licensing.remove_member(
        tenant_id=office.tenant_id, subject_type="user", subject_id="alice", by="manage.py", at=seconds(300)
    )
    with pytest.raises(CommandError, match="--yes"):
        call_command("audit", "erase", "--tenant", "acme", "--subject", "user:alice")
    call_command("audit", "erase", "--tenant", "acme", "--subject", "user:alice", "--yes", stdout=StringIO())
    told = show()
    assert "alice" not in told.lower()
    assert told.count("somebody who was erased (~") > 4
    assert "manage.py erased somebody (~" in told
    assert "gave a code after 8 s; allowed until 10:07" in told
    assert show("--subject", "user:alice") == ""
    with pytest.raises(CommandError, match="knows nobody"):
        call_command("audit", "erase", "--tenant", "acme", "--subject", "user:alice", "--yes")
