"""The catalogue as people read it."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS

from licensing.catalogue_rows import action_json, feature_json, feature_spec, plan_json, role_json
from licensing.catalogue_scopes import list_scopes, scope_json
from licensing.compiled import compile_catalogue
from licensing.models import Action, Feature, Plan, RoleDefault
from licensing.models.catalogue import PlanKind
from tiergate import CallerKind, FeatureSpec


def catalogue_json() -> dict[str, Any]:
    """Write the whole catalogue: plans and add-ons with the versions on sale."""
    plans = Plan.objects.select_related("current").order_by("rank", "key")
    return {
        "policy_version": compile_catalogue(0).digest,
        "features": [feature_json(row) for row in Feature.objects.order_by("key")],
        "actions": [action_json(row) for row in Action.objects.select_related("feature").order_by("name")],
        "roles": [role_json(row) for row in RoleDefault.objects.order_by("key")],
        "scopes": [scope_json(row) for row in list_scopes(using=DEFAULT_DB_ALIAS)],
        "plans": [plan_json(row) for row in plans.filter(kind=PlanKind.PLAN)],
        "add_ons": [plan_json(row) for row in plans.filter(kind=PlanKind.ADD_ON)],
    }


def list_features() -> list[FeatureSpec]:
    """List every feature of the catalogue by key."""
    return [feature_spec(row) for row in Feature.objects.order_by("key")]


def service_privileges() -> frozenset[str]:
    """List the privileges of those actions of the catalogue that a service may ask for in its own name."""
    rows = Action.objects.filter(callers__contains=[CallerKind.SERVICE.value])
    return frozenset(rows.values_list("privilege", flat=True))
