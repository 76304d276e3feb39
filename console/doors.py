"""The door of a person's pages: signed in, and allowed; otherwise on to where that can be mended."""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from authlevels import api as authlevels
from decisions import api as decisions
from tiergate import Action, Reason, TiergateError

type Page = Callable[..., HttpResponseBase]

_WHO_CAN: Final[Mapping[str, str]] = MappingProxyType(
    {
        Action.BILLING_MANAGE: decisions.ASK_AN_OWNER,
        Action.BILLING_READ: "Owners and admins of this workspace can see what is paid for.",
    }
)


def person_page(action: Action, *methods: str, home: str, holds_secret: bool = False) -> Callable[[Page], Page]:
    """Let a person into a page when the decision on ``action`` in their own tenant is an allow.

    The page is called with the request and the person's session. Nobody known is sent to sign in; who has to confirm
    first, to the step-up, after which the request goes on.

    home: where a form whose sender is nobody known begins again. holds_secret: what is sent is a password or the
    like, which is not kept meanwhile: the page itself is asked for anew, and waits in its place.
    """

    def guard(page: Page) -> Page:
        @never_cache
        @require_http_methods([*methods])
        @wraps(page)
        def guarded(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            principal = authlevels.caller(request)
            if not isinstance(principal, authlevels.PersonPrincipal):
                onward = request.get_full_path() if request.method == "GET" else home
                return see_other(f"/sign-in?{urlencode({'next': onward})}")
            try:
                answer = decisions.decide_for(request, action)
            except TiergateError as error:
                return refused(request, error.detail, status=503)
            if not answer.decision.is_allowed:
                if holds_secret and request.method == "POST":
                    return see_other(request.path)
                decisions.mark_refused(request, answer)
                sentence = decisions.for_person(answer.decision)
                if answer.decision.reason == Reason.NO_PRIVILEGE and action in _WHO_CAN:
                    sentence = f"{sentence} {_WHO_CAN[action]}"
                return refused(request, sentence, status=decisions.status_of(answer))
            request.decision = answer  # type: ignore[attr-defined]  # as DRF's door leaves it
            return page(request, principal.session, **kwargs)

        marked: Any = guarded
        marked.required_action = action.value
        marked.is_guarded = True
        return guarded

    return guard


def held_by(request: HttpRequest) -> frozenset[str]:
    """Give what the person's roles grant, as the decision that let them in has it."""
    answer: Any = request.decision  # type: ignore[attr-defined]  # left by the door
    return answer.privileges or frozenset()


def author(request: HttpRequest) -> str:
    """Name who acts, as the decision that let them in has it."""
    answer: Any = request.decision  # type: ignore[attr-defined]  # left by the door
    return str(answer.question.asked_by)


def refused(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    """Say why not, and where one can go instead. What could not be decided was not refused for good."""
    context = {"sentence": sentence, "is_undecided": status == HTTPStatus.SERVICE_UNAVAILABLE}
    return render(request, "console/refused.html", context, status=status)


def see_other(url: str) -> HttpResponseRedirect:
    """Send the browser on with a GET (RFC 9110 section 15.4.4)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
