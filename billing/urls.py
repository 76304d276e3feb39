"""Where Stripe reports, and where it sends people."""

from django.urls import path

from billing import views

urlpatterns = [
    path("billing/stripe/webhook", views.webhook, name="stripe-webhook"),
    path("billing/paid", views.paid, name="billing-paid"),
]
