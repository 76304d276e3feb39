"""Tables that hold no tenant's rows, or that must be read before a tenant is known.

A test walks every table: one that is neither isolated nor listed here fails the build. The reason stands
beside the name because a later reader must be able to judge whether it still holds.
"""

from collections.abc import Mapping
from typing import Final

_CATALOGUE: Final = "the vendor's catalogue is the same for every tenant, and tenants only read it"
_POLICY: Final = "the vendor's rules are the same for every tenant, and no address shows them to one"
_FRAMEWORK: Final = "the framework's own bookkeeping; holds no tenant's data"

GLOBAL_TABLES: Final[Mapping[str, str]] = {
    "licensing_tenant": "the directory: a tenant must be found before its rows may be seen",
    "licensing_feature": _CATALOGUE,
    "licensing_action": _CATALOGUE,
    "licensing_role_default": _CATALOGUE,
    "licensing_scope": _CATALOGUE,
    "licensing_scope_action": _CATALOGUE,
    "licensing_plan": _CATALOGUE,
    "licensing_plan_version": _CATALOGUE,
    "licensing_plan_term": _CATALOGUE,
    "licensing_catalogue_history": "what the catalogue said before: the same for every tenant, and written by trigger only",
    "licensing_plan_migration": "a move of many tenants from one version to another: two versions and a digest",
    "licensing_plan_migration_tenant": (
        "which tenants a move is about, and digests of what each was shown to gain and lose; the operator runs it "
        "through all of them, and no address shows it to a tenant"
    ),
    "licensing_webhook_endpoint": (
        "the vendor's own: where the events of all tenants go. The vendor's doors alone read it, and its secrets are sealed"
    ),
    "licensing_trial_use": "keyed digests of who has tried a plan, looked for across tenants: nobody is read from them",
    "licensing_generation": (
        "holds counters alone, written by trigger only; a snapshot check reads a tenant's and the catalogue's"
    ),
    "riskengine_platform_population": (
        "how many people of all tenants together have a value, of values that people of several tenants have; names nobody"
    ),
    "riskengine_run": "when profiles were last walked through, and how many there are of all tenants together",
    "riskengine_platform_cutoffs": "three scores by which bands begin, of the scores of all tenants together",
    "authlevels_user": "a person of our own sign-in may belong to many tenants, and signs in before one is chosen",
    "authlevels_totpdevice": "a factor belongs to its person, who may belong to many tenants",
    "authlevels_passkey": "as for an authenticator app: a factor belongs to its person",
    "authlevels_recovery_codes": "as for an authenticator app: they belong to their person",
    "authlevels_recovery_code": "keyed digests of a person's recovery codes, who may belong to many tenants",
    "authlevels_standing": (
        "holds counters alone, written by trigger only; whoever remembers a session compares its tenant's with it"
    ),
    "authlevels_signing_key": "one key at a time signs the tokens of all tenants; its private part is sealed",
    "authlevels_attempt_counter": "attempts are counted by account and network, before any tenant is believed",
    "billing_customer": "the directory of Stripe's accounts: a webhook names one, by which its tenant must be found",
    "billing_event": "arrives before its tenant is known, if it has any; the app adds events and reads none of them",
    "billing_price": _CATALOGUE,
    "billing_cursor": "how far one list of the vendor's own account at Stripe was read",
    "decisions_bundle": _POLICY,
    "decisions_bundle_signature": "who vouches for one of the vendor's bundles of rules: the same for every tenant",
    "decisions_activation": "which of the vendor's bundles of rules was in force since when, and who said so",
    "decisions_plan": (
        "what a bundle would have done to the decisions of all tenants: counts, and examples by tag; the vendor's doors "
        "alone read it"
    ),
    "riskengine_list": "lists of networks that others publish, the same for every tenant; the vendor brings them in",
    "riskengine_listed": "networks on such a list, and until when: nothing of any tenant",
    "audit_node": "hashes over hundreds of entries of all tenants; the sweep role alone reads them",
    "audit_checkpoint": "one signed root over the entries of all tenants: hashes and counts, which each may know",
    "django_migrations": _FRAMEWORK,
    "django_content_type": _FRAMEWORK,
    "django_admin_log": "the operator's admin works across tenants; read through the sweep role alone",
    "auth_group": _FRAMEWORK,
    "auth_group_permissions": _FRAMEWORK,
    "auth_permission": _FRAMEWORK,
}
