"""The system check that no URL is left without a word on who may enter: every pattern, every method."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from decisions.drf import RequiredAction, required_action_of
from tiergate import BUILTIN_ACTIONS, OWN_PREFIX

# What DRF goes through to ask a view's permission classes.
_ASKING = ("get_permissions", "check_permissions", "initial", "dispatch")
_TENANT = re.compile(r"<(?:\w+:)?tenant>|\(\?P<tenant>")
_UNSAID = "It says neither `required_action` nor `open_because` for {what}, so it would be closed to everyone."
_UNGUARDED = "Its permission classes leave out decisions.drf.RequiredAction, so its required action is not enforced."
_OVERRIDDEN = "It replaces `{name}`, by which its permission classes are asked."
_TENANTLESS = "Its route names a tenant, and it says no `tenant_kwarg`: any tenant's people could act on any other."
_NO_SUCH = "It needs {action!r}, which is not an action of Tiergate."


@register(Tags.security, Tags.urls)
def every_url_says_who_may_enter(app_configs: object, **kwargs: object) -> list[CheckMessage]:  # noqa: ARG001 - as Django calls it
    """Walk every URL pattern and report each that nobody guards."""
    return [
        Error(message, obj=route, id="decisions.E001")
        for route, callback in walk(get_resolver())
        for message in complaints(callback, route=route)
    ]


def walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """List every route with the callable behind it, through all includes."""
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from walk(entry, route)
        elif isinstance(entry, URLPattern):
            yield route, entry.callback


def complaints(callback: Any, *, route: str = "") -> Iterator[str]:
    """Say what is wrong with one view; nothing when it is open with a reason, or guarded for every method.

    route: where it is.
    """
    if getattr(callback, "open_because", "") or _is_of_guarded_site(callback):
        return
    if getattr(callback, "is_guarded", False):
        yield from _unknown(callback.required_action)
        return
    drf_view = getattr(callback, "cls", None)
    if drf_view is None:
        yield _UNSAID.format(what="any method")
        return
    if getattr(drf_view, "open_because", ""):
        return
    yield from _unasked(callback, drf_view)
    if _TENANT.search(route) and not getattr(drf_view, "tenant_kwarg", None):
        yield _TENANTLESS
    for method, viewset_action in _methods(callback, drf_view):
        action = required_action_of(drf_view, method=method, viewset_action=viewset_action)
        if action is None:
            yield _UNSAID.format(what=method)
        else:
            yield from _unknown(action)


def _unasked(callback: Any, drf_view: Any) -> Iterator[str]:
    """Say what keeps DRF from asking the permission class that decides."""
    classes: list[Any] = callback.initkwargs.get("permission_classes", drf_view.permission_classes)
    if not any(isinstance(one, type) and issubclass(one, RequiredAction) for one in classes):
        yield _UNGUARDED
    for name in _ASKING:
        if getattr(drf_view, name) is not getattr(APIView, name):
            yield _OVERRIDDEN.format(name=name)


def _methods(callback: Any, drf_view: Any) -> Iterator[tuple[str, str | None]]:
    actions = getattr(callback, "actions", None)
    if actions:
        for method, name in actions.items():
            yield method.upper(), name
        return
    for method in drf_view.http_method_names:
        if method != "options" and hasattr(drf_view, method):
            yield method.upper(), None


def _is_of_guarded_site(callback: Any) -> bool:
    """Say whether an admin site that states its required action lets one in here.

    Only what the site wrapped itself asks it. A bound method was put into the URLs as it is: the site's own sign-in
    must be, and anything else there is unguarded.
    """
    owner = getattr(callback, "__self__", None)
    if owner is not None:
        return bool(getattr(owner, "required_action", "")) and callback == getattr(owner, "login", None)
    model_admin = getattr(callback, "model_admin", None)
    site = getattr(model_admin, "admin_site", getattr(callback, "admin_site", None))
    return bool(getattr(site, "required_action", ""))


def _unknown(action: str) -> Iterator[str]:
    if action.startswith(OWN_PREFIX) and action not in BUILTIN_ACTIONS:
        yield _NO_SUCH.format(action=action)
