"""The customer portal: a session, and what a person does there."""

from config.fake_stripe.account import Account
from config.fake_stripe.changes import update_subscription
from config.fake_stripe.checkout import web_address
from config.fake_stripe.customers import attach
from config.fake_stripe.events import changed, emit
from config.fake_stripe.lists import PAGE, page
from config.fake_stripe.routing import serves
from config.fake_stripe.states import ENDED
from config.fake_stripe.wire import Obj, Params, Refusal, copied

_KIND = "billing_portal.session"
_FLOWS = ("payment_method_update", "subscription_cancel")


@serves("POST /v1/billing_portal/configurations", "business_profile features default_return_url metadata name")
def create_configuration(account: Account, params: Params) -> Obj:
    """Make a configuration; the fake's portal is the same whatever it says."""
    now = account.now()
    features = params.inner("features")
    made: Obj = {
        "id": account.new_id("bpc_"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": now,
        "default_return_url": params.text("default_return_url"),
        "features": {} if features is None else copied(features.values),
        "is_default": not account.kinds.get("billing_portal.configuration"),
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": params.metadata(),
        "name": params.text("name"),
        "updated": now,
    }
    return account.add(made)


@serves("GET /v1/billing_portal/configurations", f"active is_default {PAGE}")
def list_configurations(account: Account, params: Params) -> Obj:
    """List configurations."""
    kind = "billing_portal.configuration"
    return page("/v1/billing_portal/configurations", kind, params, account.all(kind))


@serves("POST /v1/billing_portal/sessions", "customer return_url configuration flow_data locale")
def create_portal(account: Account, params: Params) -> Obj:
    """Make a session, whose page is on this machine."""
    customer = account.named("customer", params.needed("customer"), "customer")
    configuration = params.text("configuration")
    if configuration is not None:
        account.named("billing_portal.configuration", configuration, "configuration")
    name = account.new_id("bps_")
    made: Obj = {
        "id": name,
        "object": _KIND,
        "configuration": configuration or "bpc_default",
        "created": account.now(),
        "customer": customer["id"],
        "flow": _flow(account, customer, params.inner("flow_data")),
        "livemode": False,
        "locale": params.text("locale"),
        "on_behalf_of": None,
        "return_url": web_address(params, "return_url") if "return_url" in params else None,
        "url": f"{account.url}/p/session/{name}",
    }
    account.add(made)
    emit(account, "billing_portal.session.created", made)
    return made


def _flow(account: Account, customer: Obj, flow: Params | None) -> Obj | None:
    if flow is None:
        return None
    flow.only("type", "subscription_cancel", "after_completion")
    kind = flow.choice("type", *_FLOWS)
    made: Obj = {
        "after_completion": {"hosted_confirmation": None, "redirect": None, "type": "portal_homepage"},
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }
    if kind == "subscription_cancel":
        wanted = flow.inner("subscription_cancel")
        if wanted is None:
            raise Refusal("You must pass subscription_cancel.", param="flow_data[subscription_cancel]")
        name = wanted.only("subscription").needed("subscription")
        if name not in account.owned.get(("subscription", customer["id"]), {}):
            raise Refusal(
                "The subscription is not the customer's.", param="flow_data[subscription_cancel][subscription]"
            )
        made["subscription_cancel"] = {"retention": None, "subscription": name}
    return made


def subscriptions_of(account: Account, session: Obj) -> list[Obj]:
    """List what a person sees: their subscriptions that live."""
    return [one for one in account.of("subscription", session["customer"]) if one["status"] not in ENDED]


def cancel_at_end(account: Account, session: Obj, name: str, *, ends: bool) -> None:
    """End a subscription with its period, or have it go on after all.

    :raises Refusal: it is not theirs, or under a schedule.
    """
    if all(one["id"] != name for one in subscriptions_of(account, session)):
        raise Refusal("There is no such subscription.", status=404)
    update_subscription(account, Params({"cancel_at_period_end": "true" if ends else "false"}), name)


def change_card(account: Account, session: Obj, token: str) -> None:
    """Let another card pay from now on.

    :raises Refusal: it is declined.
    """
    customer = account.get("customer", session["customer"])
    method = attach(account, token, customer)
    before = copied(customer)
    customer["invoice_settings"]["default_payment_method"] = method["id"]
    changed(account, "customer.updated", before, customer)
    for subscription in subscriptions_of(account, session):
        if subscription["default_payment_method"] is not None:
            update_subscription(account, Params({"default_payment_method": method["id"]}), subscription["id"])
