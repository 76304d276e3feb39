"""Pages that join rooms."""

from django.urls import include, path

from console.account import enrolling, secrets, security
from console.api_docs import ApiPage, OpenApiDocument
from console.billing.views import BillingView
from console.home import home
from console.joining import join
from console.operator import operator_site
from console.plan import days, people
from console.plan.comparing import plans
from console.plan.overview import overview
from console.risk import pages as risk
from console.risk import policy
from console.selling import ending, invoices, previewing
from console.trail.views import TrailView

urlpatterns = [
    path("", home, name="home"),
    path("api/openapi.yaml", OpenApiDocument.as_view(), name="openapi"),
    path("api/docs/", ApiPage.as_view(), name="api-docs"),
    path("v1/tenants/<str:tenant>/audit", TrailView.as_view(), name="audit"),
    path("v1/tenants/<str:tenant>/billing", BillingView.as_view(), name="billing"),
    path("v1/tenants/<str:tenant>/billing/", include("console.billing.urls")),
    path("account/security", security.security, name="security"),
    path("account/security/apps/new", enrolling.add_app, name="add-app"),
    path("account/security/apps/confirm", enrolling.confirm_app, name="confirm-app"),
    path("account/security/passkeys/new", enrolling.add_passkey, name="add-passkey"),
    path("account/security/recovery-codes/new", enrolling.recovery_codes, name="add-recovery-codes"),
    path("account/security/password", secrets.password, name="change-own-password"),
    path("account/security/recover", secrets.recover, name="recover"),
    path("account/security/recover/app", secrets.replacement, name="replace-lost-app"),
    path("account/security/recover/app/confirm", secrets.confirm_replacement, name="confirm-lost-apps"),
    path("account/security/recover/passkey", secrets.passkey_replacement, name="replace-lost-passkey"),
    path("account/security/factors/<slug:factor>/rename", security.rename, name="rename-own-factor"),
    path("account/security/factors/<slug:factor>/remove", security.remove, name="remove-own-factor"),
    path("account/security/sessions/end", security.end_session, name="end-one-session"),
    path("account/security/sessions/end-others", security.end_others, name="end-other-sessions"),
    path("console/", overview, name="console"),
    path("console/plans", plans, name="console-plans"),
    path("console/plans/preview", previewing.preview, name="console-preview"),
    path("console/plans/change", previewing.change, name="console-change"),
    path("console/plans/checkout", previewing.checkout, name="console-checkout"),
    path("console/plans/cancel", ending.cancel, name="console-cancel"),
    path("console/plans/go-on", ending.go_on, name="console-go-on"),
    path("console/invoices", invoices.invoices, name="console-invoices"),
    path("console/portal", invoices.portal, name="console-portal"),
    path("console/usage", days.usage, name="console-usage"),
    path("console/people", people.people, name="console-people"),
    path("console/people/invitations", people.invite, name="console-invite"),
    path("console/people/invitations/<uuid:invitation>/take-back", people.take_back, name="console-take-back"),
    path("console/risk", risk.risk, name="console-risk"),
    path("console/risk/what-if", risk.what_if, name="console-what-if"),
    path("console/risk/policy", policy.policy, name="console-risk-policy"),
    path("console/risk/policy/changed", policy.change, name="console-risk-policy-changed"),
    path("join/<slug:tenant>/<str:token>", join, name="join"),
    path("operator/", operator_site.urls),
]
