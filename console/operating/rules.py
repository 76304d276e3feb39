"""The operator's pages of rules: which bundle is in force, which are stored, what each says, and what was done when."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.doors import refused
from console.operating.ruled import given_up_in_words, promises_in_words, rule_shift, rules_in_words
from decisions import api as decisions
from isolation.clock import now
from tiergate import TiergateError
from tiergate.policy import Bundle, BundleRefused, compile_bundle
from tiergate.policy.comparing import CHANGE_WORDS, LOOSER, Change
from tiergate.policy.limits import DIGEST

HOME: Final = "/operator/policy/"
SHORT: Final = 12
_RECENT: Final = 5
_LISTED: Final = 20
_STEPS: Final = 50
_DIGEST: Final = re.compile(DIGEST)
_SHADOW: Final = timedelta(days=1)
# More than this is for `manage.py policy shadow`: nobody waits for a page so long.
_MOST_READ: Final = 20_000


def overview(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show what is in force since when, by whom and why; what is tried beside it; and what is stored.

    page: what the site's pages have in common.
    """
    after = request.GET.get("after", "")
    try:
        stage, stored = decisions.show_stage(), decisions.list_bundles(after=after or None, limit=_LISTED + 1)
    except TiergateError as error:
        return refused(request, error.detail, status=decisions.STATUS_BY_KIND[error.kind])
    shown = stored[:_LISTED]
    context = {
        **page,
        "title": "Policy",
        "active": stage.active,
        "candidate": stage.candidate,
        "rows": shown,
        "more": shown[-1].digest if len(stored) > _LISTED else None,
        "steps": decisions.list_activations(limit=_RECENT),
        "can_roll_back": can_roll_back(),
    }
    return render(request, "admin/policy.html", context)


def bundle(request: HttpRequest, page: Mapping[str, Any], digest: str) -> HttpResponse:
    """Show what a bundle says, what it promises, and how it differs from another: the active one unless ``?against=``."""
    try:
        stored, compiled = read_bundle(digest)
        stage = decisions.show_stage()
        against = request.GET.get("against") or (stage.active.digest if stage.active else "")
        other, its_rules = read_bundle(against) if against and against != digest else (None, None)
        context = {
            **page,
            "title": f"{stored.name} {digest[:SHORT]}",
            "bundle": stored,
            "compiled": compiled,
            "rules": rules_in_words(compiled),
            "promises": promises_in_words(compiled),
            "given_up": given_up_in_words(compiled),
            "active": stage.active,
            "candidate": stage.candidate,
            "other": other,
            "shift": rule_shift(its_rules, compiled) if other else None,
            "lines": _lines(decisions.differences(other.files, stored.files)) if other else [],
            "others": [one for one in decisions.list_bundles(limit=_LISTED + 1) if one.digest != digest][:_LISTED],
            "against": against,
        }
    except TiergateError as error:
        return refused(request, error.detail, status=decisions.STATUS_BY_KIND[error.kind])
    return render(request, "admin/policy_bundle.html", context)


def history(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show every step, the newest first, as sentences."""
    before = _number(request.GET.get("before", "")) or None
    found = decisions.list_activations(before=before, limit=_STEPS + 1)
    context = {
        **page,
        "title": "History of the policy",
        "steps": found[:_STEPS],
        "more": found[_STEPS - 1].number if len(found) > _STEPS else None,
        "before": before,
    }
    return render(request, "admin/policy_history.html", context)


def shadow(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show what candidates that were tried beside would have answered otherwise within the last day."""
    at = now()
    since = at - _SHADOW
    try:
        is_much = decisions.count_recorded(since=since, until=at) > _MOST_READ
        seen = None if is_much else decisions.look_aside(since=since, until=at)
    except TiergateError as error:
        return refused(request, error.detail, status=decisions.STATUS_BY_KIND[error.kind])
    names = decisions.names_of(seen.candidates if seen else ())
    beside = [
        {"digest": digest, "name": names.get(digest, ""), **_seen(one)}
        for digest, one in (seen.candidates.items() if seen else ())
    ]
    stage = decisions.show_stage()
    context = {
        **page,
        "title": "What was tried beside",
        "candidate": stage.candidate,
        "seen": seen,
        "beside": beside,
        "most": _MOST_READ,
    }
    return render(request, "admin/policy_shadow.html", context)


def read_bundle(digest: str) -> tuple[decisions.StoredBundle, Bundle]:
    """Read a stored bundle, and what it says.

    :raises BundleNotFound: there is none of this digest. :raises FactsUnavailable: it cannot be compiled.
    """
    if not _DIGEST.fullmatch(digest):
        raise decisions.BundleNotFound("There is no bundle of this digest.", digest=digest[:64])
    stored = decisions.get_bundle(digest)
    try:
        return stored, compile_bundle(stored.files)
    except BundleRefused as error:
        raise decisions.FactsUnavailable("This bundle is stored, but cannot be compiled.") from error


def can_roll_back() -> bool:
    """Say whether there is anything to go back to."""
    try:
        decisions.find_rollback()
    except TiergateError:
        return False
    return True


def _seen(one: decisions.Beside) -> dict[str, Any]:
    return {
        "total": sum(one.differing.values()),
        "changes": changes_in_words(one.differing, one.examples),
        "tenants": sorted(one.tenants.items(), key=lambda share: (-share[1], share[0])),
    }


def changes_in_words(
    counts: Mapping[str, int], examples: Mapping[str, list[str]] | None = None
) -> list[dict[str, Any]]:
    """List changes, what asks for less first, each with its words and how many."""
    return [
        {
            "words": CHANGE_WORDS[change],
            "count": counts[change.value],
            "is_looser": change in LOOSER,
            "examples": (examples or {}).get(change.value, []),
        }
        for change in Change
        if counts.get(change.value)
    ]


def _lines(diff: str) -> list[dict[str, str]]:
    """Tell apart what a diff takes away and adds, and where."""
    told: list[dict[str, str]] = []
    lines = diff.splitlines()
    for text, following in zip(lines, [*lines[1:], ""], strict=True):
        kind = {"-": "gone", "+": "new", "@": "place"}.get(text[:1], "")
        if (text.startswith("--- ") and following.startswith("+++ ")) or (
            text.startswith("+++ ") and told and told[-1]["kind"] == "file"
        ):
            kind = "file"
        told.append({"text": text, "kind": kind})
    return told


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < SHORT else 0
