"""Keep a bundle, once it is known to compile, to pass its own cases, and to keep what it promises."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db.models import Q
from msgspec import Struct, to_builtins

from audit import api as audit
from authlevels import api as authlevels
from decisions.errors import FactsUnavailable
from decisions.models import BundleSignature, PolicyActivation, PolicyBundle
from decisions.policy.errors import (
    BundleNotFound,
    BundleRefused,
    BundleUnproved,
    BundleUntested,
    SignatureInvalid,
    SignatureMissing,
)
from decisions.policy.memory import bundle_of
from decisions.policy.proving import Proved, prove
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate import policy
from tiergate.policy import Bundle, PolicyError, Trial, compile_bundle, try_bundle
from tiergate.policy.signing import is_signed_by

STORE_LIMIT: Final = authlevels.AttemptLimit(attempts=20, pause=timedelta(minutes=10), window=timedelta(minutes=10))
"""How many bundles one person or credential may bring: to compile, try and prove one may take half a minute of a core."""


MAX_PAGE: Final = 200


class Signature(Struct, frozen=True, kw_only=True):
    """A publisher's word for a bundle. value: base64 of an Ed25519 signature over its digest."""

    publisher: str
    value: str


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a bundle's files stood in git, as whoever brings it says."""

    repository: str
    commit: str
    author: str


class StoredBundle(Struct, frozen=True, kw_only=True):
    """A bundle that is kept.

    findings: what became of each invariant: ``invariant``, ``outcome``, ``reason``. given_up: what the bundle in force
    promises, and this one says that it does not: ``promise``, ``owner``, ``until``, ``because``. waives: likewise what is not proved, and stands on somebody's word. rules, invariants, cases: how many.
    All six are () or 0 where it is only read.
    signed_by: publishers whose signature is there and is good. is_new: it was not there before.
    """

    digest: str
    name: str
    files: Mapping[str, str]
    source: Source | None
    signed_by: tuple[str, ...]
    stored_by: str
    stored_at: datetime
    rules: int | None = None
    invariants: int = 0
    cases: int = 0
    findings: tuple[Mapping[str, str], ...] = ()
    given_up: tuple[Mapping[str, str], ...] = ()
    waives: tuple[Mapping[str, str], ...] = ()
    is_new: bool = False


def count_brought(*, by: str, at: datetime) -> None:
    """Count a bundle that somebody brings, before anything of it is read, and whatever becomes of it.

    :raises authlevels.Throttled: they have brought too many of late; says when they may go on.
    """
    authlevels.charge(bucket=f"bundles:{by}", limit=STORE_LIMIT, at=at)


def store_bundle(
    files: Mapping[str, str], *, by: str, source: Source | None = None, signature: Signature | None = None, at: datetime
) -> StoredBundle:
    """Keep a bundle, from which nothing follows until it is activated. The same bundle again is kept once.

    files: text by path. Of a bundle that is there another signature is added, and its files stay as they were; a waiver
    that is over by then does not stand in its way, since nothing follows from a signature alone.
    :raises BundleRefused: it is none. :raises BundleUntested: its cases fail, or leave a rule untried.
    :raises BundleUnproved: it does not keep what it promises, or what it promises of the bundle in force.
    :raises SignatureMissing: it has to be signed. :raises SignatureInvalid: it is not signed by whom it says.
    """
    bundle = _compiled(files)
    _check_signature(bundle.digest, signature)
    trial = _tried(bundle)
    proved = _proved(bundle, at=at)
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        is_new = _insert(bundle, files, source, by=by, at=at)
        is_signed = signature is not None and _sign(bundle.digest, signature, by=by, at=at)
        if is_new or is_signed:
            audit.append(
                tenant_id=licensing.VENDOR_TENANT_ID,
                kind=audit.Kind.BUNDLE_STORED,
                at=at,
                payload=_told(bundle, source, signature, by=by, is_new=is_new),
            )
        row = PolicyBundle.objects.get(digest=bundle.digest)
    more: dict[str, Any] = {
        "invariants": len(bundle.invariants),
        "cases": len(trial.cases),
        "findings": proved.findings,
        "given_up": proved.given_up,
        "waives": proved.waives,
    }
    return _view(row, is_new=is_new, **more)


def get_bundle(digest: str) -> StoredBundle:
    """Read a stored bundle with its files.

    :raises BundleNotFound: there is none of this digest.
    """
    row = PolicyBundle.objects.filter(digest=digest).first()
    if row is None:
        raise BundleNotFound("There is no bundle of this digest.", digest=digest)
    return _view(row)


def list_bundles(*, after: str | None = None, limit: int = MAX_PAGE) -> list[StoredBundle]:
    """List what is stored, the newest first, without its files. after: the digest that a page ended with.

    :raises BundleNotFound: there is none of that digest.
    """
    rows = PolicyBundle.objects.defer("files").prefetch_related("signatures").order_by("-stored_at", "digest")
    if after is not None:
        last = PolicyBundle.objects.defer("files").filter(digest=after).first()
        if last is None:
            raise BundleNotFound("There is no bundle of this digest.", digest=after[:64])
        rows = rows.filter(Q(stored_at__lt=last.stored_at) | Q(stored_at=last.stored_at, digest__gt=last.digest))
    return [_view(row, has_files=False) for row in rows[: min(limit, MAX_PAGE)]]


def names_of(digests: Iterable[str]) -> dict[str, str]:
    """Say what stored bundles call themselves, by digest; without those that there are not."""
    return dict(PolicyBundle.objects.filter(digest__in=list(digests)).values_list("digest", "name"))


def name_of(digest: str) -> str:
    """Say what a stored bundle calls itself; "" where there is none."""
    return PolicyBundle.objects.filter(digest=digest).values_list("name", flat=True).first() or ""


def _compiled(files: Mapping[str, str]) -> Bundle:
    try:
        return compile_bundle(files)
    except policy.BundleRefused as refused:
        raise BundleRefused("These files are no bundle.", refused.errors) from refused


def _proved(bundle: Bundle, *, at: datetime) -> Proved:
    try:
        return prove(bundle, base=_base(), today=at.date())
    except BundleUnproved:
        if PolicyBundle.objects.filter(digest=bundle.digest).exists():
            # It is proved again before it is put in force.
            return Proved()
        raise


def _tried(bundle: Bundle) -> Trial:
    try:
        trial = try_bundle(bundle)
    except policy.BundleRefused as refused:
        raise BundleRefused("A case of the bundle is none.", refused.errors) from refused
    if not trial.is_good:
        errors = [
            PolicyError(file=one.case.file, line=one.case.line, column=1, message=f"it {one.case.it}: {complaint}")
            for one in trial.failed
            for complaint in one.complaints
        ]
        errors += [
            PolicyError(file=one.rule.file, line=one.rule.line, column=1, message=f"{one.rule.id}: {one.why}")
            for one in trial.untried
        ]
        raise BundleUntested("The bundle's own cases do not pass, or leave a rule untried.", errors)
    return trial


def _check_signature(digest: str, signature: Signature | None) -> None:
    publishers = settings.POLICY_PUBLISHERS
    if not publishers and signature is None:
        return
    if signature is None:
        raise SignatureMissing("A bundle has to be signed by a publisher who is believed here.")
    key = publishers.get(signature.publisher)
    if key is None or not is_signed_by(key, digest, signature.value):
        raise SignatureInvalid("The signature is not one of this bundle by a publisher who is believed here.")


def _base() -> Bundle | None:
    """Load the bundle in force, to be compared with; None where it cannot be loaded, so that what mends it can be kept.

    Whoever would put a bundle in force compares again.
    """
    active = PolicyActivation.objects.order_by("-number").values_list("active_id", flat=True).first()
    try:
        return None if active is None else bundle_of(active)
    except FactsUnavailable:
        return None


def _insert(bundle: Bundle, files: Mapping[str, str], source: Source | None, *, by: str, at: datetime) -> bool:
    _row, is_new = PolicyBundle.objects.get_or_create(
        digest=bundle.digest,
        defaults={
            "name": bundle.about.name,
            "files": dict(files),
            "rules": len(bundle.rules),
            "source": {} if source is None else to_builtins(source),
            "stored_by": by,
            "stored_at": at,
        },
    )
    return is_new


def _sign(digest: str, signature: Signature, *, by: str, at: datetime) -> bool:
    _row, is_new = BundleSignature.objects.get_or_create(
        bundle_id=digest,
        publisher=signature.publisher,
        signature=signature.value,
        defaults={"id": uuid4(), "added_by": by, "added_at": at},
    )
    return is_new


def _told(
    bundle: Bundle, source: Source | None, signature: Signature | None, *, by: str, is_new: bool
) -> dict[str, object]:
    told: dict[str, object] = {"by": by, "digest": bundle.digest, "name": bundle.about.name, "is_new": is_new}
    if source is not None:
        told["source"] = to_builtins(source)
    if signature is not None:
        told["signed_by"] = signature.publisher
    return told


def _view(row: PolicyBundle, *, has_files: bool = True, **more: Any) -> StoredBundle:
    believed = settings.POLICY_PUBLISHERS
    signed_by = sorted(
        {
            one.publisher
            for one in row.signatures.all()
            if one.publisher in believed and is_signed_by(believed[one.publisher], row.digest, one.signature)
        }
    )
    return StoredBundle(
        rules=row.rules,
        digest=row.digest,
        name=row.name,
        files=row.files if has_files else {},
        source=Source(**row.source) if row.source else None,
        signed_by=tuple(signed_by),
        stored_by=row.stored_by,
        stored_at=row.stored_at,
        **more,
    )
