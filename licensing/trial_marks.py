"""Who has tried which plan: by keyed digests of the tenant, its domain and its card, each of which tries a plan once."""

import contextlib
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction

from isolation.api import keyed_digests
from licensing import names
from licensing.models import Plan, TrialUse
from licensing.models.pending import TrialMark

DOMAIN: Final = "domain"
"""The member of a tenant's settings that names its own domain, which it shares with no other."""
_PURPOSE: Final = "trial"
_BY: Final = "trial/by"


def tried_plans(tenant_id: UUID, *, using: str = DEFAULT_DB_ALIAS) -> frozenset[str]:
    """List the plans that a tenant itself has tried, by key."""
    digests = keyed_digests(f"{_PURPOSE}/{TrialMark.TENANT}", str(tenant_id))
    found = TrialUse.objects.using(using).filter(mark=TrialMark.TENANT, digest__in=digests)
    return frozenset(found.values_list("plan__key", flat=True))


def marks_of(
    tenant_id: UUID, settings: Mapping[str, object], *, domain: str = "", card_fingerprint: str = ""
) -> list[tuple[TrialMark, str]]:
    """List by what a tenant is known again.

    settings: the tenant's, where its domain stands unless ``domain`` says it.
    """
    return list(_marks(tenant_id, domain or str(settings.get(DOMAIN) or ""), card_fingerprint))


def is_used(plan: Plan, marks: list[tuple[TrialMark, str]]) -> bool:
    """Say whether somebody who is known by one of these marks has tried a plan."""
    return any(
        TrialUse.objects.filter(plan=plan, mark=mark, digest__in=keyed_digests(f"{_PURPOSE}/{mark}", text)).exists()
        for mark, text in marks
    )


def use(plan: Plan, marks: list[tuple[TrialMark, str]], *, used_by: str = "", at: datetime) -> bool:
    """Use a plan's trial up for all these marks, or for none; False where one of them has tried it before.

    used_by: names the subscription whose trial it is, where billing tells of it.
    """
    if is_used(plan, marks):
        return False
    by = keyed_digests(_BY, used_by)[0] if used_by else None
    try:
        with transaction.atomic():
            for mark, text in marks:
                digest = keyed_digests(f"{_PURPOSE}/{mark}", text)[0]
                TrialUse.objects.create(plan=plan, mark=mark, digest=digest, used_by=by, used_at=at)
    except IntegrityError:
        return False
    return True


def is_trial_of(plan: Plan, tenant_id: UUID, *, used_by: str) -> bool:
    """Say whether the tenant's trial of a plan is the one of this subscription."""
    digests = keyed_digests(f"{_PURPOSE}/{TrialMark.TENANT}", str(tenant_id))
    own = TrialUse.objects.filter(plan=plan, mark=TrialMark.TENANT, digest__in=digests)
    return own.filter(used_by__in=keyed_digests(_BY, used_by)).exists()


def _marks(tenant_id: UUID, domain: str, card_fingerprint: str) -> Iterator[tuple[TrialMark, str]]:
    yield TrialMark.TENANT, str(tenant_id)
    if named := registered(names.text(domain, "domain")):
        yield TrialMark.DOMAIN, named
    if card := names.text(card_fingerprint, "card's fingerprint"):
        yield TrialMark.CARD, card


def registered(domain: str) -> str:
    """Write a domain, or an address in it, as registries do, so that no other spelling is another domain."""
    plain = unicodedata.normalize("NFKC", domain).casefold().rpartition("@")[-1]
    with contextlib.suppress(UnicodeError):
        plain = plain.encode("idna").decode()
    return plain.strip(".").removeprefix("www.")
