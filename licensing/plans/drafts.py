"""Drafts of versions: begun, written, thrown away, put on sale, and taken off it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import uuid4

from licensing import names
from licensing.catalogue_changes import Change, edit_catalogue
from licensing.catalogue_rows import plan_json, term_columns, version_json
from licensing.errors import CatalogueConflict, DraftChanged
from licensing.models import Plan, PlanTerm, PlanVersion
from licensing.models.catalogue import PlanKind, VersionStatus
from licensing.plan_content import Price, checked_grace, checked_price, checked_terms, content_digest
from licensing.plans.versions import VersionRef, VersionView, get_row, parse_ref, price_of, ref_of, terms_of, view_of
from tiergate import Term

UNCHANGED: Final = "unchanged"


def begin_draft(
    *,
    plan: str,
    kind: str = PlanKind.PLAN,
    from_version: int | None = None,
    title: str = "",
    by: str,
    at: datetime,
) -> VersionView:
    """Begin a draft with what another version of the plan says; nobody gets it before it is published.

    A plan that does not exist yet is made, and is not on sale.

    from_version: None for the version on sale, or nothing where there is none. title: of a new plan.
    :raises VersionNotFound: there is no such version.
    """
    named = PlanKind(kind)
    key = names.key(plan, named.label.lower())
    with edit_catalogue(by=by, at=at) as edit:
        row = Plan.objects.select_related("current__plan").filter(kind=named, key=key).first()
        if row is None:
            row = Plan.objects.create(kind=named, key=key, title=names.text(title, "title") or key)
        source = row.current if from_version is None else get_row(VersionRef(kind=named, key=key, number=from_version))
        last = row.versions.order_by("-number").values_list("number", flat=True).first() or 0
        draft = PlanVersion.objects.create(
            plan=row, kind=row.kind, number=last + 1, content_hash=f"draft:{uuid4()}", **_content(source)
        )
        _write_terms(draft, terms_of(source) if source else [])
        edit.changes.append(Change(what="draft", key=str(ref_of(draft)), old=None, new=version_json(draft)))
        return view_of(draft)


def edit_draft(
    *,
    ref: str,
    put: Sequence[Term] = (),
    remove: Sequence[str] = (),
    price: Price | Literal["unchanged"] | None = UNCHANGED,
    grace_days: int | None = None,
    state: str | None = None,
    by: str,
    at: datetime,
) -> VersionView:
    """Change what a draft says, whole or not at all; what is not named stays.

    put: terms, each in place of what is said of its feature. remove: features to say nothing of.
    price: None: not for sale by itself. state: what was looked at, as its view names it; None for whatever it is now.
    :raises CatalogueConflict: it is no draft any longer. :raises DraftChanged: it says something else than ``state``.
    :raises UnknownFeature: a term of a feature that is not in the catalogue.
    :raises InvalidTerm: a term that does not fit its feature's kind, a price that is none, or too long a grace; its
        ``features`` name each that does not fit, with why.
    """
    with edit_catalogue(by=by, at=at) as edit:
        draft = _draft(ref, state)
        old = version_json(draft)
        if price != UNCHANGED:
            said = checked_price(price) or {"amount": None, "currency": "", "interval": ""}
            draft.price_amount, draft.price_currency = said["amount"], said["currency"]
            draft.price_interval = said["interval"]
        if grace_days is not None:
            draft.grace_days = checked_grace(grace_days)
        draft.save(update_fields=["price_amount", "price_currency", "price_interval", "grace_days"])
        checked_terms(put)
        named = {term.feature for term in put} | set(remove)
        _write_terms(draft, [*(one for one in terms_of(draft) if one.feature not in named), *put])
        new = version_json(draft)
        if old != new:
            _rename(draft)
            edit.changes.append(Change(what="draft", key=str(ref_of(draft)), old=old, new=version_json(draft)))
        return view_of(draft)


def discard_draft(*, ref: str, state: str | None = None, by: str, at: datetime) -> None:
    """Throw a draft away.

    state: as `edit_draft` has it.
    :raises CatalogueConflict: it is no draft any longer. :raises DraftChanged: it says something else than ``state``.
    """
    with edit_catalogue(by=by, at=at) as edit:
        draft = _draft(ref, state)
        edit.changes.append(Change(what="draft", key=str(ref_of(draft)), old=version_json(draft), new=None))
        draft.terms.all().delete()
        draft.delete()


def publish_version(*, ref: str, state: str | None = None, by: str, at: datetime) -> VersionView:
    """Put a version on sale: a draft, which never changes from then on, or one of before again.

    Who is on another version stays on it. What is on sale already changes nothing.

    state: as `edit_draft` has it.
    :raises CatalogueConflict: a draft that says what another version says: that one can be published again.
    :raises DraftChanged: it says something else than ``state``.
    """
    with edit_catalogue(by=by, at=at) as edit:
        row = _at_state(get_row(parse_ref(ref)), state)
        plan = Plan.objects.select_related("current").get(id=row.plan_id)
        old = plan_json(plan)
        if row.status == VersionStatus.DRAFT:
            row.content_hash = _digest(row)
            same = plan.versions.filter(content_hash=row.content_hash).first()
            if same is not None:
                raise CatalogueConflict(f"{ref_of(row)} says what {same} says: publish that one again.")
            row.published_at = edit.at
        if row.status != VersionStatus.PUBLISHED:
            row.status = VersionStatus.PUBLISHED
            row.save(update_fields=["status", "published_at", "content_hash"])
        plan.current = row
        if plan_json(plan) != old:
            plan.save(update_fields=["current"])
            edit.changes.append(Change(what=str(plan.kind), key=plan.key, old=old, new=plan_json(plan)))
        row.plan = plan
        return view_of(row)


def retire_version(*, ref: str, by: str, at: datetime) -> VersionView:
    """Take a version off sale; tenants who are on it keep it. One that is retired stays so.

    :raises CatalogueConflict: a draft, which is thrown away instead.
    """
    with edit_catalogue(by=by, at=at) as edit:
        row = get_row(parse_ref(ref))
        if row.status == VersionStatus.DRAFT:
            raise CatalogueConflict(f"{ref_of(row)} is a draft: throw it away.")
        if row.status == VersionStatus.RETIRED:
            return view_of(row)
        old = version_json(row)
        row.status = VersionStatus.RETIRED
        row.save(update_fields=["status"])
        plan = Plan.objects.select_related("current").get(id=row.plan_id)
        if plan.current_id == row.id:
            was = {**plan_json(plan), "version": old}
            plan.current = None
            plan.save(update_fields=["current"])
            edit.changes.append(Change(what=str(plan.kind), key=plan.key, old=was, new=plan_json(plan)))
        else:
            edit.changes.append(Change(what="version", key=str(ref_of(row)), old=old, new=version_json(row)))
        row.plan = plan
        return view_of(row)


def _draft(ref: str, state: str | None) -> PlanVersion:
    row = get_row(parse_ref(ref))
    if row.status != VersionStatus.DRAFT:
        raise CatalogueConflict(f"{ref_of(row)} was published, and never changes: begin a draft from it.")
    return _at_state(row, state)


def _at_state(row: PlanVersion, state: str | None) -> PlanVersion:
    # Whoever edits holds the catalogue's lock, so that nobody writes between this look and what follows it.
    if state is not None and row.content_hash != state:
        raise DraftChanged(f"{ref_of(row)} says something else by now: somebody has changed it meanwhile.")
    return row


def _rename(draft: PlanVersion) -> None:
    """Give what a draft says another name, so that whoever looked at it before is told.

    :raises DraftChanged: somebody else has, past the lock.
    """
    now = f"draft:{uuid4()}"
    same = PlanVersion.objects.filter(id=draft.id, status=VersionStatus.DRAFT, content_hash=draft.content_hash)
    if not same.update(content_hash=now):
        raise DraftChanged(f"{ref_of(draft)} says something else by now: somebody has changed it meanwhile.")
    draft.content_hash = now


def _content(source: PlanVersion | None) -> dict[str, Any]:
    if source is None:
        return {}
    return {
        "price_amount": source.price_amount,
        "price_currency": source.price_currency,
        "price_interval": source.price_interval,
        "grace_days": source.grace_days,
    }


def _write_terms(draft: PlanVersion, terms: Sequence[Term]) -> None:
    draft.terms.all().delete()
    PlanTerm.objects.bulk_create(
        PlanTerm(version=draft, feature=feature, **term_columns(feature, term))
        for feature, term in checked_terms(terms)
    )


def _digest(row: PlanVersion) -> str:
    return content_digest(checked_price(price_of(row)), terms_of(row), row.grace_days)
