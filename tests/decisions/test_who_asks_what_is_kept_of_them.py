"""What risk is judged by is given to whom it is of, and erased for them; nobody is the freer for that, and the trail stays true."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit import api as audit
from audit.verification import verify
from authlevels import api as authlevels
from authlevels.models import Elevation, SessionRow
from decisions import people
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine.models import ProfileRow, SessionRisk, Signal
from tests.decisions.asking import ask, body, export, step_up
from tests.decisions.conftest import World, code_at
from tests.looking import FAR, HOME, at_home, far_is, signals

pytestmark = pytest.mark.django_db

ALICE = ("user", "alice")


@pytest.fixture
def session(world: World) -> str:
    """A session at Globex of Alice, who is always at home; elsewhere she looks like a critical risk."""
    at_home(world.globex)
    far_is(world.globex, "critical")
    return world.asserted(tenant=world.globex)


def command(verb: str, *more: str, subject: str = "user:alice") -> str:
    said = StringIO()
    call_command("risk", verb, "--tenant", "globex", "--subject", subject, *more, stdout=said, stderr=StringIO())
    return said.getvalue()


def erase() -> str:
    return command("erase", "--because", "She asked on the phone")


def asked(client: Client, world: World, session: str, looks: dict[str, Any]) -> Any:
    people.forget_people()
    return ask(client, world.globex_key, body(session=session, **looks))


def is_over(world: World, session: str) -> bool:
    with tenant_transaction(world.globex):
        (row,) = SessionRow.objects.filter(subject_id="alice")
    assert authlevels.parse_session_handle(session) == row.id
    return row.revoked_at is not None


def entries(world: World, *kinds: audit.Kind) -> list[audit.Entry]:
    with tenant_transaction(world.globex):
        return audit.list_entries(tenant_id=world.globex, kinds=kinds)


def kept() -> int:
    person = {"subject_type": "user", "subject_id": "alice"}
    return sum(model.objects.using("sweep").filter(**person).count() for model in (Signal, ProfileRow, SessionRisk))


def test_a_session_that_looked_critical_is_not_freed_by_erasing(client: Client, world: World, session: str) -> None:
    assert asked(client, world, session, FAR)["decision"] is False
    assert asked(client, world, session, {})["decision"] is False, "leaving out how it looks does not help"
    assert "1 sessions" in erase()
    assert kept() == 0
    for looks in ({}, FAR, HOME):
        assert asked(client, world, session, looks)["decision"] is False
    assert is_over(world, session)
    (ended,) = entries(world, audit.Kind.SESSION_REVOKED)
    assert ended.payload["by"] == "manage.py"


def test_what_was_confirmed_before_a_rise_does_not_count_again_by_erasing(
    client: Client, world: World, session: str
) -> None:
    refused = ask(client, world.globex_key, export(session=session, **HOME))
    assert step_up(client, world.globex_key, refused, code_at(clock.now()))["state"] == "passed"
    assert ask(client, world.globex_key, export(session=session, **HOME))["decision"] is True
    asked(client, world, session, FAR)
    erase()
    people.forget_people()
    assert ask(client, world.globex_key, export(session=session, **HOME))["decision"] is False
    with tenant_transaction(world.globex):
        assert not Elevation.objects.filter(ended_at=None).exists()


def test_a_session_that_looked_as_usual_goes_on(client: Client, world: World, session: str) -> None:
    assert asked(client, world, session, HOME)["decision"] is True
    assert "0 sessions" in erase()
    assert asked(client, world, session, HOME)["decision"] is True
    assert not is_over(world, session)


def test_erasing_is_in_the_trail_with_why_and_the_trail_is_as_true_as_before(
    client: Client, world: World, session: str, tmp_path: Any
) -> None:
    asked(client, world, session, FAR)

    def is_true() -> bool:
        audit.seal_all(at=clock.now(), copies=tmp_path)
        return verify(at=clock.now(), copies=tmp_path).is_true

    assert is_true()
    before = len(entries(world, *audit.Kind))
    erase()
    assert is_true()
    (told,) = entries(world, audit.Kind.RISK_ERASED)
    assert told.subject == ALICE
    assert told.personal == {"because": "She asked on the phone"}
    assert {"by": "manage.py", "signals": 10, "sessions": 1}.items() <= told.payload.items()
    assert len(entries(world, *audit.Kind)) > before
    said = StringIO()
    call_command("audit", "show", "--tenant", "globex", stdout=said)
    assert "erased how risky" in said.getvalue()
    assert "She asked on the phone" in said.getvalue()


def test_what_is_kept_is_written_out_and_that_it_was_is_in_the_trail(
    client: Client, world: World, session: str
) -> None:
    asked(client, world, session, FAR)
    told = json.loads(command("export"))
    assert (told["format"], told["version"], told["tenant"]) == ("tiergate-risk", 1, str(world.globex))
    assert [one["session"] for one in told["sessions"]] == [session]
    assert len(told["signals"]) == 10
    (entry,) = entries(world, audit.Kind.RISK_EXPORTED)
    assert (entry.subject, entry.payload["by"]) == (ALICE, "manage.py")


@pytest.mark.parametrize("verb", [("export",), ("erase", "--because", "asked")])
def test_of_whom_nothing_is_kept_nothing_is_told(world: World, session: str, verb: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="risk_of_nobody"):
        command(*verb, subject="user:nobody-here")
    assert entries(world, audit.Kind.RISK_EXPORTED, audit.Kind.RISK_ERASED) == []


@pytest.mark.parametrize("verb", [("export",), ("erase", "--because", "asked")])
def test_who_is_named_as_somebody_else_is_not_told_that_nothing_is_kept(
    world: World, session: str, verb: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError) as refused:
        command(*verb, subject="account:alice")
    said = "Nothing is kept of how risky account:alice looks. (risk_of_nobody) Of user:alice there is."
    assert str(refused.value) == said
    assert kept() == 10


@pytest.mark.parametrize("because", ["", " ", "x" * 501, "a\x07bell"])
def test_nobody_is_erased_without_a_reason(world: World, session: str, because: str) -> None:
    with pytest.raises(CommandError, match="reason_refused"):
        command("erase", "--because", because)
    assert kept() == 10


def test_a_name_that_failed_to_sign_in_as_nobodys_is_given_and_erased_too(world: World, session: str) -> None:
    with pytest.raises(authlevels.SignInFailed):
        authlevels.sign_in_with_password(
            tenant_id=world.globex,
            username="alice",
            password="wrong",
            network="192.0.2.1",
            ip="192.0.2.1",
            at=clock.now(),
        )
    before = signals(world.globex, subject_type="nobody")
    assert len(before) == 1
    assert len(json.loads(command("export"))["signals"]) == 11
    erase()
    (after,) = signals(world.globex, subject_type="nobody")
    assert (after.ip, after.subject_id == before[0].subject_id) == (None, False)


def test_who_is_erased_from_a_tenant_is_erased_here_too(client: Client, world: World, session: str) -> None:
    asked(client, world, session, FAR)
    licensing.remove_member(tenant_id=world.globex, subject_type="user", subject_id="alice", by="test", at=clock.now())
    authlevels.erase_person(tenant_id=world.globex, subject=ALICE, by="test", at=clock.now())
    assert kept() == 0
