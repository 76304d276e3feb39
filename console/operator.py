"""The operator's pages: Django's admin on our own session, entered only on an allow; its tables are read-only."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import urlencode

from authlevels import api as authlevels
from console.deliveries import deliveries, replay
from console.operating import drafts, inbox, planning, risk, rules, ruling, sales, tenants
from console.plan_matrix import plan_matrix
from decisions import api as decisions
from isolation.clock import now
from tiergate import Action, NeedKind, TiergateError

# A table of many tenants is read by the sweep role, which the hot path does not have.
SWEEP = "sweep"

TABLES: dict[str, tuple[str, ...]] = {
    "licensing.Tenant": ("slug", "name", "status"),
    "licensing.Feature": ("key", "title", "kind", "sensitivity"),
    "licensing.Plan": ("key", "title", "rank"),
    "licensing.PlanVersion": ("plan", "number", "status", "published_at"),
    "licensing.Subscription": ("tenant", "plan_version", "status", "active_from", "active_to"),
    "licensing.Member": ("tenant", "subject_type", "subject_id", "display_name", "roles", "active"),
    "licensing.Override": ("tenant", "feature", "effect", "reason", "by", "expires_at"),
    "audit.Entry": ("at", "kind", "subject_id", "tenant_id"),
}

NEWEST_FIRST = {"audit.Entry": ("-seq",), "licensing.Subscription": ("-active_from",)}


_RISK: tuple[tuple[str, Callable[..., HttpResponseBase], str], ...] = (
    ("", risk.tenants, "risk"),
    ("<uuid:tenant>", risk.show_risk, "tenant-risk"),
    ("<uuid:tenant>/what-if", risk.show_what_if, "tenant-what-if"),
)


class OperatorSite(AdminSite):
    """The admin site of the vendor's staff.

    Whoever is not allowed by the decision on ``required_action`` is sent where they can mend it: to sign in, to
    step up, or to a page that says why not.
    """

    required_action = Action.OPERATOR_ADMIN.value
    site_header = "Tiergate"
    site_title = "Tiergate"
    index_title = "Operate"

    def has_permission(self, request: HttpRequest) -> bool:
        """Decide once per request; every page of the site asks."""
        answer = _answer(request)
        return answer is not None and answer.decision.is_allowed

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Mark what is let in by `has_permission`, for the check of every URL."""
        guarded = super().admin_view(view, cacheable)
        guarded.required_action = self.required_action
        guarded.is_guarded = True
        return guarded

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 - Django's signature
        """Send whoever is not let in to where they can mend it."""
        answer = _answer(request)
        target = request.GET.get("next", "")
        target = target if target.startswith(f"{_root()}") else _root()
        if answer is None:
            return redirect(f"/sign-in?{urlencode({'next': target})}")
        if answer.decision.is_allowed:
            return redirect(target)
        if any(need.kind == NeedKind.STEP_UP for need in answer.decision.needs):
            return _to_step_up(request, answer, target)
        return _refused(request, decisions.for_person(answer.decision), status=403)

    def get_urls(self) -> list[Any]:
        """Put the pages that are more than a table before the tables."""
        framed = {"frame": self.each_context}
        return [
            path("plans/", self.admin_view(self.plans), name="plan-matrix"),
            path("plans/drafts", drafts.begin, name="draft-begin"),
            path("plans/<str:ref>/edit", self.admin_view(self.draft), name="draft"),
            path("plans/<str:ref>/save", drafts.save, framed, name="draft-save"),
            path("plans/<str:ref>/discard", drafts.discard, name="draft-discard"),
            path("plans/<str:ref>/publish", self.admin_view(self.ask_to_publish), name="ask-to-publish"),
            path("plans/<str:ref>/published", sales.publish, name="publish"),
            path("plans/<str:ref>/retire", self.admin_view(self.ask_to_retire), name="ask-to-retire"),
            path("plans/<str:ref>/retired", sales.retire, name="retire"),
            path("webhooks/", self.admin_view(self.webhooks), name="webhooks"),
            path("webhooks/<uuid:delivery>/replay", self.admin_view(replay), name="webhook-replay"),
            path("billing/", self.admin_view(self.billing), name="billing"),
            path("billing/replay", inbox.replay, name="billing-replay"),
            path("tenants/", self.admin_view(self.tenants), name="tenants"),
            path("tenants/<uuid:tenant>/", self.admin_view(self.tenant), name="tenant"),
            path("tenants/<uuid:tenant>/overrides", tenants.put_override, framed, name="override-put"),
            path("tenants/<uuid:tenant>/overrides/end", tenants.end_override, name="override-end"),
            *self._policy_urls(framed),
            *(path(f"risk/{where}", self.admin_view(self._framed(page)), name=name) for where, page, name in _RISK),
            *super().get_urls(),
        ]

    def _policy_urls(self, framed: dict[str, Any]) -> list[Any]:
        """Put the pages of rules, which all begin alike."""
        pages: tuple[tuple[str, Callable[..., HttpResponseBase], str], ...] = (
            ("", rules.overview, "policy"),
            ("history", rules.history, "policy-history"),
            ("shadow", rules.shadow, "policy-shadow"),
            ("bundles/<str:digest>/", rules.bundle, "policy-bundle"),
            ("bundles/<str:digest>/change", ruling.ask_to_change, "policy-change"),
            ("no-rules", ruling.ask_to_end, "policy-no-rules"),
            ("withdraw", ruling.ask_to_withdraw, "policy-withdraw"),
            ("roll-back", ruling.ask_to_roll_back, "policy-roll-back"),
            ("plans/<uuid:plan>", planning.plan, "policy-plan"),
        )
        return [
            *(path(f"policy/{where}", self.admin_view(self._framed(page)), name=name) for where, page, name in pages),
            path("policy/plans", planning.begin, name="policy-plan-begin"),
            path("policy/changed", ruling.change_policy, framed, name="policy-changed"),
        ]

    def _framed(self, page: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Give a page what the site's pages have in common."""

        def shown(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            return page(request, self.each_context(request), **kwargs)

        return shown

    def plans(self, request: HttpRequest) -> HttpResponse:
        """Show the grid of plans and features."""
        return plan_matrix(request, self.each_context(request))

    def draft(self, request: HttpRequest, ref: str) -> HttpResponseBase:
        """Show a draft to be written."""
        return drafts.edit(request, self.each_context(request), ref)

    def ask_to_publish(self, request: HttpRequest, ref: str) -> HttpResponse:
        """Show what putting a version on sale does."""
        return sales.ask_to_publish(request, self.each_context(request), ref)

    def ask_to_retire(self, request: HttpRequest, ref: str) -> HttpResponseBase:
        """Show what taking a version off sale does."""
        return sales.ask_to_retire(request, self.each_context(request), ref)

    def webhooks(self, request: HttpRequest) -> HttpResponse:
        """Show what is sent to the vendor's own systems."""
        return deliveries(request, self.each_context(request))

    def billing(self, request: HttpRequest) -> HttpResponse:
        """Show what came from Stripe, what waits, and what a person must look at."""
        return inbox.inbox(request, self.each_context(request))

    def tenants(self, request: HttpRequest) -> HttpResponse:
        """List the tenants."""
        return tenants.tenants(request, self.each_context(request))

    def tenant(self, request: HttpRequest, tenant: UUID) -> HttpResponse:
        """Show one tenant."""
        return tenants.tenant(request, self.each_context(request), tenant)

    # The stubs promise templates where Django itself says any response.
    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:  # noqa: ARG002 - Django's signature
        """Leave ending the session to the page that ends it, since Django's ends a session that is not ours."""
        return redirect("/sign-out")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:  # noqa: ARG002 - Django's signature
        """Change no password here: Django's page would, past the rules for changing a factor and past the trail.

        :raises Http404: always.
        """
        raise Http404

    password_change_done = password_change


class ReadOnlyTable(ModelAdmin):  # type: ignore[type-arg]  # it is generic for the checker alone
    """A table to look at; changes go through the rooms' doors, where they are checked and recorded."""

    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Read as the sweep role, which sees every tenant."""
        queryset: QuerySet[Model] = self.model._default_manager.using(SWEEP)  # noqa: SLF001 - as Django writes it
        ordering = self.get_ordering(request) or ()
        return queryset.order_by(*ordering) if ordering else queryset

    def has_module_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Show it to whoever the site lets in."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        """Show it to whoever the site lets in."""
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Add nothing here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        """Change nothing here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        """Delete nothing here."""
        return False


operator_site = OperatorSite(name="operator")


def register_tables() -> None:
    """Put each table on the operator's site."""
    for label, columns in TABLES.items():
        model = apps.get_model(label)
        shown: dict[str, object] = {"list_display": columns}
        if label in NEWEST_FIRST:
            shown["ordering"] = NEWEST_FIRST[label]
        operator_site.register(model, type(f"{model.__name__}Table", (ReadOnlyTable,), shown))


def _answer(request: HttpRequest) -> decisions.Answer | None:
    """Decide at most once for one request; None when nobody known asks."""
    cached: Any = request
    if not hasattr(cached, "operator_answer"):
        try:
            cached.operator_answer = decisions.decide_for(request, Action.OPERATOR_ADMIN)
        except decisions.NoPrincipal:
            cached.operator_answer = None
    answer: decisions.Answer | None = cached.operator_answer
    return answer


def _to_step_up(request: HttpRequest, answer: decisions.Answer, target: str) -> HttpResponse:
    principal = authlevels.caller(request)
    if not isinstance(principal, authlevels.PersonPrincipal):
        return _refused(request, decisions.for_person(answer.decision), status=403)
    try:
        opened = authlevels.open_challenge(
            tenant_id=principal.session.tenant_id,
            decision_id=answer.public_id,
            at=now(),
            session=principal.session,
            return_to=f"{settings.TIERGATE_BASE_URL}{target}",
            own_origin=settings.TIERGATE_BASE_URL,
        )
    except TiergateError as error:
        return _refused(request, error.detail, status=403)
    return redirect(opened.path)


def _refused(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "console/refused.html", {"sentence": sentence}, status=status)


def _root() -> str:
    return "/operator/"
