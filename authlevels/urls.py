"""Where people and products show who is there."""

from django.urls import path

from authlevels import (
    pages,
    pages_resume,
    pages_step_up,
    views_factors,
    views_impersonation,
    views_own_sessions,
    views_passkeys,
    views_policy,
    views_readiness,
    views_recovery,
    views_refusal,
    views_relayed_factors,
    views_sessions,
    views_step_up,
)

urlpatterns = [
    path("v1/sign-in", views_sessions.SignInView.as_view(), name="api-sign-in"),
    path("v1/sign-out", views_sessions.SignOutView.as_view(), name="api-sign-out"),
    path("v1/me", views_sessions.MeView.as_view(), name="me"),
    path("v1/me/sessions", views_own_sessions.OwnSessionsView.as_view(), name="own-sessions"),
    path("v1/me/sessions/<slug:handle>", views_own_sessions.OwnSessionView.as_view(), name="own-session"),
    path("v1/me/factors", views_factors.FactorsView.as_view(), name="factors"),
    path("v1/me/factors/totp", views_factors.TotpView.as_view(), name="totp"),
    path("v1/me/factors/totp/confirm", views_factors.TotpConfirmView.as_view(), name="totp-confirm"),
    path("v1/me/factors/passkeys", views_passkeys.PasskeysView.as_view(), name="passkeys"),
    path("v1/me/factors/passkeys/confirm", views_passkeys.PasskeyConfirmView.as_view(), name="passkeys-confirm"),
    path("v1/me/factors/recovery-codes", views_recovery.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("v1/me/recovery", views_recovery.RecoveryView.as_view(), name="recovery"),
    path("v1/me/recovery/totp", views_recovery.ReplacementView.as_view(), name="replacement"),
    path("v1/me/recovery/totp/confirm", views_recovery.ReplacementConfirmView.as_view(), name="replacement-confirm"),
    path("v1/me/password", views_recovery.PasswordView.as_view(), name="password"),
    path("v1/me/factors/<slug:factor>", views_factors.FactorView.as_view(), name="factor"),
    path(
        "t/<slug:tenant>/members/<slug:subject_type>/<str:subject_id>/unlock",
        views_policy.UnlockView.as_view(),
        name="unlock-member",
    ),
    path("t/<slug:tenant>/readiness", views_readiness.ReadinessView.as_view(), name="readiness"),
    path("t/<slug:tenant>/step-up-policy", views_policy.PolicyView.as_view(), name="step-up-policy"),
    path("t/<slug:tenant>/sessions", views_sessions.AssertSessionView.as_view(), name="sessions"),
    path("t/<slug:tenant>/sessions/<slug:handle>", views_sessions.EndSessionView.as_view(), name="session"),
    path(
        "t/<slug:tenant>/sessions/<slug:handle>/factors/totp",
        views_relayed_factors.RelayedTotpView.as_view(),
        name="relayed-totp",
    ),
    path(
        "t/<slug:tenant>/sessions/<slug:handle>/factors/totp/confirm",
        views_relayed_factors.RelayedTotpConfirmView.as_view(),
        name="relayed-totp-confirm",
    ),
    path(
        "t/<slug:tenant>/sessions/<slug:handle>/elevations",
        views_step_up.SessionElevationsView.as_view(),
        name="session-elevations",
    ),
    path("v1/impersonations", views_impersonation.ImpersonationsView.as_view(), name="impersonate"),
    path(
        "t/<slug:tenant>/impersonations",
        views_impersonation.TenantImpersonationsView.as_view(),
        name="impersonations",
    ),
    path(
        "t/<slug:tenant>/impersonations/<slug:handle>",
        views_impersonation.TenantImpersonationView.as_view(),
        name="impersonation",
    ),
    path("step-up/challenges", views_step_up.ChallengesView.as_view(), name="challenges"),
    path("step-up/challenges/<slug:challenge>", views_step_up.ChallengeView.as_view(), name="challenge"),
    path(
        "step-up/challenges/<slug:challenge>/passkey", views_passkeys.AskPasskeyView.as_view(), name="challenge-passkey"
    ),
    path("step-up/challenges/<slug:challenge>/poll", views_step_up.PollView.as_view(), name="poll-challenge"),
    path("step-up/challenges/<slug:challenge>/verify", views_step_up.VerifyView.as_view(), name="verify"),
    path("step-up/challenges/<slug:challenge>/refuse", views_refusal.RefuseView.as_view(), name="refuse"),
    path("step-up/challenges/<slug:challenge>/redeem", views_step_up.RedeemView.as_view(), name="redeem"),
    path("step-up/elevations", views_step_up.OwnElevationsView.as_view(), name="elevations"),
    path("step-up/elevations/<slug:elevation>", views_step_up.ElevationView.as_view(), name="elevation"),
    path("step-up/resume/<slug:suspended>", pages_resume.resume, name="resume"),
    path("step-up/<slug:challenge>", pages_step_up.step_up, name="step-up"),
    path("sign-in", pages.sign_in, name="sign-in"),
    path("sign-out", pages.sign_out, name="sign-out"),
]
