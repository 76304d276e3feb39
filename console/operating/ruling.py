"""The operator's pages on which rules are put in force, tried, withdrawn and gone back from: whom it touches, first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from authlevels import api as authlevels
from console.doors import refused, see_other
from console.operating.forms import operator_form
from console.operating.ruled import given_up_in_words, rule_shift, waived_in_words
from console.operating.rules import HOME, SHORT, read_bundle
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, NeedKind, TiergateError

ACTIVE: Final = "active"
SHADOW: Final = "shadow"
STAGED: Final = "staged"
WITHDRAW: Final = "withdraw"
ROLLBACK: Final = "rollback"
OF_A_BUNDLE: Final = (ACTIVE, SHADOW, STAGED)
_ALL: Final = 100
_NAMED: Final = 200
_SHOWN: Final = 20
_PAGE: Final = 1_000

type Frame = Callable[[HttpRequest], Mapping[str, Any]]


def read_sent(typed: Mapping[str, str]) -> decisions.Change:
    """Read what is meant by a form; what it is done to is named by it, not found when it is done.

    :raises StageRefused: it cannot be meant so. :raises TenantNotFound: it names one that is none.
    """
    mode, because = typed.get("mode", ""), " ".join(typed.get("because", "").split())
    digest = typed.get("digest", "")[:64] or None
    if mode in {WITHDRAW, ROLLBACK}:
        return decisions.Change(mode=mode, digest=digest, because=because)
    is_candidate = mode in {SHADOW, STAGED}
    named = typed.get("tenants", "").replace(",", " ").split() if is_candidate else []
    if len(named) > _NAMED:
        raise decisions.StageRefused(f"Name at most {_NAMED} workspaces, or a share of all.")
    tenants = sorted({licensing.get_tenant(one).slug for one in named})
    percent = _percent(typed.get("percent", "")) if is_candidate else None
    change = decisions.read_change(mode=mode, digest=digest, tenants=tenants, percent=percent, because=because)
    if is_candidate and not (change.tenants or change.percent):
        raise decisions.StageRefused("Say for whom: name workspaces, or a share of all.")
    return change


def ask_to_change(request: HttpRequest, page: Mapping[str, Any], digest: str) -> HttpResponse:
    """Show what can become of a bundle and, once that is chosen, whom it touches; it is done by the form on it."""
    mode = request.GET.get("mode", ACTIVE)
    if mode not in OF_A_BUNDLE:
        mode = ACTIVE
    typed = {"mode": mode, "percent": request.GET.get("percent", ""), "tenants": request.GET.get("tenants", "")}
    try:
        stored, _ = read_bundle(digest)
    except TiergateError as error:
        return refused(request, error.detail, status=decisions.STATUS_BY_KIND[error.kind])
    context = {"bundle": stored, "typed": typed, "chooses": True}
    return _asked(request, page, f"Put {stored.name} {digest[:SHORT]} in force", {**typed, "digest": digest}, context)


def ask_to_end(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show whom it touches that no rule asks for anything."""
    return _asked(request, page, "Take all rules out of force", {"mode": ACTIVE, "digest": ""}, {})


def ask_to_withdraw(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show whom it touches that the candidate is taken away."""
    candidate = decisions.read_stage().candidate
    if candidate is None:
        messages.warning(request, "There is no candidate to withdraw.")
        return see_other(HOME)
    return _asked(request, page, "Withdraw the candidate", {"mode": WITHDRAW, "digest": candidate}, {})


def ask_to_roll_back(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show whom it touches that what was active before is active again."""
    try:
        digest = decisions.find_rollback() or ""
    except TiergateError as error:
        messages.warning(request, error.detail)
        return see_other(HOME)
    return _asked(request, page, "Roll back", {"mode": ROLLBACK, "digest": digest}, {})


def _meant(request: HttpRequest) -> tuple[decisions.Entity, decisions.Demands]:
    return _sent(request).as_resource(), decisions.policy_demands(request)


def _agreement_asked(request: HttpRequest, answer: decisions.Answer, frame: Frame) -> HttpResponse | None:
    """Where nothing but other people's agreement is missing, show how they give it; None otherwise."""
    principal = authlevels.caller(request)
    is_alone = {need.kind for need in answer.decision.needs} == {NeedKind.APPROVAL}
    if not (is_alone and isinstance(principal, authlevels.PersonPrincipal)):
        return None
    session, at = principal.session, now()
    try:
        shown = authlevels.open_approval(
            tenant_id=session.tenant_id, decision_id=answer.public_id, session=session, at=at
        )
        issued = authlevels.issue_code(ref=shown.id, at=at) if shown.state == "pending" else None
    except TiergateError as error:
        return refused(request, error.detail, status=403)
    change = _sent(request)
    context = {
        **frame(request),
        "title": "Somebody else has to agree",
        "shown": shown,
        "code": authlevels.code_members(issued),
        "change": change,
        "sent": {**_fields(change, _expected(request)), "because": change.because},
    }
    return render(request, "admin/policy_agree.html", context, status=403)


@operator_form(Action.BUNDLE_APPLY, home=HOME, about=_meant, or_else=_agreement_asked)
def change_policy(request: HttpRequest, author: str, *, frame: Frame) -> HttpResponseBase:  # noqa: ARG001 - the door shows it
    """Do it, as it was confirmed; the confirmation is used up with it or not at all."""
    meant, gives_up = decisions.confirmed_change(request.decision)  # type: ignore[attr-defined]  # left by the door
    try:
        done = decisions.make_change(
            meant,
            gives_up=gives_up,
            expected=_expected(request),
            by=author,
            at=now(),
            within=lambda: decisions.elevation_consumed(request),
        )
    except TiergateError as error:
        messages.warning(request, f"Nothing was changed: {error.detail}")
        return see_other(_back(meant))
    messages.success(request, f"Done. {done.sentence}")
    return see_other(HOME)


def _sent(request: HttpRequest) -> decisions.Change:
    return read_sent({name: str(value) for name, value in request.POST.items()})


def _expected(request: HttpRequest) -> str | None:
    """Read what was active as they saw it; None: nothing."""
    return str(request.POST.get("expected", ""))[:64] or None


def _asked(
    request: HttpRequest, page: Mapping[str, Any], title: str, typed: Mapping[str, str], context: Mapping[str, Any]
) -> HttpResponse:
    """Show whom a change touches and what is otherwise for them, with the form that does it."""
    stage = decisions.read_stage()
    shown: dict[str, Any] = {**page, **context, "title": title, "wrong": "", "change": None}
    is_chosen = typed["mode"] in {ACTIVE, SHADOW, WITHDRAW, ROLLBACK} or typed.get("percent") or typed.get("tenants")
    try:
        if is_chosen:
            meant = read_sent(typed)
            after = stage_after(stage, meant)
            old, new = _sides(stage, after, meant)
            # A candidate that is only tried beside asks nobody for anything, so nothing is otherwise without it.
            is_shadow_gone = meant.mode == WITHDRAW and stage.mode == decisions.Mode.SHADOW
            shown |= {
                "old": _named(old),
                "new": _named(new),
                "change": meant,
                "sent": _fields(meant, stage.active),
                "deed": _DEEDS[meant.mode],
                "touched": touched_by(stage, after, meant),
                "shift": None if is_shadow_gone else rule_shift(_compiled(old), _compiled(new)),
                "needed": decisions.approvals_to_apply(),
                "gives_up": given_up_in_words(_compiled(new), meant.gives_up()) if new else [],
                "waived": waived_in_words(_compiled(new)) if new and meant.mode not in {SHADOW, WITHDRAW} else [],
                "is_everything": not after.active and meant.mode in {ACTIVE, ROLLBACK},
            }
    except TiergateError as error:
        shown["wrong"] = error.detail
    return render(request, "admin/policy_change.html", shown, status=400 if shown["wrong"] else 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Whom a change touches: how many of all workspaces, and the first of them by name. is_asked: whether they are asked otherwise."""

    count: int
    total: int
    names: tuple[str, ...]
    is_asked: bool

    @property
    def others(self) -> int:
        """Count those that are not named."""
        return self.count - len(self.names)


def touched_by(before: decisions.Stage, after: decisions.Stage, meant: decisions.Change) -> Touched:
    """Count the workspaces for which other rules count from then on; of a shadow, those that it is tried for."""
    is_shadow = meant.mode == SHADOW
    total = found = 0
    names: list[str] = []
    for tenant in _tenants_touched():
        total += 1
        is_one = (
            after.shadowed(tenant.id) is not None
            if is_shadow
            else before.in_force(tenant.id) != after.in_force(tenant.id)
        )
        found += is_one
        if is_one and len(names) < _SHOWN:
            names.append(tenant.name)
    return Touched(count=found, total=total, names=tuple(names), is_asked=not is_shadow)


def stage_after(before: decisions.Stage, meant: decisions.Change) -> decisions.Stage:
    """Say which bundles there would be to be asked."""
    if meant.mode in {SHADOW, STAGED}:
        return decisions.Stage(
            active=before.active,
            candidate=meant.digest,
            mode=decisions.Mode(meant.mode),
            tenants=meant.tenant_ids(),
            percent=meant.percent,
        )
    return decisions.Stage(active=before.active if meant.mode == WITHDRAW else meant.digest)


def _sides(before: decisions.Stage, after: decisions.Stage, meant: decisions.Change) -> tuple[str | None, str | None]:
    """Name the bundles between which whoever is touched goes."""
    if meant.mode == WITHDRAW:
        return before.candidate, before.active
    return before.active, after.candidate if meant.mode in {SHADOW, STAGED} else after.active


def _named(digest: str | None) -> str:
    return "no rules" if digest is None else f"{read_bundle(digest)[0].name} {digest[:SHORT]}"


def _compiled(digest: str | None) -> Any:
    return None if digest is None else read_bundle(digest)[1]


def _tenants_touched() -> Iterator[licensing.Tenant]:
    """Give every workspace, the vendor's own first."""
    yield licensing.get_tenant(licensing.VENDOR_TENANT_ID)
    after = ""
    while found := licensing.list_tenants(after=after, limit=_PAGE):
        yield from found
        after = found[-1].slug


def _percent(text: str) -> int | None:
    if not text.strip():
        return None
    found = text.strip().removesuffix("%").strip()
    if not (found.isascii() and found.isdigit() and len(found) <= len(str(_ALL)) and int(found) <= _ALL):
        raise decisions.StageRefused("A share of all is 0 to 100 per cent.")
    return int(found)


def _fields(meant: decisions.Change, expected: str | None) -> dict[str, object]:
    """Write a change as the fields of a form, but for why. expected: what is active as they see it; None: nothing."""
    return {
        "mode": meant.mode,
        "digest": meant.digest or "",
        "tenants": " ".join(meant.tenants),
        "percent": meant.percent,
        "expected": expected or "",
    }


def _back(meant: decisions.Change) -> str:
    """Say where to look at it once more."""
    if meant.mode == ROLLBACK:
        return f"{HOME}roll-back"
    if meant.mode == WITHDRAW:
        return HOME
    if not meant.digest:
        return f"{HOME}no-rules"
    chosen = {"mode": meant.mode, "percent": meant.percent or "", "tenants": " ".join(meant.tenants)}
    query = urlencode({key: value for key, value in chosen.items() if value})
    return f"{HOME}bundles/{meant.digest}/change?{query}"


_DEEDS: Final[Mapping[str, str]] = {
    ACTIVE: "Put it in force for everybody",
    SHADOW: "Try it in the shadow",
    STAGED: "Put it in force for these",
    WITHDRAW: "Withdraw the candidate",
    ROLLBACK: "Roll back",
}
