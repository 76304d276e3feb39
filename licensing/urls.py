"""Where tenants and what they hold are read and written."""

from django.urls import path

from licensing import (
    views_environments,
    views_holdings,
    views_invitations,
    views_pending,
    views_people,
    views_plans,
    views_tenants,
    views_usage,
)
from licensing.webhooks import views as views_webhooks

urlpatterns = [
    path("v1/catalog", views_tenants.CatalogueView.as_view(), name="catalog"),
    path("v1/plans/versions", views_plans.VersionListView.as_view(), name="versions"),
    path("v1/plans/versions/<str:ref>", views_plans.VersionView.as_view(), name="version"),
    path("v1/plans/versions/<str:ref>/publish", views_plans.PublishView.as_view(), name="publish-version"),
    path("v1/plans/versions/<str:ref>/retire", views_plans.RetireView.as_view(), name="retire-version"),
    path("v1/plans/versions/<str:old>/diff/<str:new>", views_plans.DiffView.as_view(), name="diff-versions"),
    path("v1/plans/migrations", views_plans.MigrationListView.as_view(), name="migrations"),
    path("v1/plans/migrations/<str:digest>", views_plans.MigrationView.as_view(), name="migration"),
    path("v1/tenants", views_tenants.TenantListView.as_view(), name="tenants"),
    path("v1/tenants/<str:tenant>", views_tenants.TenantView.as_view(), name="tenant"),
    path("v1/tenants/<str:tenant>/members", views_people.MemberListView.as_view(), name="members"),
    # A subject's id may hold a slash.
    path("v1/tenants/<str:tenant>/members/<path:subject>", views_people.MemberView.as_view(), name="member"),
    path("v1/tenants/<str:tenant>/invitations", views_invitations.InvitationListView.as_view(), name="invitations"),
    path(
        "v1/tenants/<str:tenant>/invitations/accept", views_invitations.AcceptView.as_view(), name="invitation-accept"
    ),
    path(
        "v1/tenants/<str:tenant>/invitations/<str:invitation>",
        views_invitations.InvitationView.as_view(),
        name="invitation",
    ),
    path("v1/tenants/<str:tenant>/roles", views_people.RoleListView.as_view(), name="roles"),
    path("v1/tenants/<str:tenant>/roles/<str:key>", views_people.RoleView.as_view(), name="role"),
    path("v1/tenants/<str:tenant>/subscription", views_holdings.SubscriptionView.as_view(), name="subscription"),
    path("v1/tenants/<str:tenant>/subscription/pending", views_pending.PendingView.as_view(), name="pending-change"),
    path("v1/tenants/<str:tenant>/trial", views_pending.TrialView.as_view(), name="trial"),
    path("v1/tenants/<str:tenant>/overrides", views_holdings.OverrideListView.as_view(), name="overrides"),
    path("v1/tenants/<str:tenant>/overrides/<str:feature>", views_holdings.OverrideView.as_view(), name="override"),
    path("v1/tenants/<str:tenant>/entitlements", views_holdings.EntitlementsView.as_view(), name="entitlements"),
    path("v1/tenants/<str:tenant>/usage", views_usage.UsageView.as_view(), name="usage"),
    path("v1/tenants/<str:tenant>/usage/consume", views_usage.ConsumeView.as_view(), name="usage-consume"),
    path("v1/tenants/<str:tenant>/usage/reserve", views_usage.ReserveView.as_view(), name="usage-reserve"),
    path("v1/tenants/<str:tenant>/usage/<str:usage>/commit", views_usage.CommitView.as_view(), name="usage-commit"),
    path("v1/tenants/<str:tenant>/usage/<str:usage>/release", views_usage.ReleaseView.as_view(), name="usage-release"),
    path("t/<slug:tenant>/environments", views_environments.EnvironmentsView.as_view(), name="environments"),
    path("v1/webhooks", views_webhooks.EndpointListView.as_view(), name="webhooks"),
    path("v1/webhooks/deliveries", views_webhooks.DeliveryListView.as_view(), name="webhook-deliveries"),
    path(
        "v1/webhooks/deliveries/<str:delivery>/replay",
        views_webhooks.DeliveryReplayView.as_view(),
        name="webhook-delivery-replay",
    ),
    path("v1/webhooks/<str:endpoint>", views_webhooks.EndpointView.as_view(), name="webhook"),
    path("v1/webhooks/<str:endpoint>/secret", views_webhooks.EndpointSecretView.as_view(), name="webhook-secret"),
    path("v1/webhooks/<str:endpoint>/ping", views_webhooks.EndpointPingView.as_view(), name="webhook-ping"),
    path("v1/webhooks/<str:endpoint>/replay", views_webhooks.EndpointReplayView.as_view(), name="webhook-replay"),
]
