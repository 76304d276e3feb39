"""Where a tenant's billing is changed."""

from django.urls import path

from console.billing import views

urlpatterns = [
    path("invoices", views.InvoiceListView.as_view(), name="invoices"),
    path("checkout", views.CheckoutView.as_view(), name="begin-checkout"),
    path("trial", views.BillingTrialView.as_view(), name="begin-trial"),
    path("portal", views.PortalView.as_view(), name="billing-portal"),
    path("preview", views.PreviewView.as_view(), name="preview-change"),
    path("changes", views.ChangeView.as_view(), name="apply-change"),
    path("cancel", views.CancelView.as_view(), name="cancel-subscription"),
    path("resume", views.ResumeView.as_view(), name="resume-subscription"),
]
