"""No address is left without a word on who may enter."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from console.operator import ReadOnlyTable, operator_site
from decisions.checks import complaints, every_url_says_who_may_enter, walk
from licensing.models import Tenant
from tiergate import Action


class _Unsaid(APIView):
    def get(self, request: object) -> None: ...


class _HalfSaid(APIView):
    required_action = {"GET": Action.SELF_READ}

    def get(self, request: object) -> None: ...

    def post(self, request: object) -> None: ...


class _Loosened(APIView):
    required_action = Action.SELF_READ
    permission_classes = (AllowAny,)

    def get(self, request: object) -> None: ...


class _Misspelt(APIView):
    required_action = "tiergate.made.up"

    def get(self, request: object) -> None: ...


class _Said(APIView):
    required_action = Action.SELF_READ

    def get(self, request: object) -> None: ...


class _MindsTenant(_Said):
    tenant_kwarg = "tenant"


class _Open(APIView):
    open_because = "nothing is here"

    def get(self, request: object) -> None: ...


class _SkipsAsking(APIView):
    required_action = Action.SELF_READ

    def get_permissions(self) -> list[Any]:
        return []

    def get(self, request: object) -> None: ...


class _LetsInitial(APIView):
    required_action = Action.SELF_READ

    def initial(self, request: object, *args: object, **kwargs: object) -> None: ...

    def get(self, request: object) -> None: ...


class _Table(ReadOnlyTable):
    def report(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError(request)


def _plain(request: HttpRequest) -> HttpResponse:
    raise AssertionError(request)


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (_plain, "any method"),
        (_Unsaid.as_view(), "GET"),
        (_HalfSaid.as_view(), "POST"),
        (_Loosened.as_view(), "leave out"),
        (_Said.as_view(permission_classes=[]), "leave out"),
        (_Misspelt.as_view(), "tiergate.made.up"),
        (_SkipsAsking.as_view(), "get_permissions"),
        (_LetsInitial.as_view(), "initial"),
        (_Table(Tenant, operator_site).report, "any method"),
        (operator_site.index, "any method"),
    ],
)
def test_a_view_that_nobody_guards_stops_the_start(view: Callable[..., Any], complaint: str) -> None:
    assert any(complaint in one for one in complaints(view))


@pytest.mark.parametrize("route", ["t/<slug:tenant>/x", "t/<tenant>/x", r"^t/(?P<tenant>\w+)/x$"])
def test_a_route_that_names_a_tenant_without_its_view_minding_it_stops_the_start(route: str) -> None:
    assert any("tenant_kwarg" in one for one in complaints(_Said.as_view(), route=route))
    assert not list(complaints(_MindsTenant.as_view(), route=route))


@pytest.mark.parametrize("view", [_Said.as_view(), _Open.as_view()])
def test_a_view_that_says_who_may_enter_is_fine(view: Callable[..., Any]) -> None:
    assert not list(complaints(view))


def test_every_url_of_the_site_says_who_may_enter() -> None:
    routes = [route for route, _view in walk(get_resolver())]
    assert len(routes) > 30
    assert not every_url_says_who_may_enter(None)
    assert not [one for one in run_checks() if one.id == "decisions.E001"]


def test_a_planted_url_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = get_resolver()
    planted: list[URLPattern | URLResolver] = [*resolver.url_patterns, path("planted", _plain)]
    monkeypatch.setattr(resolver, "url_patterns", planted, raising=False)
    assert [one.obj for one in every_url_says_who_may_enter(None)] == ["planted"]


@pytest.mark.django_db
def test_no_address_lets_a_stranger_do_anything(client: Client) -> None:
    """Every guarded API address answers 401 to nobody known, for every method that it has."""
    uuid = "0" * 32
    tried = 0
    for route, view in walk(get_resolver()):
        drf_view = getattr(view, "cls", None)
        if drf_view is None or hasattr(drf_view, "open_because"):
            continue
        address = "/" + _filled(route, uuid)
        for method in ("get", "post", "put", "patch", "delete"):
            if not hasattr(drf_view, method):
                continue
            response = client.generic(method.upper(), address, b"{}", content_type="application/json")
            assert response.status_code == 401, (method, address, response.status_code)
            assert response["Content-Type"] == "application/problem+json"
            tried += 1
    assert tried > 15


def _filled(route: str, value: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", value, route)
