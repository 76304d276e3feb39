"""Versions by name: ``business@2``, or ``add_on:more-seats@1``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from licensing.catalogue_rows import term_json, term_of
from licensing.errors import InvalidName, VersionNotFound
from licensing.models import PlanVersion
from licensing.models.catalogue import PlanKind
from licensing.plan_content import Price
from tiergate import Term

_REF: Final = re.compile(r"(?:(plan|add_on):)?([a-z0-9][a-z0-9_.:-]{0,99})@([0-9]{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRef:
    """A version by plan and number."""

    kind: PlanKind = PlanKind.PLAN
    key: str
    number: int

    def __str__(self) -> str:
        """Write it as people do."""
        return f"{'' if self.kind == PlanKind.PLAN else f'{self.kind.value}:'}{self.key}@{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """A version as it stands.

    status: ``draft``, ``published`` or ``retired``. is_on_sale: new subscriptions get this one.
    state: names what it says; a draft's is another after each change.
    """

    ref: VersionRef
    title: str
    status: str
    price: Price | None
    grace_days: int
    terms: tuple[Term, ...]
    published_at: datetime | None
    is_on_sale: bool
    state: str


def parse_ref(text: str) -> VersionRef:
    """Read ``business@2``, ``plan:business@2`` or ``add_on:more-seats@1``.

    :raises InvalidName: it is none of these.
    """
    found = _REF.fullmatch(text)
    if found is None:
        raise InvalidName("A version is named like business@2, an add-on's like add_on:more-seats@1.")
    return VersionRef(kind=PlanKind(found[1] or PlanKind.PLAN), key=found[2], number=int(found[3]))


def get_row(ref: VersionRef) -> PlanVersion:
    """Find a version's row with its plan.

    :raises VersionNotFound: there is none.
    """
    row = (
        PlanVersion.objects.select_related("plan")
        .filter(plan__kind=ref.kind, plan__key=ref.key, number=ref.number)
        .first()
    )
    if row is None:
        raise VersionNotFound(f"There is no version {ref}.")
    return row


def get_version(*, ref: str) -> VersionView:
    """Return a version by name.

    :raises InvalidName: no name of a version. :raises VersionNotFound: there is none of this name.
    """
    return view_of(get_row(parse_ref(ref)))


def list_versions() -> list[VersionView]:
    """List every version, plans before add-ons, each plan's oldest first."""
    rows = PlanVersion.objects.select_related("plan").order_by("-plan__kind", "plan__rank", "plan__key", "number")
    return [view_of(row) for row in rows]


def ref_of(row: PlanVersion) -> VersionRef:
    """Name a version."""
    return VersionRef(kind=PlanKind(row.kind), key=row.plan.key, number=row.number)


def price_of(row: PlanVersion) -> Price | None:
    """Read a version's price."""
    if row.price_amount is None:
        return None
    return Price(amount=row.price_amount, currency=row.price_currency, interval=str(row.price_interval))


def terms_of(row: PlanVersion) -> list[Term]:
    """Read a version's terms by feature."""
    return [term_of(one) for one in row.terms.select_related("feature").order_by("feature__key")]


def view_of(row: PlanVersion) -> VersionView:
    """Read a version."""
    return VersionView(
        ref=ref_of(row),
        title=row.plan.title,
        status=str(row.status),
        price=price_of(row),
        grace_days=row.grace_days,
        terms=tuple(terms_of(row)),
        published_at=row.published_at,
        is_on_sale=row.plan.current_id == row.id,
        state=row.content_hash,
    )


def view_json(view: VersionView) -> dict[str, Any]:
    """Write a version for programs."""
    price = view.price
    return {
        "ref": str(view.ref),
        "kind": view.ref.kind.value,
        "plan": view.ref.key,
        "number": view.ref.number,
        "title": view.title,
        "status": view.status,
        "is_on_sale": view.is_on_sale,
        "price": price and {"amount": price.amount, "currency": price.currency, "interval": price.interval},
        "grace_days": view.grace_days,
        "terms": terms_json(view.terms),
        "published_at": view.published_at,
    }


def terms_json(terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Write terms for programs."""
    return [term_json(one) for one in terms]
