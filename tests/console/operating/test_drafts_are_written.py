"""A draft is begun, written in one grid, compared, put on sale with its consequences shown, and thrown away."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from isolation import clock
from licensing import api as licensing
from tiergate import Level, Requirement, Term

PLANS = "/operator/plans/"
PRICED = {"amount": "", "currency": "", "interval": "", "grace_days": "7"}
BUSINESS = {"exports.said": "on", "exports.level": "aal2", "projects.said": "limit", "projects.limit": "10"}
SAID = {**PRICED, **BUSINESS, "theme.said": "value", "theme.value": '"dark"'}


@pytest.fixture
def draft(operator: Client, acme: UUID) -> str:
    """A draft begun on the page from what Acme is on."""
    assert str(acme)
    answer = operator.post(f"{PLANS}drafts", {"from": "business@1"})
    assert answer["Location"] == f"{PLANS}business@2/edit?against=business%401"
    return "business@2"


def _state(draft: str) -> str:
    return licensing.get_version(ref=draft).state


def _terms(ref: str) -> dict[str, Term]:
    return {term.feature: term for term in licensing.get_version(ref=ref).terms}


def _save(operator: Client, draft: str, state: str, **cells: str) -> Any:
    body = SAID | {name.replace("__", "."): value for name, value in cells.items()}
    return operator.post(f"{PLANS}{draft}/save", {**body, "state": state})


def test_a_draft_is_shown_as_it_is_and_saved_unchanged_says_the_same(operator: Client, draft: str) -> None:
    page = operator.get(f"{PLANS}{draft}/edit").content.decode()
    assert "The draft says what business@1 says." in page
    state, before = _state(draft), _terms(draft)
    assert _save(operator, draft, state).status_code == 303
    assert (_state(draft), _terms(draft)) == (state, before)


def test_values_and_levels_are_saved_together_and_the_differences_said(operator: Client, draft: str) -> None:
    answer = _save(
        operator,
        draft,
        _state(draft),
        exports__level="aal3",
        exports__max_age="300",
        exports__phishing_resistant="1",
        projects__limit="25",
        projects__period="month",
        projects__overage="1",
        projects__rollover="5",
        theme__said="",
        amount="4900",
        currency="eur",
        interval="month",
        grace_days="14",
    )
    assert answer.status_code == 303
    terms = _terms(draft)
    asked = Requirement(level=Level.AAL3, max_age=300, phishing_resistant=True)
    assert terms["exports"] == Term(feature="exports", value=True, requirement=asked)
    said = terms["projects"]
    assert (said.limit, said.reset_period, said.overage, said.rollover) == (25, "month", True, 5)
    assert "theme" not in terms
    version = licensing.get_version(ref=draft)
    assert (version.price, version.grace_days) == (licensing.Price(amount=4900, currency="eur", interval="month"), 14)
    page = operator.get(answer["Location"]).content.decode()
    for sentence in ("theme: not included; it was", "exports asks level aal3", "The price is 4900 eur (month)"):
        assert sentence in page


WRONG: tuple[tuple[str, str, str], ...] = (
    ("projects.limit", "many", "A limit is a whole number from 0 on."),
    ("projects.limit", "", "Write how many, or choose unlimited."),
    ("projects.limit", "9" * 19, "it has a limit from 0 on"),
    ("projects.rollover", "3", "it needs a period"),
    ("exports.said", "value", "Choose what is said of it."),
    ("exports.max_age", "0", "max_age must be from 1"),
    ("exports.level", "aal7", "aal7"),
    ("theme.value", "dark", "Write JSON"),
    ("theme.value", "null", "it has a value that is not null"),
    ("grace_days", "91", "Grace lasts from 0 to 90 days."),
    ("amount", "12", "A price is minor units"),
)


def test_one_bad_cell_refuses_the_whole_save_and_says_where(operator: Client, draft: str) -> None:
    before = licensing.get_version(ref=draft)
    for name, typed, told in WRONG:
        good = {"theme.value": '"light"', "exports.approvals": "2", "state": before.state}
        answer = operator.post(f"{PLANS}{draft}/save", {**SAID, **good, name: typed})
        page = answer.content.decode()
        assert answer.status_code == 400, name
        bad = "".join(re.findall(r'<tr class="bad">.*?</tr>', page, re.DOTALL)) if "." in name else page
        assert told in bad, (name, typed)
        assert name.partition(".")[0] in bad
        assert 'value="2"' in page
        assert licensing.get_version(ref=draft) == before, name


def test_the_later_of_two_who_edit_is_refused_and_sees_what_both_typed(operator: Client, draft: str) -> None:
    seen = _state(draft)
    assert _save(operator, draft, seen, projects__limit="20").status_code == 303
    late = _save(operator, draft, seen, projects__limit="30", theme__value='"light"')
    page = late.content.decode()
    assert late.status_code == 409
    assert "somebody else has changed this draft" in page
    assert 'value="30"' in page
    assert "<strong>By now it says:</strong> 20" in page
    assert _terms(draft)["projects"].limit == 20
    (shown,) = re.findall(r'name="state" value="([^"]+)"', page.partition("</form>")[0])
    assert _save(operator, draft, shown, projects__limit="30").status_code == 303
    assert _terms(draft)["projects"].limit == 30


def test_what_was_typed_into_a_draft_that_is_gone_is_shown(operator: Client, draft: str) -> None:
    seen = _state(draft)
    licensing.discard_draft(ref=draft, by="test", at=clock.now())
    answer = _save(operator, draft, seen, projects__limit="33")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "was thrown away meanwhile" in page
    assert 'value="33"' in page


def test_what_changed_since_it_was_shown_is_neither_published_nor_thrown_away(operator: Client, draft: str) -> None:
    seen = _state(draft)
    _save(operator, draft, seen, projects__limit="20")
    for verb in ("published", "discard"):
        answer = operator.post(f"{PLANS}{draft}/{verb}", {"state": seen}, follow=True)
        assert "somebody has changed it meanwhile" in answer.content.decode()
    assert licensing.get_version(ref=draft).status == "draft"
    assert operator.post(f"{PLANS}{draft}/discard", {"state": _state(draft)}).status_code == 303
    with pytest.raises(licensing.VersionNotFound):
        licensing.get_version(ref=draft)


def test_publishing_says_who_gains_and_loses_and_is_asked_more_before_it_is_done(operator: Client, draft: str) -> None:
    costs = {"amount": "4900", "currency": "eur", "interval": "once"}
    _save(operator, draft, _state(draft), exports__level="aal3", theme__said="", projects__limit="5", **costs)
    page = operator.get(f"{PLANS}{draft}/publish").content.decode()
    for told in (
        "1 tenant on business@1",
        "Theme: no longer included.",
        "Exports: asks a security key whose secret cannot leave it, where it asks a second factor now.",
        "Projects: 5, where it is 10 now.",
        "The price: 49.00 EUR once, where it is not for sale by itself now.",
    ):
        assert told in page, told
    assert licensing.get_version(ref=draft).status == "draft"
    done = operator.post(f"{PLANS}{draft}/published", {"state": _state(draft)}, follow=True)
    assert "It is on sale: business@2." in done.content.decode()
    assert licensing.get_version(ref=draft).is_on_sale
    assert operator.get(f"{PLANS}{draft}/edit").status_code == 303


def test_a_version_is_retired_after_its_page_says_who_keeps_it(operator: Client, acme: UUID) -> None:
    assert "1 tenant on it keeps it" in operator.get(f"{PLANS}business@1/retire").content.decode()
    done = operator.post(f"{PLANS}business@1/retired", follow=True)
    assert "It is off sale: business@1." in done.content.decode()
    assert licensing.get_version(ref="business@1").status == "retired"
    assert licensing.get_subscription(tenant_id=acme, at=clock.now()).plan == "business"


def test_nobody_else_writes_a_draft(operator: Client, draft: str) -> None:
    before, stranger = licensing.get_version(ref=draft), Client()
    for verb in ("save", "discard", "published", "retired"):
        assert stranger.post(f"{PLANS}{draft}/{verb}", {"state": before.state}).status_code == 303
    assert stranger.post(f"{PLANS}drafts", {"from": "business@1"}).status_code == 303
    assert licensing.get_version(ref=draft) == before
    assert operator.get(f"{PLANS}business@9/edit").status_code == 404
    assert operator.get(f"{PLANS}nonsense/publish").status_code == 404
