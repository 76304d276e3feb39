"""Where Northwind's API and its try-it page are."""

from django.urls import path

from sample import pages, views

urlpatterns = [
    path("reports", views.ReportsView.as_view(), name="northwind-reports"),
    path("reports/<slug:report>/share", views.ShareView.as_view(), name="northwind-share"),
    path("shared/<str:token>", views.SharedReportView.as_view(), name="northwind-shared"),
    path("exports/csv", views.CsvExportView.as_view(), name="northwind-export-csv"),
    path("exports/regulated", views.RegulatedExportView.as_view(), name="northwind-export-regulated"),
    path("payments", views.PaymentsView.as_view(), name="northwind-payments"),
    path("workspace", views.WorkspaceView.as_view(), name="northwind-workspace"),
    path("try", pages.try_it, name="northwind-try"),
    path("try/guest", pages.become_guest, name="northwind-try-guest"),
    path("try/enrol", pages.enrol, name="northwind-try-enrol"),
    path("try/confirm", pages.confirm, name="northwind-try-confirm"),
    path("try/step-up", pages.step_up, name="northwind-try-step-up"),
    path("try/export", pages.export, name="northwind-try-export"),
    path("try/end", pages.end_task, name="northwind-try-end"),
]
