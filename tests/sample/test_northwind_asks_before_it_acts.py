"""The sample API through Django: what each refusal says, to the letter, and what makes it an allow."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.sample.conftest import Person

type SignIn = Callable[[str], Person]
type Upgrade = Callable[[str, str], None]

EXPORT = {"report": "people"}
STEP_UP_HEADER = (
    'Bearer error="insufficient_user_authentication", '
    'error_description="Confirm that it is you to go on.", '
    'acr_values="{acr}", max_age="300"'
)


def call(person: Person, method: str, path: str, body: object = None) -> Any:
    return person.send(method, f"/northwind/{path}", body)


def test_reports_are_in_every_plan(signed_in: SignIn) -> None:
    answer = call(signed_in("bob"), "GET", "reports")
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["items"]] == ["q1", "q2", "people"]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "reports", None),
        ("POST", "reports/q1/share", None),
        ("POST", "exports/csv", EXPORT),
        ("POST", "exports/regulated", EXPORT),
        ("POST", "payments", {"reference": "I-1", "amount": 1, "payee": "Kontor"}),
        ("DELETE", "workspace", None),
    ],
)
def test_nobody_known_gets_nothing(method: str, path: str, body: object) -> None:
    answer = call(Person("nobody"), method, path, body)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_premium_feature_is_refused_with_what_unlocks_it(signed_in: SignIn) -> None:
    answer = call(signed_in("alice"), "POST", "exports/csv", EXPORT)
    assert answer.status_code == 402
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "upgrade_required"
    assert problem["feature"] == "exports.csv"
    assert [one["plan"] for one in problem["unlocks"]] == ["business", "regulated"]
    assert problem["unlocks"][0]["price"] == {"amount": 4900, "currency": "eur", "interval": "month"}
    assert "challenge" not in problem


def test_an_upgrade_changes_the_answer_in_the_same_session(signed_in: SignIn, upgrade: Upgrade) -> None:
    alice = signed_in("alice")
    assert call(alice, "POST", "exports/csv", EXPORT).status_code == 402
    upgrade("acme", "business")
    answer = call(alice, "POST", "exports/csv", EXPORT)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode().splitlines()[0] == "name,amount_minor"


def test_a_shared_report_is_shown_to_whoever_has_its_address_and_a_forged_one_shows_nothing(
    signed_in: SignIn, upgrade: Upgrade
) -> None:
    alice = signed_in("alice")
    upgrade("acme", "business")
    url = call(alice, "POST", "reports/q1/share").json()["url"]
    shown = Client().get(url)
    assert shown.status_code == 200
    assert shown.content.decode().splitlines()[1].startswith("Berlin,")
    assert Client().get(f"{url[:-1]}{'A' if url[-1] != 'A' else 'B'}").status_code == 404


def test_workspaces_have_figures_of_their_own(signed_in: SignIn, upgrade: Upgrade) -> None:
    upgrade("acme", "business")
    upgrade("playground", "business")
    alice, carol = signed_in("alice"), signed_in("carol")
    refused = call(carol, "POST", "exports/csv", EXPORT)
    carol.step_up(refused)
    both = [call(person, "POST", "exports/csv", EXPORT).content for person in (alice, carol)]
    assert both[0] != both[1]


def test_a_regulated_export_is_refused_in_the_standards_own_words(signed_in: SignIn) -> None:
    answer = call(signed_in("carol"), "POST", "exports/regulated", EXPORT)
    assert answer.status_code == 401
    problem = answer.json()
    assert answer["WWW-Authenticate"] == STEP_UP_HEADER.format(acr=problem["acr_values"])
    assert problem["code"] == "step_up_required"
    assert problem["max_age"] == 300
    assert problem["amr_values"] == "otp"
    assert problem["challenge"]["decision_id"] == problem["decision_id"]
    assert [need["kind"] for need in problem["needs"]] == ["step_up"]


def test_what_was_shown_counts_until_the_task_is_ended(signed_in: SignIn) -> None:
    carol = signed_in("carol")
    passed = carol.step_up(call(carol, "POST", "exports/regulated", EXPORT))
    assert call(carol, "POST", "exports/regulated", EXPORT).status_code == 200
    ended: Any = carol.send("DELETE", f"/step-up/elevations/{passed['elevation_id']}")
    assert ended.status_code == 204
    assert call(carol, "POST", "exports/regulated", EXPORT).status_code == 401


def test_a_passed_challenge_tells_which_elevation_it_left(signed_in: SignIn) -> None:
    carol = signed_in("carol")
    refused = call(carol, "POST", "exports/regulated", EXPORT)
    opened: Any = carol.send("POST", "/step-up/challenges", {"decision_id": refused.json()["decision_id"]})
    ref = opened.json()["challenge_id"]
    before: Any = carol.send("GET", f"/step-up/challenges/{ref}")
    assert "elevation_id" not in before.json()
    passed = carol.step_up(refused)
    after: Any = carol.send("GET", f"/step-up/challenges/{ref}")
    assert after.json()["elevation_id"] == passed["elevation_id"]


def test_a_caller_cannot_talk_its_way_down_to_a_laxer_environment(signed_in: SignIn) -> None:
    carol = signed_in("carol")
    carol.client.defaults["HTTP_X_ENVIRONMENT"] = "staging"
    answer = call(carol, "POST", "exports/regulated", EXPORT)
    assert answer.json()["max_age"] == 300


def test_a_role_without_the_privilege_is_refused_without_a_way_on(signed_in: SignIn, upgrade: Upgrade) -> None:
    upgrade("acme", "regulated")
    answer = call(signed_in("bob"), "POST", "exports/regulated", EXPORT)
    assert answer.status_code == 403
    assert answer.json()["code"] == "no_privilege"
    assert answer.json()["needs"] == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"report": {"id": "q1"}},
        {},
    ],
)
def test_a_body_of_the_wrong_shape_is_400(signed_in: SignIn, body: object) -> None:
    answer = call(signed_in("carol"), "POST", "exports/regulated", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"


def test_a_report_that_is_not_there_is_404_once_allowed(signed_in: SignIn, upgrade: Upgrade) -> None:
    upgrade("acme", "business")
    answer = call(signed_in("alice"), "POST", "exports/csv", {"report": "q9"})
    assert answer.status_code == 404
    assert answer.json()["code"] == "report_not_found"


def test_a_workspace_is_deleted_by_its_owner_alone_and_once(signed_in: SignIn) -> None:
    bob, alice = signed_in("bob"), signed_in("alice")
    assert call(bob, "DELETE", "workspace").status_code == 403
    refused = call(alice, "DELETE", "workspace")
    assert refused.status_code == 401
    assert refused.json()["max_age"] == 120
    alice.step_up(refused)
    first, again = call(alice, "DELETE", "workspace"), call(alice, "DELETE", "workspace")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.json()["asked_by"] == "account:alice"
