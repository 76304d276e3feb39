"""All that is served: a module that is not named here answers nothing."""

from config.fake_stripe import (
    catalogue,
    changes,
    checkout,
    clocks,
    customers,
    entitlements,
    events,
    invoice_calls,
    portal,
    previews,
    schedules,
    subscriptions,
    webhooks,
)

RESOURCES = (
    *(catalogue, changes, checkout, clocks, customers, entitlements),
    *(events, invoice_calls, portal, previews, schedules, subscriptions, webhooks),
)
