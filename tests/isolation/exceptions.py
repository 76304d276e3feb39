"""What is allowed by way of exception from "one tenant sees its own", each with the reason for which it is."""

from collections.abc import Mapping
from typing import Final

_ATOMIC: Final = "the trigger's counter: the app may read the counters and never set them"
_RANDOM: Final = "a keyed digest of 256 random bits: nobody meets it by guessing"

DEFINER_FUNCTIONS: Final[Mapping[str, str]] = {
    "licensing_bump_one": f"{_ATOMIC}; called by the two triggers alone",
    "licensing_bump_catalogue": _ATOMIC,
    "licensing_bump_content": _ATOMIC,
    "licensing_bump_tenants": _ATOMIC,
    "licensing_remember": "a trigger: keeps what a row of a tenant said, under that row's own tenant",
    "licensing_catalogue_remember": "a trigger: keeps what the catalogue said, which holds no tenant's data",
    "authlevels_raise_standing": f"{_ATOMIC}; called by the eight triggers alone",
    "authlevels_session_standing": _ATOMIC,
    "authlevels_proof_standing": _ATOMIC,
    "authlevels_user_standing": _ATOMIC,
    "authlevels_totpdevice_standing": _ATOMIC,
    "authlevels_passkey_standing": _ATOMIC,
    "authlevels_policy_standing": _ATOMIC,
    "authlevels_unready_standing": _ATOMIC,
    "riskengine_session_standing": _ATOMIC,
    "authlevels_support_begins": "a trigger: whether support's own session, of the vendor, lives; tells nothing but a refusal",
    "authlevels_support_ends": "a trigger: ends what support does in any tenant, with the vendor's rows that it rests on",
    "decisions_number_activation": f"a trigger: {_ATOMIC}, and writes none but the number of the row's own step",
    "audit_make_part": "makes a month's part of the trail; takes a month and nothing else, and only the sweep may call it",
    "audit_stray_months": "tells months alone, of entries that lie in the catch-all, and only the sweep may call it",
    "audit_boundary": "tells the sealer, who sees every tenant anyway, how far the trail stood; only the sweep may call it",
}
"""Functions that run as the owner."""

NAMING_FUNCTIONS: Final[Mapping[str, str]] = {
    "isolation_serve": "names the tenant of one statement's own transaction, as tenant_transaction does of several",
    "audit_append": "one entry in a transaction of its own; refused where another tenant is served already",
    "audit_append_beside": "one entry beside others'; refused where any tenant is served, and serves none when it ends",
}
"""Functions that name the tenant of a transaction, or read which is named."""

SEQUENCES: Final[Mapping[str, str]] = {
    "audit_entry_order_seq": "numbers the trail's entries: whoever appends draws one, and reads none but their own",
}
"""Sequences that the app may draw from."""

GLOBAL_WITH_TENANT: Final[Mapping[str, str]] = {
    "licensing_plan_migration_tenant": "ids and digests of a move of many tenants, which the vendor's operator runs",
    "billing_customer": "who is who at Stripe, and counters: a webhook is received before it serves any tenant",
}
"""Global tables that have a tenant_id nevertheless."""

HIGH_ENTROPY: Final[Mapping[str, str]] = {
    "authlevels_session (secret_digest)": _RANDOM,
    "authlevels_service_credential (secret_digest)": _RANDOM,
    "licensing_subscription_add_on (subscription_id, plan_version_id)": "begins with the random id of a subscription",
}
"""What is unique across tenants, by table and columns: to be told of a duplicate one must hold the secret already."""

SOFT_REFERENCES: Final[Mapping[str, str]] = {
    "licensing_history.row_id": "a state outlives its row; written by trigger and read by tenant",
    "authlevels_session.asserted_by": "for the trail's reader; nothing is read by it",
    "authlevels_session.impersonator_session": "a row of tenant zero, as no key may say; triggers hold it to that",
    "authlevels_challenge.decision_id": "the decision is in the trail, read by tenant and id; entries have no keys to them",
    "authlevels_recovery_grant.of_list": "a person's list is no tenant's; looked for among those of the session's own person",
    "authlevels_suspended.decision_id": "as a challenge's: the refusal that the request waits for is in the trail",
    "authlevels_approval.decision_id": "the decision is in the trail, as a challenge's is",
    "authlevels_approval.credential_id": "the vendor's credentials are of tenant zero and ask in others too; compared alone",
    "licensing_usage_entry.usage_id": "joins the lines of one use, which has no row of its own; read by tenant",
    "licensing_usage_entry.decision_id": "the decision is in the trail, as a challenge's is",
    "licensing_webhook_delivery.lease": "names the try under way, of which nobody keeps a row; compared alone",
    "riskengine_signal.session_id": "a signal outlives the session that it is of, which a product may have named; read by tenant",
    "riskengine_part.after": "a place among ids, whether or not a row of that id is there still; compared alone",
    "riskengine_part.until": "a place among ids, and no row's; compared alone",
    "riskengine_session.session_id": "of a lower room than sessions are; read by tenant and session, and compared alone",
    "audit_entry.session_id": "an entry outlives what it tells of; read by tenant",
    "audit_leaf.entry_id": "a leaf tells of an entry; only the sealer writes any",
}
"""Columns that hold an id of something without a foreign key."""
