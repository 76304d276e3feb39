"""The door of the operator's forms: whoever may operate, and may do this very thing; a confirmation in between loses nothing."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache

from authlevels import api as authlevels
from console.doors import refused, see_other
from decisions import api as decisions
from tiergate import Action, TiergateError

type Form = Callable[..., HttpResponseBase]
type About = Callable[[HttpRequest], tuple[decisions.Entity, decisions.Demands]]
type OrElse = Callable[..., HttpResponseBase | None]

_OF_THE_SITE: Final = Action.OPERATOR_ADMIN


def operator_form(
    action: Action, *, home: str, about: About | None = None, or_else: OrElse | None = None
) -> Callable[[Form], Form]:
    """Let a form in when the decisions on operating and on ``action`` are both an allow.

    The view is called with the request and by whom it is asked. What was sent waits where a confirmation is missing.

    home: where a GET, and whoever has to sign in first, begins again. about: what the form does to what, which is what
    is confirmed, and what that asks by itself; the view then uses the confirmation up with its write
    (`decisions.elevation_consumed`). or_else: answers a refusal in the view's own way; called with the request, the
    answer and the view's frame.
    """

    def guard(form: Form) -> Form:
        @never_cache
        @wraps(form)
        def guarded(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            if not isinstance(authlevels.caller(request), authlevels.PersonPrincipal):
                return see_other(f"/sign-in?{urlencode({'next': home})}")
            if request.method != "POST":
                return see_other(home)
            for asked in (_OF_THE_SITE, action):
                try:
                    answer = _decided(request, asked, about if asked == action else None)
                except TiergateError as error:
                    return refused(request, error.detail, status=decisions.STATUS_BY_KIND[error.kind])
                if not answer.decision.is_allowed:
                    shown = or_else(request, answer, kwargs["frame"]) if or_else and asked == action else None
                    return shown or _refused(request, answer)
                _keep(request, answer, is_of_the_site=asked == _OF_THE_SITE)
            return form(request, answer.question.asked_by, **kwargs)

        marked: Any = guarded
        marked.required_action = action.value
        marked.is_guarded = True
        return guarded

    return guard


def _decided(request: HttpRequest, action: Action, about: About | None) -> decisions.Answer:
    if about is None:
        return decisions.decide_for(request, action)
    resource, demands = about(request)
    return decisions.decide_for(request, action, resource=resource, demands=demands, is_claiming=False)


def _refused(request: HttpRequest, answer: decisions.Answer) -> HttpResponse:
    decisions.mark_refused(request, answer)
    return refused(request, decisions.for_person(answer.decision), status=decisions.status_of(answer))


def _keep(request: HttpRequest, answer: decisions.Answer, *, is_of_the_site: bool) -> None:
    """Leave an allow where it is looked for: decided just now, not once more."""
    kept: Any = request
    if is_of_the_site:
        # By the frame around a page that is shown again (`console.operator`).
        kept.operator_answer = answer
    # As DRF's door leaves it, for what is used up with the write.
    kept.decision = answer
