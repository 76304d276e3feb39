"""How the API reads and renders, and how it is described: the same in every installation."""

from typing import Any, Final

REST_FRAMEWORK: Final[dict[str, Any]] = {
    "DEFAULT_PERMISSION_CLASSES": ["decisions.drf.RequiredAction"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["authlevels.drf.CallerAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["authlevels.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "decisions.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Tiergate",
    "DESCRIPTION": "May this go ahead, and if not, what would make it?",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ChallengeState": "authlevels.serializers.CHALLENGE_STATES",
        "ApprovalState": "decisions.serializers_approvals.APPROVAL_STATES",
        "TenantStatus": "licensing.models.directory.TenantStatus",
        "SubscriptionStatus": "licensing.models.holdings.SubscriptionStatus",
        "FeatureKind": "tiergate.catalogue.FeatureKind",
        "PlanKind": "licensing.models.catalogue.PlanKind",
        "PolicyPlanStatus": "decisions.policy.serializers.PLAN_STATUSES",
        "EventKind": "licensing.webhooks.serializers.EVENT_KINDS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "decisions.openapi.add_access_endpoints",
        "decisions.openapi.complete_operations",
    ],
}
