"""What a command is told: of which days, of which tenant, and which bundle."""

import argparse
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from msgspec import Struct

from decisions.models import PolicyBundle
from decisions.policy.activating import read_stage
from decisions.policy.memory import bundle_of
from licensing import api as licensing
from tiergate.policy import Bundle, compile_bundle
from tiergate.policy.folder import read_folder

NONE: Final = "none"
"""In the place of a digest: no bundle."""

_DIGEST: Final = re.compile(r"[0-9a-f]{7,64}")
_MAX_DAYS: Final = 3660


class Window(Struct, frozen=True, kw_only=True):
    """Which decisions are looked at. tenant_id: None: those of all."""

    since: datetime
    until: datetime
    tenant_id: UUID | None


class Unusable(ValueError):
    """What was asked for cannot be looked at; the message says why."""


def add_window(parser: argparse.ArgumentParser) -> None:
    """Take the days, and the tenant."""
    parser.add_argument("--days", type=float, default=7.0, help="look back so many days; default: 7")
    parser.add_argument("--tenant", help="of this tenant alone: its slug or id")


def read_window(given: argparse.Namespace, *, at: datetime) -> Window:
    """Read which decisions are meant.

    :raises Unusable: so many days are none, or there is no such tenant.
    """
    if not 0 < given.days <= _MAX_DAYS:
        raise Unusable(f"--days is more than 0, and {_MAX_DAYS} at the most.")
    tenant_id = None
    if given.tenant is not None:
        try:
            tenant_id = licensing.get_tenant(given.tenant).id
        except licensing.TenantNotFound:
            raise Unusable(f"There is no tenant {given.tenant!r}.") from None
    return Window(since=at - timedelta(days=given.days), until=at, tenant_id=tenant_id)


def find_bundle(ref: str) -> Bundle | None:
    """Find a bundle by its digest, the beginning of one, or the folder that it is in; ``none`` is no bundle.

    :raises Unusable: there is none, or more than one. :raises BundleRefused: the folder holds none.
    :raises FactsUnavailable: a stored one cannot be loaded.
    """
    if ref == NONE:
        return None
    folder = Path(ref)
    if folder.is_dir():
        return compile_bundle(read_folder(folder))
    if not _DIGEST.fullmatch(ref):
        raise Unusable(f"{ref} is no folder, and no digest of a stored bundle.")
    found = list(PolicyBundle.objects.filter(digest__startswith=ref).values_list("digest", flat=True)[:2])
    if len(found) != 1:
        raise Unusable(f"{'No' if not found else 'More than one'} stored bundle has a digest that begins with {ref}.")
    return bundle_of(found[0])


def find_active() -> Bundle | None:
    """Find the bundle in force; None where there is none.

    :raises FactsUnavailable: it cannot be loaded.
    """
    digest = read_stage().active
    return None if digest is None else bundle_of(digest)
