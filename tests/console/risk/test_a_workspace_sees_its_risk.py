"""A workspace's admin sees how risky sessions looked, why, and how it ended; and what other bands would have asked."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from audit import api as audit
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from tests.console.plan.test_people_are_invited import confirmed
from tests.console.plan.test_the_first_page_of_a_workspace import shown
from tests.console.risk.conftest import HOSTILE, looked
from tiergate import Level, Requirement

RISK, WHAT_IF, POLICY = "/console/risk", "/console/risk/what-if", "/console/risk/policy"
type Browsers = Callable[[str], Client]


def form(browser: Client) -> dict[str, str]:
    """Give what the form of the policy sends as it is shown."""
    page = browser.get(POLICY).content.decode()
    (mode,) = re.findall(r'name="mode"[^>]*value="(\w+)" checked', page)
    cells = re.findall(r'<select name="([\w.]+)"[^>]*>.*?<option value="([\w-]+)" selected>', page)
    assert len(cells) == 15
    return {"mode": mode, **dict(cells)}


@pytest.mark.usefixtures("week")
def test_the_figures_of_a_week_are_told_in_words(browser_of: Browsers) -> None:
    page = shown(browser_of("alice"), f"{RISK}?days=7")
    assert "Looked medium or riskier 4 (36.4 %)" in page
    assert "Of 3 risky sessions of which it is known, 2 were the person after all" in page
    assert "a false-alarm rate of 66.7 %" in page
    assert "first time from this network; usual country new_network 3 75 %" in page
    assert "medium 2 1 1 0 0 0 0 high 1 0 0 1 0 0 0 critical 1 0 0 0 0 0 1" in page
    for who, ending in (("mia", "Confirmed"), ("jonas", "“This was me”"), ("lena", "“This was not me”")):
        told = page.split(f"user:{who} ")[1].split("user:")[0].split("What if")[0]
        assert told.strip().endswith(ending)


@pytest.mark.usefixtures("week")
def test_days_are_chosen_and_what_cannot_be_is_a_month(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    looked("acme", "high", days_ago=20)
    for query, sessions in (
        ("days=7", 11),
        ("days=30", 12),
        ("days=90", 12),
        ("days=9999", 12),
        ("days=x", 12),
        ("", 12),
    ):
        assert f"Sessions, each once a day {sessions} " in shown(alice, f"{RISK}?{query}"), query


@pytest.mark.parametrize("path", [RISK, WHAT_IF, POLICY])
@pytest.mark.usefixtures("week")
def test_a_member_is_shown_nothing_and_a_stranger_signs_in(browser_of: Browsers, path: str) -> None:
    assert browser_of("bob").get(path).status_code == 403
    assert Client().get(path)["Location"] == f"/sign-in?next={path.replace('/', '%2F')}"


@pytest.mark.usefixtures("week")
def test_the_way_there_is_shown_to_whoever_may_go_it(browser_of: Browsers) -> None:
    assert 'href="/console/risk"' in browser_of("alice").get("/console/").content.decode()
    assert 'href="/console/risk"' not in browser_of("bob").get("/console/").content.decode()


@pytest.mark.usefixtures("week")
def test_another_workspace_sees_nothing_of_it(browser_of: Browsers) -> None:
    carol = browser_of("carol")
    assert "Nothing is recorded in these days" in shown(carol, RISK)
    assert "Nothing is recorded in these days" in shown(carol, WHAT_IF)


@pytest.mark.usefixtures("week")
def test_what_somebody_else_wrote_is_text_and_stays_in_its_order(browser_of: Browsers) -> None:
    page = browser_of("alice").get(RISK).content.decode()
    assert HOSTILE not in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 3  # as a person, a reason and its code


@pytest.mark.usefixtures("northwind")
def test_where_nothing_is_recorded_it_is_said_what_to_do(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    for path in (RISK, WHAT_IF):
        assert "have it send context.ip" in shown(alice, path)
    riskengine.put_policy(tenant_id=licensing.get_tenant("acme").id, mode="off", by="test", at=now())
    for path in (RISK, WHAT_IF):
        page = shown(alice, path)
        assert "Off: nobody is looked at, and nothing is recorded." in page
        assert "Risk is switched off" in page


@pytest.mark.usefixtures("week")
def test_a_workspace_that_only_observes_is_told_so(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    assert "as long as risk is not enforced" not in shown(alice, WHAT_IF)
    riskengine.put_policy(tenant_id=licensing.get_tenant("acme").id, mode="observe", by="test", at=now())
    assert "Observe: nothing is asked" in shown(alice, RISK)
    assert "Nothing is asked of anybody as long as risk is not enforced" in shown(alice, WHAT_IF)


@pytest.mark.usefixtures("week")
def test_other_bands_say_how_many_prompts_a_day_instead_of_how_many(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    assert "At the bands of now, 0.6 prompts a day" in shown(alice, f"{WHAT_IF}?days=7")
    page = shown(alice, f"{WHAT_IF}?days=7&medium=2.5&high=3&critical=5.5")
    assert "At these bands, 0.1 prompts a day instead of 0.6 , where each session does something premium." in page
    assert (
        "Of 1 session that somebody said was not theirs, or in which nobody could confirm, 1 would not be asked."
        in page
    )
    assert "Counted on 11 sessions of 7 days with any history" in page


@pytest.mark.parametrize(
    "odd", ["medium=nan", "medium=inf", "medium=x", "medium=", "medium=1e999", "medium=%00", "days=7&high="]
)
@pytest.mark.usefixtures("week")
def test_a_slider_that_says_nothing_readable_changes_nothing(browser_of: Browsers, odd: str) -> None:
    assert "At the bands of now," in shown(browser_of("alice"), f"{WHAT_IF}?{odd}")


@pytest.mark.usefixtures("week")
def test_looking_changes_nothing(browser_of: Browsers) -> None:
    before = riskengine.get_policy(tenant_id=licensing.get_tenant("acme").id)
    shown(browser_of("alice"), f"{WHAT_IF}?medium=3")
    assert riskengine.get_policy(tenant_id=licensing.get_tenant("acme").id) == before


@pytest.mark.usefixtures("northwind")
def test_an_owner_confirms_and_changes_what_risk_asks(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    acme = licensing.get_tenant("acme").id
    typed = form(alice) | {"mode": "observe", "high.standard": "aal2-300-phishing", "high.premium": "aal2-300-phishing"}
    typed |= {"high.regulated": "aal2-300-phishing", "critical.standard": "aal2-300-phishing"}
    sent = alice.post(f"{POLICY}/changed", typed)
    assert riskengine.get_policy(tenant_id=acme) == riskengine.RiskPolicy()
    onward = confirmed(alice, "alice", sent)
    assert riskengine.get_policy(tenant_id=acme) == riskengine.RiskPolicy()
    done = alice.post(onward)
    assert (done.status_code, done["Location"]) == (303, f"{POLICY}?done=changed")
    held = riskengine.get_policy(tenant_id=acme)
    strict = Requirement(level=Level.AAL2, max_age=300, phishing_resistant=True)
    assert held.mode == riskengine.Mode.OBSERVE
    assert set(held.table["high"].values()) == {strict}
    assert held.table["medium"] == riskengine.RiskPolicy().table["medium"]
    with tenant_transaction(acme):
        (entry,) = audit.list_entries(tenant_id=acme, kinds=[audit.Kind.RISK_POLICY_CHANGED])
    assert entry.payload["new"] == held.as_json()
    assert "The policy is changed." in shown(alice, done["Location"])


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"mode": "sometimes"}, "mode is one of off, observe, enforce."),
        ({"mode": ""}, "mode is one of off, observe, enforce."),
        ({"high.premium": "nothing"}, "high.premium asks for less than"),
        ({"high.premium": "aal1-0"}, "Choose what high asks where it is premium."),
        ({"high.premium": ""}, "Choose what high asks where it is premium."),
    ],
)
@pytest.mark.usefixtures("northwind")
def test_what_cannot_be_is_told_beside_what_was_chosen_and_changes_nothing(
    browser_of: Browsers, typed: dict[str, str], told: str
) -> None:
    alice = browser_of("alice")
    chosen = form(alice) | {"medium.regulated": "aal2-300", **typed}
    answer = alice.post(confirmed(alice, "alice", alice.post(f"{POLICY}/changed", chosen)))
    page = answer.content.decode()
    assert (answer.status_code, told in page) == (400, True), page
    medium = page.split('name="medium.regulated"')[1].split("</select>")[0]
    assert '<option value="aal2-300" selected>' in medium
    assert riskengine.get_policy(tenant_id=licensing.get_tenant("acme").id) == riskengine.RiskPolicy()


@pytest.mark.usefixtures("northwind")
def test_what_was_asked_by_the_api_alone_is_kept_by_the_form(browser_of: Browsers) -> None:
    acme = licensing.get_tenant("acme").id
    odd = {"level": "aal2", "max_age": 77, "phishing_resistant": True, "device_bound": True}
    held = riskengine.put_policy(tenant_id=acme, table={"critical": {"regulated": odd}}, by="test", at=now())
    alice = browser_of("alice")
    done = alice.post(confirmed(alice, "alice", alice.post(f"{POLICY}/changed", form(alice))))
    assert done["Location"] == f"{POLICY}?done=changed"
    assert riskengine.get_policy(tenant_id=acme) == held


@pytest.mark.usefixtures("northwind")
def test_who_may_only_read_is_shown_no_form_and_changes_nothing(browser_of: Browsers) -> None:
    acme, at = licensing.get_tenant("acme").id, now()
    licensing.put_member(tenant_id=acme, subject_type="account", subject_id="bob", roles=["auditor"], by="t", at=at)
    bob = browser_of("bob")
    page = bob.get(POLICY).content.decode()
    assert "<form" not in page
    assert "a second factor, shown in the last 15 minutes" in page
    assert bob.post(f"{POLICY}/changed", {"mode": "off"}).status_code == 403
    assert riskengine.get_policy(tenant_id=acme) == riskengine.RiskPolicy()


@pytest.mark.usefixtures("northwind")
def test_the_form_is_taken_from_our_own_page_alone(browser_of: Browsers) -> None:
    alice = browser_of("alice")
    alice.handler.enforce_csrf_checks = True
    assert alice.post(f"{POLICY}/changed", {"mode": "off"}, HTTP_SEC_FETCH_SITE="cross-site").status_code == 403
