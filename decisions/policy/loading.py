"""Read which bundle goes with a generation of the catalogue, and make of a stored one what can be asked.

What is stored is believed of nobody: the digest is worked out again, and the signature checked again.
"""

from typing import Final

import msgspec
from django.conf import settings

from decisions.errors import FactsUnavailable
from decisions.models import BundleSignature, PolicyBundle
from decisions.policy.stage import NOTHING, Stage
from isolation.api import global_row
from licensing import api as licensing
from tiergate.policy import Bundle, compile_bundle
from tiergate.policy.signing import is_signed_by

_STAGE: Final = """(
    SELECT jsonb_build_object(
        'generation', generation, 'active', active_id, 'candidate', candidate_id, 'mode', mode,
        'tenants', tenants, 'percent', percent
    )::text
    FROM decisions_activation WHERE generation <= %s::bigint ORDER BY generation DESC LIMIT 1
)"""
_COLUMNS: Final = f"{licensing.GENERATION_COLUMN}, {_STAGE}"
_read: Final = msgspec.json.Decoder(Stage).decode


def stage_at(generation: int) -> Stage:
    """Read which bundles there are to be asked at a generation of the catalogue.

    Of one that anybody has seen this never changes: a later step has a higher one.
    :raises FactsUnavailable: the database has not come so far, or has fallen back: a step may be missing in it.
    :raises django.db.DatabaseError: it cannot be read.
    """
    # In one statement: both of one instant, of one database.
    reached, found = global_row(_COLUMNS, [str(generation)])
    if int(reached or 0) < generation:
        raise FactsUnavailable("The database knows less than it did; ask again.", retry_after=1)
    return NOTHING if found is None else _read(found)


def load_bundle(digest: str) -> Bundle:
    """Read a stored bundle and compile it.

    :raises FactsUnavailable: it is not there, is not what its digest names, is signed by nobody who is believed here,
        or cannot be compiled. What it asks is then unknown, which is not nothing.
    :raises django.db.DatabaseError: it cannot be read.
    """
    row = PolicyBundle.objects.filter(digest=digest).first()
    if row is None:
        raise _unknown("is not stored")
    try:
        bundle = compile_bundle(row.files)
    except Exception as error:
        raise _unknown("cannot be compiled") from error
    if bundle.digest != digest:
        raise _unknown("is not what was stored")
    if not is_signed_well(digest):
        raise _unknown("is signed by nobody who is believed here")
    return bundle


def is_signed_well(digest: str) -> bool:
    """Say whether a stored bundle is signed by somebody who is believed here; always, where nobody has to sign."""
    if not settings.POLICY_PUBLISHERS:
        return True
    return any(
        is_signed_by(key, digest, signature)
        for publisher, signature in BundleSignature.objects.filter(bundle_id=digest).values_list(
            "publisher", "signature"
        )
        if (key := settings.POLICY_PUBLISHERS.get(publisher)) is not None
    )


def _unknown(why: str) -> FactsUnavailable:
    return FactsUnavailable(f"The policy in force {why}; ask again.", retry_after=1)
