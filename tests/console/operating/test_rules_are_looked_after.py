"""Whoever operates sees which rules are in force and why, whom a change touches, and confirms each change by itself."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
import pytest
from django.test import Client

from authlevels import api as authlevels
from console.operating.ruled import promises_in_words
from decisions import api as decisions
from decisions.policy.making import make_plans
from decisions.policy.stage import Mode
from isolation import clock
from licensing import api as licensing
from tests.console.test_the_operators_pages import PASSWORD, SECRET, _signed_in
from tests.decisions.bundles import applied, files, put_in_force, stored
from tiergate.policy import compile_bundle
from tiergate.policy.folder import read_folder

HOME = "/operator/policy/"
HTML = {"Accept": "text/html"}


def text(browser: Client, path: str, *, status: int = 200) -> str:
    """Read a page."""
    answer = browser.get(f"{HOME}{path}", headers=HTML)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def code_to_come(secret: str = SECRET) -> str:
    """Give the next code of the app: the one of now is used."""
    return pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))


def form_on(page: str) -> dict[str, str]:
    """Read the hidden fields of the form that does it."""
    _, _, form = page.rpartition('action="/operator/policy/changed"')
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def sent(browser: Client, change: Mapping[str, str], *, because: str = "it is time") -> Any:
    """Send the form."""
    return browser.post(f"{HOME}changed", {**change, "because": because}, headers=HTML)


def confirmed(browser: Client, change: Mapping[str, str], **how: str) -> Any:
    """Send the form, confirm what it waits for, and see where it goes on to."""
    waits = sent(browser, change, **how)
    assert waits.status_code == 303, waits.content
    assert waits["Location"].startswith("/step-up/resume/"), waits["Location"]
    asked = browser.get(waits["Location"], headers=HTML)["Location"]
    passed = browser.post(asked, {"method": "totp", "code": code_to_come()}, headers=HTML)
    assert passed.status_code in {302, 303}, passed.content
    token = {"csrfmiddlewaretoken": change.get("csrfmiddlewaretoken", "")}
    return browser.post(passed["Location"], token, headers=HTML, follow=True)


def test_it_says_when_no_rules_are_in_force_and_by_whom_and_why_some_are(operator: Client) -> None:
    assert "rules ask for nothing" in text(operator, "")
    digest = applied("acme").digest
    put_in_force(stored("acme", says="aal2").digest, mode=Mode.SHADOW, percent=50)
    page = text(operator, "")
    assert f"/operator/policy/bundles/{digest}/" in page
    assert "<dd>user:olga</dd>" in page
    assert "<dd>it is time</dd>" in page
    assert "tried in the shadow" in page
    assert "50 % of workspaces" in page
    assert page.count('data-of="Rules">1<') == 2
    assert "because: it is time" in text(operator, "history")
    assert "Nothing was done before that." in text(operator, "history?before=1")


def test_a_bundle_reads_as_words_and_its_words_are_no_markup(operator: Client) -> None:
    evil = {
        path: said.replace("It is acme.", "<b>It</b> is <script>me</script>.") for path, said in files("acme").items()
    }
    first = stored("acme", says="aal2").digest
    digest = decisions.store_bundle(evil, by="user:olga", at=clock.now()).digest
    page = text(operator, f"bundles/{digest}/?against={first}")
    assert "&lt;script&gt;me&lt;/script&gt;" in page
    assert "<script>me" not in page
    assert "<del>asks a second factor</del> <ins>forbids</ins>" in page
    assert '<span class="gone">-  require: {level: aal2}' in page
    text(operator, f"bundles/{'0' * 64}/", status=404)
    text(operator, "bundles/none/", status=404)


def test_a_change_shows_whom_it_touches_and_waits_for_its_confirmation(operator: Client) -> None:
    digest = stored("acme").digest
    page = text(operator, f"bundles/{digest}/change")
    assert "Other rules count for 2 of 2 workspaces" in page
    change = form_on(page)
    done = confirmed(operator, change, because="Reviewed in #7").content.decode()
    assert "Reviewed in #7" in done
    step = decisions.list_activations()[0]
    assert (step.active, step.by, step.because) == (digest, "account:olga", "Reviewed in #7")
    # The one confirmation is used up: the same sent again asks anew, and changes nothing.
    assert sent(operator, change, because="Reviewed in #7")["Location"].startswith("/step-up/resume/")
    assert len(decisions.list_activations()) == 1


def test_a_candidate_is_for_whom_it_names(operator: Client) -> None:
    active, digest = applied("acme").digest, stored("acme", says="aal2").digest
    page = text(operator, f"bundles/{digest}/change?mode=staged&tenants=acme")
    assert "Other rules count for 1 of 2 workspaces" in page
    assert f"From then on <strong>acme {digest[:12]}</strong> in place of acme {str(active)[:12]}" in page
    confirmed(operator, form_on(page))
    stage = decisions.read_stage()
    assert (stage.active, stage.candidate, stage.tenants) == (
        active,
        digest,
        frozenset({licensing.get_tenant("acme").id}),
    )
    assert "Say for whom" not in text(operator, f"bundles/{digest}/change?mode=staged")
    for wrong in ("percent=101", "tenants=nobody"):
        assert 'role="alert"' in text(operator, f"bundles/{digest}/change?mode=staged&{wrong}", status=400)
    assert form_on(text(operator, "withdraw"))["digest"] == digest
    assert form_on(text(operator, "roll-back"))["digest"] == ""
    assert "No rule asks for anything" in text(operator, "roll-back")


def test_what_changed_meanwhile_is_not_changed_over(operator: Client) -> None:
    change = form_on(text(operator, f"bundles/{stored('acme').digest}/change"))
    meanwhile = str(applied("other").digest)
    done = confirmed(operator, change).content.decode()
    assert "Nothing was changed" in done
    assert decisions.read_stage().active == meanwhile
    # The confirmation is not used up: it is good for that change, seen anew, and for no other.
    seen_anew = {**change, "expected": meanwhile}
    for other in ({"digest": ""}, {"digest": meanwhile}, {"mode": "shadow", "percent": "100"}):
        assert sent(operator, {**seen_anew, **other})["Location"].startswith("/step-up/resume/"), other
    assert sent(operator, seen_anew, because="another reason")["Location"].startswith("/step-up/resume/")
    assert sent(operator, seen_anew)["Location"] == HOME
    assert decisions.read_stage().active == change["digest"]


def test_a_password_alone_puts_nothing_in_force(olga: Client) -> None:
    change = {"mode": "active", "digest": str(stored("acme").digest), "expected": ""}
    assert sent(olga, change)["Location"].startswith("/step-up/resume/")
    assert sent(Client(), change)["Location"].startswith("/sign-in?next=")
    assert decisions.list_activations() == []


@pytest.fixture
def paul(operator: Client) -> Client:
    """Paul operates too."""
    at = clock.now()
    authlevels.put_user(subject_id="paul", email="paul@northwind.example", password=PASSWORD, totp_secret=SECRET, at=at)
    licensing.put_member(
        tenant_id=licensing.VENDOR_TENANT_ID,
        subject_type="account",
        subject_id="paul",
        roles=["operator"],
        by="test",
        at=at,
    )
    return _signed_in("paul", "vendor")


def test_where_somebody_else_has_to_agree_nothing_is_changed_before(
    operator: Client, paul: Client, settings: Any
) -> None:
    settings.POLICY_APPROVALS = 1
    digest = stored("acme").digest
    page = text(operator, f"bundles/{digest}/change")
    assert "1 other person agrees to it" in page
    change = form_on(page)
    waits = confirmed(operator, change)
    assert waits.status_code == 403
    asks = waits.content.decode()
    assert "0 of 1 other people have agreed" in asks
    assert decisions.list_activations() == []
    (code,) = re.findall(r"<dt>Code</dt><dd><strong>([^<]+)<", asks)
    (number,) = re.findall(r"<dt>Number to choose</dt><dd><strong>(\d+)<", asks)
    onward = paul.post("/activate", {"code": code, "number": number}, headers=HTML)["Location"]
    begins = paul.post(onward, {"answer": "grant"}, headers=HTML)["Location"]
    passed = paul.post(begins, {"method": "totp", "code": pyotp.TOTP(SECRET).now()}, headers=HTML)
    assert passed.status_code in {302, 303}, passed.content
    agreed = paul.post(onward, {"answer": "grant"}, headers=HTML).content.decode()
    assert "You have agreed" in agreed
    assert form_on(asks)["because"] == "it is time"
    done = operator.post(f"{HOME}changed", form_on(asks), headers=HTML)
    assert (done.status_code, done["Location"]) == (303, HOME)
    assert decisions.read_stage().active == digest


def test_a_plan_is_made_by_a_worker_and_what_asks_for_less_comes_first(operator: Client) -> None:
    applied("acme", says="aal3", on="tiergate.operator.admin")
    put_in_force(None)
    at = clock.now()
    text(operator, "")
    digest = stored("acme", on="tiergate.operator.admin").digest
    begun = operator.post(f"{HOME}plans", {"digest": digest, "days": "1"}, headers=HTML)
    assert begun.status_code == 303, begun.content
    where = begun["Location"].removeprefix(HOME)
    waiting = operator.get(begun["Location"], headers=HTML)
    assert waiting["Refresh"] == "5"
    assert "It waits for a worker" in waiting.content.decode()
    assert make_plans(clock=clock.now, until=at + timedelta(minutes=5)) == 1
    page = text(operator, where)
    assert "newly refused" in page
    assert "<code>one</code>" in page
    assert "Refresh" not in operator.get(begun["Location"], headers=HTML)
    text(operator, f"plans/{UUID(int=7)}", status=404)


PROMISE = "- id: kept\n  on: {actions: [reports.read]}\n  never_below: {level: aal2}\n  owner: security\n"
WORD = "- id: kept\n  given_up: {owner: olga, until: '2999-12-31', because: <b>Reports</b> are public.}\n"
WAIVED = (
    "- id: hard\n  on: {actions: [reports.read]}\n  satisfiable_by: [totp]\n  owner: security\n"
    "  waiver: {owner: olga, until: '2999-12-31', because: It is <i>hard</i>.}\n"
)


def _promising(name: str, promises: str) -> str:
    said = {**files(name, says="aal2"), "invariants/a.yaml": promises}
    return decisions.store_bundle(said, by="user:olga", at=clock.now()).digest


def test_what_is_given_up_stands_on_every_page_on_which_it_is_decided(operator: Client) -> None:
    put_in_force(_promising("strict", PROMISE))
    digest = _promising("lax", WORD + WAIVED)
    word = "<code>kept</code>: olga, until 2999-12-31: &lt;b&gt;Reports&lt;/b&gt; are public."
    assert word in text(operator, f"bundles/{digest}/")
    page = text(operator, f"bundles/{digest}/change")
    assert ("It gives up what is promised now:" in page, word in page) == (True, True)
    waived = "<code>hard</code>: olga, until 2999-12-31: It is &lt;i&gt;hard&lt;/i&gt;."
    assert ("It promises what it need not prove" in page, waived in page) == (True, True)
    for beside in ("mode=shadow", "mode=shadow&percent=5"):
        page_beside = text(operator, f"bundles/{digest}/change?{beside}")
        assert ("Whom it touches" in page_beside, word in page_beside, waived in page_beside) == (True, False, False)
    begun = operator.post(f"{HOME}plans", {"digest": digest, "days": "1"}, headers=HTML)
    assert make_plans(clock=clock.now, until=clock.now() + timedelta(minutes=5)) == 1
    planned = text(operator, begun["Location"].removeprefix(HOME))
    assert (word in planned, waived in planned) == (True, True)
    done = confirmed(operator, form_on(page)).content.decode()
    assert "gave up what was promised: kept" in done
    assert decisions.list_activations()[0].gives_up == ("kept",)
    assert "gave up what was promised: kept" in text(operator, "history")


def test_a_plan_is_over_the_days_that_were_chosen_or_is_none(operator: Client) -> None:
    digest = stored("acme").digest
    for typed in ("", "8", "seven"):
        answer = operator.post(f"{HOME}plans", {"digest": digest, "days": typed}, headers=HTML, follow=True)
        assert "Choose one of 1, 7, 30, 90 days." in answer.content.decode()
    page = text(operator, f"bundles/{digest}/")
    assert re.findall(r'<option value="(\d+)"', page)[:4] == ["1", "7", "30", "90"]
    assert make_plans(clock=clock.now, until=clock.now() + timedelta(minutes=5)) == 0


def test_what_was_tried_beside_is_told(operator: Client) -> None:
    assert "Nothing was tried beside" in text(operator, "shadow")
    digest = stored("acme", on="tiergate.operator.admin").digest
    put_in_force(digest, mode=Mode.SHADOW, percent=100)
    text(operator, "")
    page = text(operator, "shadow")
    assert f"/operator/policy/bundles/{digest}/" in page
    assert "newly refused" in page


def test_every_promise_of_the_shipped_bundle_has_words() -> None:
    promises = promises_in_words(compile_bundle(read_folder(Path("policies"))))
    assert len(promises) > 20
    assert not [one.id for one in promises if "no words" in one.says]
