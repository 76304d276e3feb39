"""The operator's pages on which a version is put on sale or taken off it: whom that touches, before it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from console.doors import refused, see_other
from console.operating.drafts import DRAFT, HOME
from console.operating.forms import operator_form
from console.plan.comparing import change_in_words
from console.plan.wording import price
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, FeatureSpec, TiergateError

_NOTHING: Final = (None, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What would be otherwise for whoever goes from one version to another, in sentences."""

    gains: tuple[str, ...]
    loses: tuple[str, ...]
    otherwise: tuple[str, ...]
    asked: tuple[str, ...]
    costs: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        """Say whether nothing would."""
        return not (self.gains or self.loses or self.otherwise or self.asked or self.costs)


def shift_of(differences: Sequence[licensing.Difference], features: Mapping[str, FeatureSpec]) -> Shift:
    """Sort what differs by whether something is gained, lost, otherwise, asked otherwise, or costs otherwise."""
    found: dict[str, list[str]] = {"gains": [], "loses": [], "otherwise": [], "asked": [], "costs": []}
    for one in differences:
        if one.what in {"price", "grace"}:
            found["costs"].append(_price_in_words(one) if one.what == "price" else one.sentence)
            continue
        if one.what == "level":
            # Of what is new altogether, all that it asks is a part of the gain.
            kind = "asked"
        elif one.old in _NOTHING:
            kind = "gains"
        else:
            kind = "loses" if one.new in _NOTHING else "otherwise"
        found[kind].append(change_in_words(one, features))
    return Shift(**{kind: tuple(said) for kind, said in found.items()})


def ask_to_publish(request: HttpRequest, page: Mapping[str, Any], ref: str) -> HttpResponse:
    """Show what putting a version on sale does, and to whom; it is done by the form on it."""
    at = now()
    try:
        version = licensing.get_version(ref=ref)
        holders = licensing.holders_of(ref=ref, at=at)
        features = {one.key: one for one in licensing.list_features()}
        on_sale = str(holders.on_sale) if holders.on_sale else ""
        context = {
            **page,
            "title": f"Publish {ref}",
            "ref": ref,
            "version": version,
            "holders": holders,
            "buyers": _shift(on_sale, ref, features) if on_sale and on_sale != ref else None,
            "stays": [
                {"ref": one.ref, "tenants": one.tenants, "shift": _shift(str(one.ref), ref, features)}
                for one in holders.versions
                if str(one.ref) != ref
            ],
        }
    except TiergateError as error:
        return refused(request, error.detail, status=404)
    return render(request, "admin/publish.html", context)


@operator_form(Action.PLAN_WRITE, home=HOME)
def publish(request: HttpRequest, author: str, ref: str) -> HttpResponseBase:
    """Put a version on sale, as it was shown."""
    try:
        licensing.publish_version(ref=ref, state=request.POST.get("state", ""), by=author, at=now())
    except licensing.DraftChanged as error:
        messages.warning(request, f"Nothing was published: {error.detail} Look at it once more.")
        return see_other(f"{HOME}{ref}/publish")
    except TiergateError as error:
        messages.warning(request, f"Nothing was published: {error.detail}")
        return see_other(HOME)
    messages.success(request, f"It is on sale: {ref}.")
    return see_other(HOME)


def ask_to_retire(request: HttpRequest, page: Mapping[str, Any], ref: str) -> HttpResponseBase:
    """Show what taking a version off sale does, and to whom; it is done by the form on it."""
    try:
        version = licensing.get_version(ref=ref)
        holders = licensing.holders_of(ref=ref, at=now())
    except TiergateError as error:
        return refused(request, error.detail, status=404)
    if version.status == DRAFT:
        return see_other(f"{HOME}{ref}/edit")
    keep = next((one.tenants for one in holders.versions if str(one.ref) == ref), 0)
    context = {**page, "title": f"Retire {ref}", "ref": ref, "version": version, "holders": holders, "keep": keep}
    return render(request, "admin/retire.html", context)


@operator_form(Action.PLAN_WRITE, home=HOME)
def retire(request: HttpRequest, author: str, ref: str) -> HttpResponseBase:
    """Take a version off sale."""
    try:
        licensing.retire_version(ref=ref, by=author, at=now())
    except TiergateError as error:
        messages.warning(request, f"Nothing was retired: {error.detail}")
    else:
        messages.success(request, f"It is off sale: {ref}. Who is on it keeps it.")
    return see_other(HOME)


def _shift(old: str, new: str, features: Mapping[str, FeatureSpec]) -> Shift:
    return shift_of(licensing.diff_versions(old=old, new=new), features)


def _price_in_words(one: licensing.Difference) -> str:
    new, old = (
        price(side["amount"], side["currency"], side["interval"]) if side else "not for sale by itself"
        for side in (one.new, one.old)
    )
    return f"The price: {new}, where it is {old} now."
