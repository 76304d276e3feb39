"""The plans on sale side by side, and what each would change. Pure but for the page itself."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from authlevels import api as authlevels
from billing import api as billing
from console.doors import person_page
from console.plan.overview import HOME
from console.plan.seeing import may_see
from console.plan.wording import LEVELS, amount, asked_in_words, asks_in_words, price, setting, side_in_words
from console.selling.coming import coming_to
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, FeatureSpec, GrantKind, Level, Requirement, Term

type Named = tuple[str, str, int]

_NOT_INCLUDED: Final = "Not included"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one plan says of one feature.

    level: what it asks of whoever uses it; "" for a sign-in. asks: the same in full.
    """

    worth: str
    level: str
    asks: str
    is_included: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One version of a plan.

    changes: what it would change for the tenant, in sentences. is_online: it can be bought here.
    """

    ref: str
    key: str
    title: str
    price: str
    is_held: bool
    is_on_sale: bool
    is_online: bool = False
    changes: tuple[str, ...] = ()


@person_page(Action.CATALOG_READ, "GET", "HEAD", home=HOME)
def plans(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show the plans on sale beside the one that the tenant is on, and what each would change."""
    at = now()
    seen = decisions.outlook(request, at=at)
    features = {one.key: one for one in licensing.list_features()}
    seeing = may_see(seen.privileges)
    held = seen.snapshot.plan if seeing["sees_plan"] else None
    own = f"{held.key}@{held.version}" if held else ""
    versions = licensing.list_versions()
    shown = [one for one in versions if _is_plan(one) and (one.is_on_sale or str(one.ref) == own)]
    online = _online() if seeing["manages_billing"] else frozenset()
    state = billing.billing_state(tenant_id=session.tenant_id) if seeing["sees_billing"] else None
    offers = [offer_of(one, own=own, features=features, online=online) for one in shown]
    context = {
        "tenant": seen.snapshot.tenant,
        "here": "plans",
        **seeing,
        "is_paid": state is not None,
        "coming": coming_to(tenant_id=session.tenant_id, state=state, features=features, at=at) if held else None,
        "offers": offers,
        # On a phone's width a cell stands below its feature, and names its plan itself.
        "rows": [(title, list(zip(offers, cells, strict=True))) for title, cells in rows_of(features.values(), shown)],
        "add_ons": [
            _add_on(one, features, online=online, held=held)
            for one in versions
            if not _is_plan(one) and (one.is_on_sale or _is_beside(one, held))
        ],
    }
    return render(request, "console/plan/plans.html", context)


def offer_of(
    version: licensing.VersionView, *, own: str, features: Mapping[str, FeatureSpec], online: Container[Named] = ()
) -> Offer:
    """Name a version, with what it would change for whoever is on ``own``. online: what can be bought here."""
    ref = str(version.ref)
    differs = licensing.diff_versions(old=own, new=ref) if own and own != ref else []
    return Offer(
        ref=ref,
        key=version.ref.key,
        title=version.title or version.ref.key,
        price=_price(version.price),
        is_held=ref == own,
        is_on_sale=version.is_on_sale,
        is_online=version.is_on_sale and _named(version) in online,
        changes=tuple(text for one in differs if (text := change_in_words(one, features))),
    )


def rows_of(features: Iterable[FeatureSpec], versions: Sequence[licensing.VersionView]) -> list[tuple[str, list[Cell]]]:
    """Put what each version says of each feature into one grid; features that none has are left out."""
    terms = [{term.feature: term for term in one.terms} for one in versions]
    return [
        (feature.title or feature.key, [cell_of(feature, one.get(feature.key)) for one in terms])
        for feature in features
        if any(feature.key in one for one in terms)
    ]


def cell_of(feature: FeatureSpec, term: Term | None) -> Cell:
    """Say what a term says."""
    if term is None or term.value is False:
        return Cell(worth=_NOT_INCLUDED, level="", asks="", is_included=False)
    asked = reduce(or_, (one for one in (feature.requirement, term.requirement) if one is not None), Requirement())
    return Cell(
        worth=_worth(term),
        level=LEVELS[asked.level] if asked.level > Level.AAL1 else "",
        asks=asked_in_words(asked),
        is_included=True,
    )


def change_in_words(one: licensing.Difference, features: Mapping[str, FeatureSpec]) -> str:
    """Say one difference to a buyer; "" of what is of no matter to them."""
    feature = features.get(one.key)
    title = (feature.title or feature.key) if feature else one.key
    match one.what:
        case "price":
            return ""
        case "grace":
            return f"After a failed payment there are {one.new} days to mend it, where there are {one.old} now."
        case "level":
            return f"{title}: asks {asks_in_words(one.new)}, where it asks {asks_in_words(one.old)} now."
        case _ if one.new in (None, False):
            return f"{title}: no longer included."
        case _ if one.old in (None, False):
            return f"{title}: {side_in_words(one.new)}."
        case _:
            return f"{title}: {side_in_words(one.new)}, where it is {side_in_words(one.old)} now."


def _is_plan(version: licensing.VersionView) -> bool:
    return version.ref.kind.value == GrantKind.PLAN.value


def _is_beside(version: licensing.VersionView, held: licensing.HeldPlan | None) -> bool:
    return held is not None and (version.ref.key, version.ref.number) in held.add_ons


def _online() -> frozenset[Named]:
    return frozenset((one.kind, one.key, one.version) for one in billing.list_prices().values())


def _named(version: licensing.VersionView) -> Named:
    return version.ref.kind.value, version.ref.key, version.ref.number


def _add_on(
    version: licensing.VersionView,
    features: Mapping[str, FeatureSpec],
    *,
    online: Container[Named],
    held: licensing.HeldPlan | None,
) -> dict[str, Any]:
    return {
        "key": version.ref.key,
        "title": version.title or version.ref.key,
        "price": _price(version.price),
        "is_held": _is_beside(version, held),
        "is_online": _named(version) in online,
        "terms": [
            (features[term.feature].title or term.feature, cell_of(features[term.feature], term))
            for term in version.terms
            if term.feature in features
        ],
    }


def _price(told: licensing.Price | None) -> str:
    return price(None, "", "") if told is None else price(told.amount, told.currency, told.interval)


def _worth(term: Term) -> str:
    if term.unlimited or term.limit is not None:
        return amount(limit=term.limit, unlimited=term.unlimited, period=term.reset_period)
    return "Included" if term.value is True else setting(term.value)
