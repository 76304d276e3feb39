"""The type of every problem is an address, and what is there says what it means."""

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client

from decisions.problem_codes import ERRORS, REASONS


def _shown(path: str) -> str:
    response = Client().get(path)
    assert response.status_code == 200, path
    assert not response.cookies
    return response.content.decode()


@pytest.mark.parametrize(
    ("method", "path", "more", "code"),
    [
        ("get", "/v1/nothing/here", {}, "not_found"),
        ("get", "/v1/me", {}, "not_authenticated"),
        ("post", "/access/v1/evaluation", {"data": b"{}", "content_type": "application/json"}, "unknown_caller"),
        ("post", "/v1/sign-in", {"data": b"{", "content_type": "application/json"}, "parse_error"),
        ("post", "/v1/sign-in", {"data": b"x", "content_type": "text/csv"}, "unsupported_media_type"),
        ("put", "/v1/sign-in", {"data": b"{}", "content_type": "application/json"}, "method_not_allowed"),
    ],
)
def test_the_type_of_a_problem_leads_to_what_it_means(
    db: None, method: str, path: str, more: dict[str, str], code: str
) -> None:
    problem = getattr(Client(raise_request_exception=False), method)(path, headers={"accept": "*/*"}, **more).json()
    assert problem["code"] == code
    page = _shown(urlsplit(problem["type"]).path)
    assert f"<code>{code}</code>" in page
    assert str(problem["status"]) in page


def test_every_code_has_a_page_that_the_list_leads_to() -> None:
    listed = re.findall(r'<a href="(/problems/\w+)">', _shown("/problems/"))
    assert sorted(listed) == sorted(f"/problems/{code}" for code in [*ERRORS, *REASONS])
    of_each_kind = {
        (status, bool(one.outcomes)): one
        for table in (ERRORS, REASONS)
        for one in table.values()
        for status, *_words in one.statuses
    }
    assert len(of_each_kind) > 12
    for one in of_each_kind.values():
        page = _shown(f"/problems/{one.code}")
        assert all(f"{status} {phrase}" in page for status, phrase, _to_do in one.statuses)
        assert all(f"<code>{outcome}</code>" in page for outcome in one.outcomes)


def test_what_a_code_means_is_written_with_names_set_off_and_nothing_run() -> None:
    response = Client().get("/problems/no_seat_left")
    page = response.content.decode()
    assert "<code>unlocks</code>" in page
    assert "`" not in page
    assert re.search(r"<script|<style|style=|onclick=", page) is None
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/problems/nothing", "/problems/last-owner", "/problems/%3Cscript%3E"])
def test_a_code_that_there_is_not_has_no_page(path: str) -> None:
    assert Client().get(path).status_code == 404


def test_nothing_is_sent_to_a_page_of_codes() -> None:
    assert Client().post("/problems/last_owner").status_code == 405
