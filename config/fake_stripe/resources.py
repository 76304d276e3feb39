"""All that is served: a module that is not named here answers nothing."""

from config.fake_stripe import catalogue, changes, customers, entitlements, events, subscriptions, webhooks

RESOURCES = (catalogue, changes, customers, entitlements, events, subscriptions, webhooks)
