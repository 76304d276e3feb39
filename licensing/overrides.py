"""What was agreed with one tenant about one feature."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.catalogue_rows import requirement_json, requirement_of, value_columns
from licensing.errors import FeatureNotFound, InvalidRange, InvalidTerm, OverrideNotFound, RegulatedRatchet
from licensing.models import Feature, History, Invitation, PendingChange
from licensing.models import Override as OverrideRow
from licensing.push import publish
from licensing.ratchet import floors_json, keep_at_least
from licensing.telling import tell_changes
from licensing.tenant_lock import lock_tenant
from tiergate import OverrideEffect, Requirement, ResetPeriod, Sensitivity


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideView:
    """An override as it stands; ``requirement`` as in the kernel's override."""

    feature: str
    effect: OverrideEffect
    value: Any
    limit: int | None
    unlimited: bool
    reset_period: str | None
    requirement: Requirement | None
    reason: str
    by: str
    created_at: datetime
    expires_at: datetime | None


def put_override(  # noqa: PLR0913 - a line of an agreement, each part named
    *,
    tenant_id: UUID,
    feature: str,
    effect: str,
    value: Any = None,
    limit: int | None = None,
    unlimited: bool = False,
    reset_period: str | None = None,
    requirement: Requirement | None = None,
    reason: str,
    by: str,
    expires_at: datetime | None = None,
    at: datetime,
) -> tuple[OverrideView, bool]:
    """Create or replace a tenant's override of a feature. Returns it, and whether it is new.

    effect: ``inherit`` leaves the value (and may ask for more), ``value`` puts one in its place, ``removed``
        takes the feature away.
    expires_at: None for as long as it is not removed; later than ``at``.
    :raises FeatureNotFound: no such feature.
    :raises InvalidTerm: a value that does not fit the feature's kind or the effect.
    :raises RegulatedRatchet: less than the tenant's override of a regulated feature asks already.
    """
    reason = names.text(reason, "reason", may_be_empty=False)
    author = names.text(by, "author", may_be_empty=False)
    expires = None if expires_at is None else names.instant(expires_at, "expires_at")
    if expires is not None and expires <= at:
        raise InvalidRange("expires_at must lie in the future.")
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        named = _feature(feature)
        wanted: dict[str, Any] = {
            **_columns(named, effect, value=value, limit=limit, unlimited=unlimited, reset_period=reset_period),
            "requirement": requirement_json(requirement),
            "reason": reason,
            "expires_at": expires,
        }
        row = OverrideRow.objects.select_for_update().filter(tenant_id=tenant_id, feature=named).first()
        created = row is None
        old = None if row is None else _json(row)
        if row is None:
            row = OverrideRow(tenant_id=tenant_id, feature=named, created_at=at, by=author)
        else:
            _refuse_sinking(row, named, requirement, expires, at)
        for column, given in wanted.items():
            setattr(row, column, given)
        if old != _json(row):
            row.by, row.created_at = author, at
            _save(row)
            _record(row, named, author, at, old, _json(row))
        return _told(row, named), created


def remove_override(*, tenant_id: UUID, feature: str, by: str, at: datetime) -> None:
    """End a tenant's override of a feature; what it asked of a regulated one stays as a floor.

    :raises OverrideNotFound: there is none.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        named = _feature(feature)
        row = _find(tenant_id, named, is_locked=True)
        asked = _asks(row, named, at)
        raised = {}
        if asked is not None:
            raised = keep_at_least(
                tenant_id=tenant_id,
                asked={named.id: asked},
                now_asked={},
                because="an override that asked for it was removed",
                at=at,
            )
        old = _json(row)
        row.delete()
        _record(row, named, author, at, old, None, floors_json(raised))


def forget_author(*, tenant_id: UUID, author: str, instead: str) -> None:
    """Put something else where overrides, invitations and scheduled changes name this author, who was erased."""
    with tenant_transaction(tenant_id):
        Invitation.objects.filter(tenant_id=tenant_id, by=author).update(by=instead)
        OverrideRow.objects.filter(tenant_id=tenant_id, by=author).update(by=instead)
        PendingChange.objects.filter(tenant_id=tenant_id, by=author).update(by=instead)
        # Afterwards, since the change of above is remembered with what it changed.
        for state in History.objects.filter(tenant_id=tenant_id, table_name="licensing_override", row__by=author):
            state.row = {**state.row, "by": instead}
            state.save(update_fields=["row"])


def get_override(*, tenant_id: UUID, feature: str) -> OverrideView:
    """Return a tenant's override of a feature, expired or not.

    :raises FeatureNotFound: no such feature. :raises OverrideNotFound: no override of it.
    """
    with tenant_transaction(tenant_id):
        named = _feature(feature)
        return _told(_find(tenant_id, named), named)


def list_overrides(*, tenant_id: UUID, after: str = "", limit: int = 100) -> list[OverrideView]:
    """List a page of a tenant's overrides by feature. after: the last feature of the page before."""
    with tenant_transaction(tenant_id):
        rows = OverrideRow.objects.select_related("feature").filter(tenant_id=tenant_id, feature__key__gt=after)
        return [_told(row, row.feature) for row in rows.order_by("feature__key")[: max(0, limit)]]


def _feature(key: str) -> Feature:
    found = Feature.objects.filter(key=key).first() if names.is_key(key) else None
    if found is None:
        raise FeatureNotFound("The catalogue has no such feature.")
    return found


def _find(tenant_id: UUID, feature: Feature, *, is_locked: bool = False) -> OverrideRow:
    rows = OverrideRow.objects.select_for_update() if is_locked else OverrideRow.objects.all()
    row = rows.filter(tenant_id=tenant_id, feature=feature).first()
    if row is None:
        raise OverrideNotFound("The tenant has no override of this feature.")
    return row


def _columns(
    feature: Feature, effect: str, *, value: Any, limit: int | None, unlimited: bool, reset_period: str | None
) -> dict[str, Any]:
    try:
        named_effect = OverrideEffect(effect)
        period = ResetPeriod(reset_period) if reset_period else None
    except ValueError as error:
        raise InvalidTerm(str(error)) from error
    if named_effect == OverrideEffect.VALUE:
        value_columns(feature, value=value, limit=limit, unlimited=unlimited, period=period)
    elif value is not None or limit is not None or unlimited or period is not None:
        raise InvalidTerm(f"An override with the effect {effect} carries no value.")
    return {
        "feature_kind": feature.kind,
        "effect": named_effect.value,
        "value": names.json_value(value),
        "limit": limit,
        "unlimited": unlimited,
        "reset_period": period.value if period else "",
    }


def _asks(row: OverrideRow, feature: Feature, at: datetime) -> Requirement | None:
    """Read what an override asks of a regulated feature while it holds."""
    is_over = row.expires_at is not None and row.expires_at <= at
    if row.requirement is None or feature.sensitivity != Sensitivity.REGULATED or is_over:
        return None
    return Requirement.from_json(row.requirement)


def _refuse_sinking(
    row: OverrideRow, feature: Feature, wanted: Requirement | None, expires: datetime | None, at: datetime
) -> None:
    asked = _asks(row, feature, at)
    if asked is None:
        return
    ends_sooner = expires is not None and (row.expires_at is None or expires < row.expires_at)
    if wanted is None or not wanted.is_at_least(asked) or ends_sooner:
        raise RegulatedRatchet(
            f"{feature.key} is regulated: what it asks of this tenant may be raised, not lowered or ended sooner.",
            requirement=asked.to_json(),
        )


def _save(row: OverrideRow) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise RegulatedRatchet("The database refused the override: a regulated requirement only rises.") from error


def _record(
    row: OverrideRow,
    feature: Feature,
    author: str,
    at: datetime,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    floors: dict[str, Any] | None = None,
) -> None:
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=audit.api.Kind.OVERRIDE_CHANGED,
        at=at,
        payload={"by": author, "feature": feature.key, "old": old, "new": new, "floors_raised": floors or {}},
    )
    tell_changes(tenant_id=row.tenant_id, at=at)
    publish("tenant", str(row.tenant_id))


def _told(row: OverrideRow, feature: Feature) -> OverrideView:
    return OverrideView(
        feature=feature.key,
        effect=OverrideEffect(row.effect),
        value=row.value,
        limit=row.limit,
        unlimited=row.unlimited,
        reset_period=row.reset_period or None,
        requirement=requirement_of(row.requirement),
        reason=row.reason,
        by=row.by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _json(row: OverrideRow) -> dict[str, Any]:
    return {
        "effect": str(row.effect),
        "value": row.value,
        "limit": row.limit,
        "unlimited": row.unlimited,
        "reset_period": row.reset_period,
        "requirement": row.requirement,
        "reason": row.reason,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }
