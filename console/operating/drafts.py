"""The operator's pages of drafts: begun, written in one grid, compared, put on sale, taken off it, and thrown away."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from console.doors import refused, see_other
from console.operating.forms import operator_form
from console.operating.grid import CHOICES, INTERVALS, Typed, form_of, read_form, rows_of, said_by
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

HOME: Final = "/operator/plans/"
DRAFT: Final = "draft"
_CHANGED: Final = (
    "Nothing was saved: somebody else has changed this draft since you opened it. What you typed stands below, and beside it "
    "what the draft says by now. Save again to put yours in its place."
)
_GONE: Final = "Nothing was saved: this draft was thrown away meanwhile. What you typed stands below."

type Frame = Callable[[HttpRequest], Mapping[str, Any]]


@operator_form(Action.PLAN_WRITE, home=HOME)
def begin(request: HttpRequest, author: str) -> HttpResponseBase:
    """Begin a draft from a version, and go on to write it."""
    try:
        source = licensing.get_version(ref=request.POST.get("from", ""))
        draft = licensing.begin_draft(
            plan=source.ref.key, kind=source.ref.kind, from_version=source.ref.number, by=author, at=now()
        )
    except TiergateError as error:
        return refused(request, error.detail, status=400)
    messages.success(request, f"A draft was begun: {draft.ref}. Nobody gets it before it is published.")
    return see_other(_address(draft.ref, "edit", against=str(source.ref)))


def edit(request: HttpRequest, page: Mapping[str, Any], ref: str) -> HttpResponseBase:
    """Show a draft to be written. What is published already is not: a draft is begun from it."""
    try:
        version = licensing.get_version(ref=ref)
    except TiergateError as error:
        return refused(request, error.detail, status=404)
    if version.status != DRAFT:
        messages.warning(request, f"It was published, and never changes: {ref}. Begin a draft from it.")
        return see_other(HOME)
    typed = form_of(version, licensing.list_features())
    return _edit_page(request, page, ref, version, typed, now_says=None, status=200)


@operator_form(Action.PLAN_WRITE, home=HOME)
def save(request: HttpRequest, author: str, ref: str, *, frame: Frame) -> HttpResponseBase:
    """Save the whole grid or nothing of it; what is wrong is said at its cell, and what was typed is shown again."""
    typed = read_form({name: str(value) for name, value in request.POST.items()}, licensing.list_features())
    status, now_says = 400, None
    if not typed.mistakes:
        try:
            licensing.edit_draft(
                ref=ref,
                put=typed.put,
                remove=typed.remove,
                price=typed.price,
                grace_days=typed.grace_days,
                state=typed.state,
                by=author,
                at=now(),
            )
        except licensing.DraftChanged:
            now_says, status = licensing.get_version(ref=ref), 409
            typed.mistakes[""] = {"all": _CHANGED}
            typed.state = now_says.state
        except TiergateError as error:
            said_by(error, typed)
        else:
            messages.success(request, f"The draft was saved: {ref}.")
            return see_other(_address(ref, "edit", against=request.POST.get("against", "")))
    try:
        version = licensing.get_version(ref=ref)
    except TiergateError:
        version, typed.mistakes[""] = None, {"all": _GONE}
    return _edit_page(request, frame(request), ref, version, typed, now_says=now_says, status=status)


@operator_form(Action.PLAN_WRITE, home=HOME)
def discard(request: HttpRequest, author: str, ref: str) -> HttpResponseBase:
    """Throw a draft away, as it was seen."""
    try:
        licensing.discard_draft(ref=ref, state=request.POST.get("state", ""), by=author, at=now())
    except licensing.DraftChanged as error:
        messages.warning(request, f"Nothing was thrown away: {error.detail}")
        return see_other(_address(ref, "edit"))
    except TiergateError as error:
        return refused(request, error.detail, status=400)
    messages.success(request, f"The draft was thrown away: {ref}.")
    return see_other(HOME)


def _edit_page(
    request: HttpRequest,
    page: Mapping[str, Any],
    ref: str,
    version: licensing.VersionView | None,
    typed: Typed,
    *,
    now_says: licensing.VersionView | None,
    status: int,
) -> HttpResponse:
    features = licensing.list_features()
    against = request.POST.get("against") or request.GET.get("against", "")
    came_from = _compared_with(version, against)
    context = {
        **page,
        "title": f"Draft {ref}",
        "ref": ref,
        "version": version,
        "typed": typed,
        "wrong": typed.mistakes.get("", {}),
        "mistakes": sum(len(one) for one in typed.mistakes.values()),
        "rows": rows_of(typed, features, came_from=came_from, now=now_says),
        "came_from": came_from,
        "differences": licensing.diff_versions(old=str(came_from.ref), new=ref) if came_from and version else [],
        "intervals": INTERVALS,
        **CHOICES,
    }
    return render(request, "admin/draft.html", context, status=status)


def _compared_with(version: licensing.VersionView | None, against: str) -> licensing.VersionView | None:
    """Find the version that a draft is compared with: the one that was named, else the one on sale, else the last before."""
    if version is None:
        return None
    if against and against != str(version.ref):
        try:
            return licensing.get_version(ref=against)
        except TiergateError:
            pass
    own = (version.ref.kind, version.ref.key)
    others = [
        one
        for one in licensing.list_versions()
        if (one.ref.kind, one.ref.key) == own and one.ref != version.ref and one.status != DRAFT
    ]
    return next((one for one in others if one.is_on_sale), others[-1] if others else None)


def _address(ref: object, verb: str, *, against: str = "") -> str:
    return f"{HOME}{ref}/{verb}" + (f"?{urlencode({'against': against})}" if against else "")
