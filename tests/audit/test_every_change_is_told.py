"""Whatever changes leaves an entry in the same transaction; what leaves none is named here, with its reason."""

import ast
import inspect
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import audit.api
from audit.api import Kind
from authlevels import api as authlevels
from billing import api as billing
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.audit.doors import TOLD
from tests.authlevels.acme import (
    BOBS_SECRET,
    NOON,
    PASSWORD,
    code,
    found_acme,
    later,
    put_alice,
)

ROOT = Path(__file__).resolve().parents[2]
WRITES = {"save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "update", "delete"}
STATEMENTS = ("INSERT INTO", "UPDATE ", "DELETE FROM")

# Each function that writes a row, by the door that tells of it; or why nothing is told.
WRITERS = {
    "licensing.catalogue_changes.put_plan": "edit_catalogue",
    "licensing.catalogue_changes.retire_plan": "edit_catalogue",
    "licensing.catalogue_changes.remove_action": "edit_catalogue",
    "licensing.catalogue_changes.remove_role": "edit_catalogue",
    "licensing.catalogue_changes.remove_feature": "edit_catalogue",
    "licensing.catalogue_changes._version": "edit_catalogue",
    "licensing.catalogue_changes._save": "edit_catalogue",
    "licensing.environments.put_environments": "put_environments",
    "licensing.catalogue_changes.remove_scope": "edit_catalogue",
    "licensing.catalogue_scopes.write_scope": "edit_catalogue",
    "licensing.members.put_member": "put_member",
    "licensing.members.remove_member": "remove_member",
    "licensing.outbox": "what others hear of a change that is told",
    "licensing.telling": "a note of what was told last",
    "licensing.telling._emit_together": "what others hear of a change that is told",
    "licensing.telling._note": "a note of what was told last",
    "licensing.webhooks.endpoints.create_endpoint": "create_endpoint",
    "licensing.webhooks.endpoints.change_endpoint": "change_endpoint",
    "licensing.webhooks.endpoints.roll_secret": "roll_secret",
    "licensing.webhooks.endpoints.remove_endpoint": "remove_endpoint",
    "licensing.webhooks.endpoints.disable_failing": "told as webhook.disabled, by the worker that gave the endpoint up",
    "licensing.webhooks.handing_out.hand_out": "who is to hear of what is told",
    "licensing.webhooks.handing_out.make_deliveries": "who is to hear of what is told",
    "licensing.webhooks.handing_out.forget_events": "messages of a month ago",
    "licensing.webhooks.delivering._leased": "who sends a message when; what it tells of is told",
    "licensing.webhooks.delivering._note": "since when an endpoint fails; that it was given up is told",
    "licensing.webhooks.delivering._end": "who sends a message when; what it tells of is told",
    "licensing.webhooks.replaying._again": "replay_delivery",
    "licensing.overrides.remove_override": "remove_override",
    "licensing.overrides._save": "put_override",
    "licensing.overrides.forget_author": "erase_person",
    "licensing.pending.schedule_change": "schedule_change",
    "licensing.pending_rows.close": "cancel_change",
    "licensing.trials._use": "start_trial",
    "licensing.plans.drafts.begin_draft": "begin_draft",
    "licensing.plans.drafts.edit_draft": "edit_draft",
    "licensing.plans.drafts.discard_draft": "discard_draft",
    "licensing.plans.drafts.publish_version": "publish_version",
    "licensing.plans.drafts.retire_version": "retire_version",
    "licensing.plans.drafts._write_terms": "edit_draft",
    "licensing.plans.migrating.preview_migration": "what would be, of which nothing is done",
    "licensing.plans.migrating._move": "run_migration",
    "licensing.invitations.invite": "invite",
    "licensing.invitations._end": "accept_invitation",
    "licensing.invitations.expire_invitations": "addresses of invitations whose end was told when they were opened",
    "licensing.members.admit": "accept_invitation",
    "licensing.usage.forgetting.forget_subject": "erase_person",
    "licensing.ratchet.keep_at_least": "put_subscription",
    "licensing.roles.put_role": "put_role",
    "licensing.subscription_rows.place": "put_subscription",
    "licensing.subscription_rows.end": "settle_subscription",
    "licensing.subscription_rows._write": "put_subscription",
    "licensing.tenants.put_tenant": "put_tenant",
    "billing.buying.begin_checkout": "begin_checkout",
    "billing.buying._close_others": "a checkout that nobody has paid, overtaken by what is told as begun",
    "billing.buying._open": "begin_checkout",
    "billing.changing._claim": "apply_quote",
    "billing.changing._end": "apply_quote",
    "billing.gateway_checkout.create_checkout": "begin_checkout",
    "billing.gateway_checkout.open_portal": "open_portal",
    "billing.gateway_checkout.change_now": "apply_quote",
    "billing.gateway_checkout.change_later": "apply_quote",
    "billing.gateway_checkout.set_ending": "cancel",
    "billing.quoting.quote_change": "what something would cost, of which nothing is done",
    "billing.calls.call_later": "a call that is owed; what it does is told when it is done",
    "billing.calls.replay_call": "when a call is made again",
    "billing.calls._due": "who makes a call when",
    "billing.calls._take": "link_customer",
    "billing.calls._note": "why a call was not made",
    "billing.catching_up._read": "how far a list was read",
    "billing.customers.link_customer": "link_customer",
    "billing.gateway.create_customer": "Stripe's, whose answer is told as linked",
    "billing.gateway.update_customer": "a name at Stripe",
    "billing.gateway.put_product": "a product at Stripe, told with its price",
    "billing.gateway.create_price": "map_price",
    "billing.inbox": "an event, which is only a hint; what it leads to is told",
    "billing.inbox.forget_events": "hints that are too old to come again",
    "billing.leases": "who reads when, and how far was read",
    "billing.letters.replay": "when something is tried again",
    "billing.letters.mark_again": "when something is tried again",
    "billing.nudging.begin": "a note in Valkey that a worker looks",
    "billing.prices.map_price": "map_price",
    "billing.resolving._due": "who asks whose an event is",
    "billing.resolving._resolve": "whose an event is",
    "billing.syncing._keep": "sync_tenant",
    "authlevels.device_codes.issue_code": "a code, shown with what is told as opened",
    "authlevels.device_codes.choose_number": "choose_number",
    "authlevels.device_polls._pace": "when it was asked for, which is no change of what one may do",
    "authlevels.approval_grants.grant_approval": "grant_approval",
    "authlevels.approval_grants.refuse_approval": "refuse_approval",
    "authlevels.approval_grants.claim_approval": "claim_approval",
    "authlevels.assertion.put_shadow_user": "assert_session",
    "authlevels.attempts": "a count, told with each attempt that failed",
    "authlevels.attempts.give_back": "a count, set back by what is told as a right attempt",
    "authlevels.ceremonies.begin": "begin_passkey_enrolment",
    "authlevels.ceremonies.use_up": "verify",
    "authlevels.challenge_refusal.refuse_challenge": "refuse_challenge",
    "authlevels.batches.take_from_batch": "claim_transaction",
    "authlevels.challenges.open_challenge": "open_challenge",
    "authlevels.challenges.hand_off": "hand_off",
    "authlevels.equal_open.put_equal_open": "open_challenge",
    "authlevels.claims.claim_transaction": "claim_transaction",
    "authlevels.credentials.create_credential": "create_credential",
    "authlevels.credentials.rotate_credential": "rotate_credential",
    "authlevels.credentials.revoke_credential": "revoke_credential",
    "authlevels.elevations.claim_use": "claim_use",
    "authlevels.elevations.elevation_consumed": "elevation_consumed",
    "authlevels.elevations.end_elevation": "end_elevation",
    "authlevels.ending._end": "end_all_elevations",
    "authlevels.erasing.erase_person": "erase_person",
    "authlevels.passkey_judging._save": "verify",
    "authlevels.passkeys._made": "confirm_passkey_enrolment",
    "authlevels.factors.let_go": "remove_factor",
    "authlevels.factors.rename_factor": "rename_factor",
    "authlevels.provisioning.put_totp_secret": "put_user",
    "authlevels.totp_enrolment.begin": "begin_totp_enrolment",
    "authlevels.totp_enrolment.confirm": "confirm_totp_enrolment",
    "authlevels.people.put_user": "put_user",
    "authlevels.policy.put_policy": "put_policy",
    "authlevels.readiness.look_over_members": "a note of what others changed, who are told of",
    "authlevels.attempts.forget_counts": "a count whose window is long over",
    "authlevels.attempts.refund": "a count, set back by what is told as a right attempt",
    "authlevels.notice_sending._leased": "who sends a message when; what it tells of is told",
    "authlevels.notice_sending._send": "who sends a message when; what it tells of is told",
    "authlevels.notice_sending.forget_notices": "messages that were sent long ago",
    "authlevels.notices.notify": "a message about what is told",
    "authlevels.password_change.change_password": "change_password",
    "authlevels.recovery._use": "use_recovery_code",
    "authlevels.recovery.create_recovery_codes": "create_recovery_codes",
    "authlevels.recovery.use_recovery_code": "use_recovery_code",
    "authlevels.recovery.spend_grant": "confirm_replacement",
    "authlevels.unlocking.unlock_member": "unlock_member",
    "authlevels.redemption.redeem": "redeem",
    "authlevels.redigest.move_digest": "the digest of the same secret, under a newer key of the installation",
    "authlevels.session_start.start_session": "assert_session",
    "authlevels.sessions.touch_session": "a use is no change of what one may do; the decision that it was is told",
    "authlevels.sessions.rotate_session_secret": "a new secret for the same session, with the challenge that is told",
    "authlevels.sessions.end_session": "end_session",
    "authlevels.forgetting.forget_suspended": "what waited for too long and did not go on; that it was asked is told",
    "authlevels.suspended.suspend_request": "suspend_request",
    "authlevels.suspended.claim_suspended": "suspend_request",
    "authlevels.signing_keys._make": "get_signer",
    "authlevels.signing_keys.revoke_signing_key": "revoke_signing_key",
    "authlevels.signing_keys.tend_signing_keys": "what signs no longer is let go of, as was told with the key after it",
    "authlevels.token_ends._drop": "drop_token",
    "authlevels.token_ends.drop_expired": "forgets yesterday's, whose end is told",
    "authlevels.tokens._use_agreement": "told as approval.used, by the token that it is for",
    "authlevels.tokens.get_ground": "get_ground",
    "authlevels.tokens.issue_token": "issue_token",
    "authlevels.totp.verify_locked": "verify",
    "authlevels.untold_ends.tell_ends": "a note of what is to be told, which this tells",
    "authlevels.verification._accept": "verify",
    "authlevels.verification._pass": "verify",
}

# Doors that change nothing, or nothing that lasts.
READS = {
    *(
        "change_lines",
        "check_shape",
        "entitlements_at",
        "diff_versions",
        "effect_of",
        "effect_sentences",
        "entitlements_known",
        "get_change",
        "get_migration",
        "get_version",
        "list_versions",
        "find_tenant_id",
        "forget_snapshots",
        "forget_tenants",
        "get_member",
        "get_override",
    ),
    *("get_role", "get_snapshot", "get_subscription", "get_tenant", "is_listening", "list_members", "list_overrides"),
    "readiness_for",
    *("list_environments", "list_priced_versions", "service_privileges"),
    *("billing_backlog", "find_customer", "get_customer", "list_dead_letters", "list_prices", "price_of"),
    *("check_use", "list_features", "list_invitations", "usage_fact", "usage_of", "written_sum"),
    "hold_member",
    *("read_snapshot", "success_url", "billing_state", "is_on", "list_invoices", "offered"),
    "privileges_of_member",
    *(
        "list_roles",
        "list_subscriptions",
        "get_endpoint",
        "list_endpoints",
        "get_delivery",
        "list_deliveries",
        "webhooks_by_key",
        "list_tenants",
        "member_parameters",
        "publish",
        "read_file",
        "read_member",
    ),
    *(
        "read_schema",
        "snapshot_at",
        "snapshot_memory",
        "snapshot_version",
        "split_subject",
        "stop_listening",
        "subscribe",
    ),
    *("is_nested_deeper", "parse_token_ref"),
    *(
        "audience",
        "audiences_of",
        "find_recovery_grant",
        "find_token",
        "may_revoke",
        "presented_by",
        "presenter_of",
        "published_keys",
    ),
    *(
        "browser_mark",
        "caller",
        "counted_network",
        "decision_ref",
        "forget_credentials",
        "get_credential",
        "list_credentials",
    ),
    *("get_elevation", "lock_elevation"),
    "code_members",
    *("count_approvals", "get_grantable", "get_session", "list_approvals", "parse_approval_ref", "show_approval"),
    "list_own_sessions",
    *(
        "list_impersonations",
        "list_elevations",
        "list_factors",
        "parse_decision_ref",
        "parse_elevation_ref",
        "parse_session_handle",
    ),
    *("get_policy", "plan_level", "readiness"),
    *("person_address", "read_session", "resolve_credential", "resolve_session_secret", "session_facts"),
    *("session_parameters", "set_browser_cookie", "set_session_cookie", "show_challenge", "standing_of"),
}
_LEDGER = "the ledger holds each use for good, with the decision that let it be, which is told"
UNTOLD = {
    "reseal_webhooks": "the same secrets, under a newer key of the installation; the rotation is told",
    "touch_session": WRITERS["authlevels.sessions.touch_session"],
    "begin_passkey_step_up": "what is asked of an authenticator is told with what it answers",
    "get_agreed_ground": WRITERS["authlevels.tokens._use_agreement"],
    "note_use": WRITERS["authlevels.sessions.touch_session"],
    "rotate_session_secret": WRITERS["authlevels.sessions.rotate_session_secret"],
    "notify": WRITERS["authlevels.notices.notify"],
    "issue_code": WRITERS["authlevels.device_codes.issue_code"],
    "poll_challenge": WRITERS["authlevels.device_polls._pace"],
    "poll_approval": WRITERS["authlevels.device_polls._pace"],
    "preview_migration": WRITERS["licensing.plans.migrating.preview_migration"],
    "call_later": WRITERS["billing.calls.call_later"],
    "want_customer": WRITERS["billing.calls.call_later"],
    "quote_change": WRITERS["billing.quoting.quote_change"],
    "receive_webhook": WRITERS["billing.inbox"],
    "replay": WRITERS["billing.letters.replay"],
    "replay_call": WRITERS["billing.calls.replay_call"],
    "forget_subject": "a part of erase_person, which tells",
    "consume": _LEDGER,
    "reserve": _LEDGER,
    "commit": _LEDGER,
    "release": _LEDGER,
    "forget_author": "a part of erase_person, which tells",
}


def _writers() -> Iterator[str]:
    for room in ("licensing", "authlevels", "billing"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(path.read_text())
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            yield from (f"{module}.{node.name}" for node in functions if _is_writing(node))
            if any(isinstance(node, ast.Assign | ast.AnnAssign) and _is_writing(node) for node in tree.body):
                yield module


def _is_writing(node: ast.AST) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in WRITES:
            return True
        text = part.value if isinstance(part, ast.Constant) else None
        if isinstance(text, str) and text.lstrip().startswith(STATEMENTS):
            return True
    return False


def test_whoever_writes_a_row_is_told_of_by_a_door_or_has_a_reason() -> None:
    assert set(_writers()) == set(WRITERS)
    assert {door for door in WRITERS.values() if " " not in door} <= set(TOLD)


def test_every_door_changes_nothing_or_is_tried_below() -> None:
    doors = {
        name
        for room in (licensing, authlevels, billing)
        for name in room.__all__
        if inspect.isfunction(inspect.unwrap(getattr(room, name)))
    }
    assert doors >= READS | set(UNTOLD)
    assert doors - READS - set(UNTOLD) == {one.partition(",")[0] for one in TOLD}


AT_THE_VENDOR = {
    *("begin_draft", "edit_draft", "discard_draft", "publish_version", "retire_version"),
    *("edit_catalogue", "get_signer", "map_price", "put_user", "revoke_signing_key"),
    *("create_endpoint", "change_endpoint", "roll_secret", "remove_endpoint", "replay_delivery", "replay_since"),
}
OLD_AND_NEW = {
    *(Kind.TENANT_CHANGED, Kind.MEMBER_CHANGED, Kind.ROLE_CHANGED, Kind.SUBSCRIPTION_CHANGED, Kind.OVERRIDE_CHANGED),
    Kind.ENVIRONMENTS_CHANGED,
    *(Kind.CREDENTIAL_CREATED, Kind.CREDENTIAL_ROTATED, Kind.CREDENTIAL_REVOKED, Kind.STEP_UP_POLICY_CHANGED),
}
BY_NOBODY_ELSE = {
    Kind.APPROVAL_USED,
    Kind.SIGN_IN_FAILED,
    Kind.SESSION_STARTED,
    Kind.ELEVATION_USED,
    Kind.CHALLENGE_HANDED_OFF,
}


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]


def told(tenant_id: Any) -> list[audit.api.Entry]:
    with tenant_transaction(tenant_id):
        return audit.api.list_entries(tenant_id=tenant_id, limit=audit.api.MAX_PAGE)


@pytest.mark.django_db
@pytest.mark.parametrize("door", TOLD)
def test_a_change_leaves_its_entry_with_who_and_what(door: str) -> None:
    do, kinds = TOLD[door]
    if door != "put_user":
        put_alice()
    acme = found_acme()
    place = licensing.VENDOR_TENANT_ID if door in AT_THE_VENDOR else acme.tenant_id
    before = told(place)
    do(acme)
    new = told(place)[len(before) :]
    found = [entry for entry in new if entry.kind in kinds]
    assert {entry.kind for entry in found} == kinds
    for entry in found:
        if entry.kind in OLD_AND_NEW:
            assert {"old", "new", "by"} <= set(entry.payload)
            assert entry.payload["old"] != entry.payload["new"]
        elif entry.kind not in BY_NOBODY_ELSE:
            assert entry.payload["by"], entry.kind


@pytest.mark.django_db
def test_how_long_an_answer_took_and_by_what_is_told() -> None:
    acme = found_acme()
    challenge = acme.challenge(acme.assert_bob())
    with pytest.raises(authlevels.WrongCode):
        acme.show(challenge, "000000", at=later(5))
    acme.show(challenge, code(BOBS_SECRET, later(8)), at=later(8))
    parts = {entry.kind: entry.payload for entry in told(acme.tenant_id) if entry.kind.startswith("challenge.")}
    assert parts["challenge.failed"].items() >= {"method": "totp", "response_seconds": 5.0, "why": "wrong"}.items()
    assert parts["challenge.passed"].items() >= {"method": "totp", "response_seconds": 8.0}.items()
    assert {part["by"] for part in parts.values()} == {"credential:reports-api"}


@pytest.mark.django_db
def test_a_worn_out_factor_is_told_of_with_the_code_that_wore_it_out() -> None:
    acme = found_acme()
    challenge, at = acme.challenge(acme.assert_bob(at=NOON), at=NOON), NOON
    for number in range(100):
        at = at + (timedelta(minutes=31) if number and number % 10 == 0 else timedelta(0))
        if number and number % 10 == 0:
            challenge = acme.challenge(acme.assert_bob(at=at), at=at)
        with suppress(authlevels.WrongCode, authlevels.Throttled):
            acme.show(challenge, "000000", at=at)
    disabled = [entry for entry in told(acme.tenant_id) if entry.kind == Kind.FACTOR_DISABLED]
    assert [entry.subject for entry in disabled] == [("user", "bob")]


@pytest.mark.django_db
def test_a_failed_sign_in_names_members_alone_and_shows_what_was_typed_to_nobody() -> None:
    put_alice()
    acme = found_acme()
    authlevels.put_user(subject_id="mallory", password=PASSWORD, at=NOON)
    for name, password in (
        ("alice", "wrong"),
        ("mallory", PASSWORD),
        ("my secret passphrase", "x"),
        ("alice", "wrong"),
    ):
        with suppress(authlevels.SignInFailed):
            authlevels.sign_in_with_password(
                tenant_id=acme.tenant_id, username=name, password=password, network="192.0.2.1", at=NOON, ip="192.0.2.1"
            )
    failed = [entry for entry in told(acme.tenant_id) if entry.kind == Kind.SIGN_IN_FAILED]
    assert [entry.subject for entry in failed] == [("account", "alice"), None, None, ("account", "alice")]
    assert [entry.payload["attempts_left"] for entry in failed] == [9, 9, 9, 8]
    assert [entry.payload["why"] for entry in failed] == [
        *("wrong_password", "unknown_name_or_tenant", "unknown_name_or_tenant", "wrong_password")
    ]
    assert failed[0].payload["name"] == failed[3].payload["name"] != failed[2].payload["name"]
    assert failed[0].personal == {"ip": "192.0.2.1", "user_agent": ""}
    assert not [word for word in ("mallory", "secret", "192.0.2") for entry in failed[1:3] if word in str(entry)]
