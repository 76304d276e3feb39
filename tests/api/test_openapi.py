"""The API's document tells of every address, who may call it, and every refusal."""

import re
from functools import cache
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.validation import validate_schema

from decisions.checks import walk

PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture
def document(db: None) -> Any:
    return _document()


@cache
def _document() -> Any:
    """Ask once, since nothing that a test does changes it."""
    response = Client().get("/api/openapi.yaml")
    assert response.status_code == 200
    return yaml.safe_load(response.content)


def operations(document: Any) -> list[tuple[str, str, dict[str, Any]]]:
    found = [(path, method, one) for path, item in document["paths"].items() for method, one in item.items()]
    assert len(found) > 35
    return found


def test_it_is_valid(document: Any) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]  # drf-spectacular leaves it untyped
    assert document["openapi"].startswith("3.")


def test_every_address_of_the_api_is_in_it_with_all_its_methods(document: Any) -> None:
    missing = []
    for route, view in walk(get_resolver()):
        drf_view = getattr(view, "cls", None)
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
        if drf_view is not None and not route.startswith("api/"):
            methods = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(drf_view, name)]
        elif "access/v1/" in route:
            methods = ["post"]
        elif route.startswith(".well-known/"):
            methods = ["get"]
        else:
            continue
        missing += [(method, path) for method in methods if method not in document["paths"].get(path, {})]
    assert not missing


def test_every_operation_has_an_id_of_its_own(document: Any) -> None:
    ids = [one["operationId"] for _path, _method, one in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_operation_says_how_to_be_known_and_that_one_way_is_enough(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    for path, method, one in operations(document):
        assert all(len(way) == 1 and way.keys() <= schemes.keys() for way in one["security"]), (method, path)
    open_to_all = {path for path, _method, one in operations(document) if not one["security"]}
    assert open_to_all == {
        "/v1/sign-in",
        "/.well-known/authzen-configuration",
        "/.well-known/jwks.json",
        "/.well-known/authzen-configuration/t/{tenant}",
        "/northwind/shared/{token}",
    }


def test_every_refusal_is_a_problem(document: Any) -> None:
    for path, method, one in operations(document):
        refusals = {status: told for status, told in one["responses"].items() if int(status) >= 400}
        if not path.startswith("/.well-known/"):
            assert {"401", "403", "503"} <= refusals.keys(), (method, path)
        for status, told in refusals.items():
            assert list(told["content"]) == ["application/problem+json"], (method, path, status)
            assert told["content"]["application/problem+json"]["schema"] == PROBLEM
    assert {"type", "title", "status", "detail", "code"} == set(
        document["components"]["schemas"]["Problem"]["required"]
    )


def test_people_can_read_it(client: Client, db: None) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    assert b"/api/docs/?script=" in page.content
    assert b"<style" not in page.content, "the policy would not let it be"
    assert b"openapi.yaml" in client.get("/api/docs/?script=").content


@pytest.mark.parametrize("address", ["/nothing/here", "/t/no.slug/sessions", "/access/v1/nothing"])
def test_where_nothing_is_a_program_reads_a_problem_and_a_person_a_page(client: Client, address: str) -> None:
    for_program = client.post(address, {}, content_type="application/json")
    assert for_program.status_code == 404
    assert for_program["Content-Type"] == "application/problem+json"
    assert for_program.json()["code"] == "not_found"
    for_person = client.get(address, headers={"Accept": "text/html,*/*;q=0.8"})
    assert for_person.status_code == 404
    assert for_person["Content-Type"].startswith("text/html")
