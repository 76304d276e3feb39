"""Where decisions are asked for."""

from django.urls import path

from decisions import authzen

urlpatterns = [
    path("access/v1/evaluation", authzen.evaluation, name="evaluation"),
    path("access/v1/evaluations", authzen.evaluations, name="evaluations"),
    path("access/v1/elevations/<slug:elevation>/consume", authzen.consume, name="consume"),
    path("t/<slug:tenant>/access/v1/evaluation", authzen.evaluation, name="tenant-evaluation"),
    path("t/<slug:tenant>/access/v1/evaluations", authzen.evaluations, name="tenant-evaluations"),
    path("t/<slug:tenant>/access/v1/elevations/<slug:elevation>/consume", authzen.consume, name="tenant-consume"),
    path(".well-known/authzen-configuration", authzen.configuration, name="authzen-configuration"),
    path(".well-known/authzen-configuration/t/<slug:tenant>", authzen.configuration, name="tenant-configuration"),
]
