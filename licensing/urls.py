"""Where tenants and what they hold are read and written."""

from django.urls import path

from licensing import views_environments, views_holdings, views_people, views_tenants

urlpatterns = [
    path("v1/catalog", views_tenants.CatalogueView.as_view(), name="catalog"),
    path("v1/tenants", views_tenants.TenantListView.as_view(), name="tenants"),
    path("v1/tenants/<str:tenant>", views_tenants.TenantView.as_view(), name="tenant"),
    path("v1/tenants/<str:tenant>/members", views_people.MemberListView.as_view(), name="members"),
    # A subject's id may hold a slash.
    path("v1/tenants/<str:tenant>/members/<path:subject>", views_people.MemberView.as_view(), name="member"),
    path("v1/tenants/<str:tenant>/roles", views_people.RoleListView.as_view(), name="roles"),
    path("v1/tenants/<str:tenant>/roles/<str:key>", views_people.RoleView.as_view(), name="role"),
    path("v1/tenants/<str:tenant>/subscription", views_holdings.SubscriptionView.as_view(), name="subscription"),
    path("v1/tenants/<str:tenant>/overrides", views_holdings.OverrideListView.as_view(), name="overrides"),
    path("v1/tenants/<str:tenant>/overrides/<str:feature>", views_holdings.OverrideView.as_view(), name="override"),
    path("v1/tenants/<str:tenant>/entitlements", views_holdings.EntitlementsView.as_view(), name="entitlements"),
    path("t/<slug:tenant>/environments", views_environments.EnvironmentsView.as_view(), name="environments"),
]
