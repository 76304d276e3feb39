"""Where decisions are asked for."""

from django.urls import path

from decisions import authzen, pages_activate, pages_problems, views_approvals, views_tokens
from decisions.policy import views as policy
from decisions.policy import views_activating as activating

urlpatterns = [
    path("access/v1/evaluation", authzen.evaluation, name="evaluation"),
    path("access/v1/evaluations", authzen.evaluations, name="evaluations"),
    path("access/v1/elevations/<slug:elevation>/consume", authzen.consume, name="consume"),
    path("t/<slug:tenant>/access/v1/evaluation", authzen.evaluation, name="tenant-evaluation"),
    path("t/<slug:tenant>/access/v1/evaluations", authzen.evaluations, name="tenant-evaluations"),
    path("t/<slug:tenant>/access/v1/elevations/<slug:elevation>/consume", authzen.consume, name="tenant-consume"),
    path(
        "step-up/elevations/<slug:elevation>/token", views_tokens.ElevationTokenView.as_view(), name="elevation-token"
    ),
    path("step-up/approvals/<slug:approval>/token", views_tokens.ApprovalTokenView.as_view(), name="approval-token"),
    path("oauth/introspect", views_tokens.IntrospectView.as_view(), name="introspect"),
    path("oauth/revoke", views_tokens.RevokeView.as_view(), name="revoke"),
    path(".well-known/jwks.json", views_tokens.KeysView.as_view(), name="jwks"),
    path(".well-known/authzen-configuration", authzen.configuration, name="authzen-configuration"),
    path(".well-known/authzen-configuration/t/<slug:tenant>", authzen.configuration, name="tenant-configuration"),
    path("step-up/approvals", views_approvals.ApprovalsView.as_view(), name="approvals"),
    path("step-up/approvals/<slug:approval>", views_approvals.ApprovalView.as_view(), name="approval"),
    path("step-up/approvals/<slug:approval>/poll", views_approvals.PollView.as_view(), name="poll-approval"),
    path("step-up/approvals/<slug:approval>/grant", views_approvals.GrantView.as_view(), name="grant-approval"),
    path("step-up/approvals/<slug:approval>/refuse", views_approvals.RefuseView.as_view(), name="refuse-approval"),
    path("activate", pages_activate.activate, name="activate"),
    path("activate/<slug:approval>", pages_activate.agree, name="agree"),
    path("problems/", pages_problems.problems, name="problems"),
    path("problems/<slug:code>", pages_problems.problem, name="problem"),
    path("v1/policy", policy.StageView.as_view(), name="policy"),
    path("v1/policy/bundles", policy.BundleListView.as_view(), name="bundles"),
    path("v1/policy/bundles/<slug:digest>", policy.BundleView.as_view(), name="bundle"),
    path("v1/policy/bundles/<slug:digest>/diff", policy.BundleDiffView.as_view(), name="diff-bundles"),
    path("v1/policy/activations", activating.ActivationListView.as_view(), name="activations"),
    path("v1/policy/rollbacks", activating.RollbackListView.as_view(), name="rollbacks"),
    path("v1/policy/plans", policy.PlanListView.as_view(), name="plans"),
    path("v1/policy/plans/<slug:plan_id>", policy.PlanView.as_view(), name="plan"),
    path("v1/policy/replays", policy.ReplayListView.as_view(), name="replays"),
    path("v1/policy/replays/<slug:replay_id>", policy.ReplayView.as_view(), name="replay"),
    path("t/<slug:tenant>/approvals", views_approvals.WaitingView.as_view(), name="waiting-approvals"),
]
