"""What somebody changed: who, what, and from what to what."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from audit.api import Entry, Kind
from console.trail.handed_on import HANDED_ON
from console.trail.ordered import ORDERED
from console.trail.risky import RISKY
from console.trail.ruled import RULED
from console.trail.sold import SOLD
from console.trail.wording import Names, dig, listed, plain
from licensing import api as licensing

type Teller = Callable[[Entry, Names], str]

_METHODS: Final = {"pwd": "a password", "otp": "a one-time code"}
_FAILED: Final = {
    "wrong_password": "the password was wrong",
    "unknown_name_or_tenant": "nobody of that name may sign in there",
    "account_ended": "the account has ended",
    "membership_ended": "the membership has ended",
    "risk_blocked": "it looked too risky, and the password was right",
}
_REFUSED: Final = {
    "own_people": "people of the own sign-in cannot be vouched for",
    "own_issuer": "the issuer was ours",
    "auth_time_ahead": "the sign-in lay in the future",
    "auth_time_past": "the sign-in was too long ago",
    "ended": "it had ended already",
    "no_method": "no method was named",
    "no_member": "nobody of that name is an active member",
    "risk_blocked": "it looked too risky",
    "verb_missing": "the credential may not do that there",
    "code": "the code was wrong, redeemed already, or too old",
    "used": "it was used already",
    "elsewhere": "it was given for something else",
}
_SUPPORT_ENDED: Final = {
    "support_session_ended": "their own session had ended",
    "support_membership_changed": "their own membership had changed",
    "support_account_changed": "their own account had changed",
    "support_role_changed": "their role lets nobody do that any more",
}
_FACTORS: Final = {"passkey": "a passkey", "recovery_codes": "recovery codes", "password": "the password"}


def _session_started(entry: Entry, names: Names) -> str:
    payload, who = entry.payload, names.member(entry.subject)
    shown = listed((_METHODS.get(one, one) for one in payload.get("amr", ())), nothing="nothing")
    looked = f", which looked like a {band} risk" if (band := plain(dig(payload, "risk", "band") or "")) else ""
    if payload.get("kind") == "own":
        return f"{who} signed in with {shown}{looked}"
    if payload.get("kind") == "impersonated":
        return f"a session began in which it is support that acts as {who}"
    return f"{plain(payload.get('issuer'))} vouched for {who}, who had shown {shown}{looked}"


def _impersonation_started(entry: Entry, names: Names) -> str:
    by, who = names.actor(entry.payload.get("by")), names.member(entry.subject)
    return f"{by} began to act as {who}: {plain(dig(entry.personal, 'reason') or 'why can no longer be read')}"


def _session_revoked(entry: Entry, names: Names) -> str:
    by, who = entry.payload.get("by"), names.member(entry.subject)
    if entry.subject is not None and by == ":".join(entry.subject):
        return f"{who} signed out"
    if (because := _SUPPORT_ENDED.get(str(entry.payload.get("why")))) is not None:
        return f"support acts as {who} no more: {because}"
    return f"{names.actor(by)} ended a session of {who}"


def _waited(how: str) -> Teller:
    def tell(entry: Entry, names: Names) -> str:
        asked = f"{plain(entry.payload.get('method', 'something'))} {plain(dig(entry.personal, 'path') or '')}".strip()
        return f"what {names.member(entry.subject)} asked ({asked}) {how}"

    return tell


def _sign_in_failed(entry: Entry, names: Names) -> str:
    who = names.member(entry.subject) if entry.subject else "somebody"
    why = _FAILED.get(str(entry.payload.get("why")), plain(entry.payload.get("why")))
    last = ", and that was the last try for now" if entry.payload.get("attempts_left") == 0 else ""
    return f"{who} could not sign in: {why}{last}"


def _refused(entry: Entry, names: Names) -> str:
    why = plain(_REFUSED.get(str(entry.payload.get("why")), entry.payload.get("why")))
    by = names.actor(entry.payload.get("by"))
    if entry.kind == Kind.REDEMPTION_REFUSED:
        return f"{by} could not redeem what a confirmation of {names.member(entry.subject)} had left: {why}"
    if entry.kind == Kind.ELEVATION_REFUSED:
        return f"{by} could not use what {names.member(entry.subject)} had confirmed: {why}"
    who = names.member(entry.subject) if entry.subject else "somebody"
    return f"{by} vouched for {who} in vain: {why}"


def _keys_rotated(entry: Entry, names: Names) -> str:
    by, key = names.actor(entry.payload.get("by")), plain(entry.payload.get("key"))
    if entry.payload.get("state") == "begun":
        return f"{by} began to seal secrets anew with the key {key}"
    secrets = entry.payload["secrets"]
    moved = listed(f"{one['moved']} of {plain(name)}" for name, one in secrets.items())
    lost = sum(one["unreadable"] for one in secrets.values())
    told = f"{by} sealed secrets anew with the key {key}: {moved}"
    return f"{told}, and {lost} that no key opens stayed as they were" if lost else told


def _factor(did: str) -> Teller:
    def tell(entry: Entry, names: Names) -> str:
        by, who, factor = entry.payload.get("by"), names.member(entry.subject), _factor_of(entry)
        if entry.subject is not None and by == ":".join(entry.subject):
            return f"{who} {did} {factor}"
        return f"{names.actor(by)} {did} {factor} of {who}"

    return tell


def _factor_of(entry: Entry) -> str:
    return _FACTORS.get(str(entry.payload.get("factor")), "an authenticator app")


def _factor_failed(entry: Entry, names: Names) -> str:
    who = names.member(entry.subject)
    if entry.payload.get("factor") == "passkey":
        return f"{who} tried to add a passkey that could not be taken"
    return f"{who} gave a wrong first code of {_factor_of(entry)}"


def _person_changed(entry: Entry, names: Names) -> str:
    changed = [one for one in entry.payload.get("changed", ()) if one != "created"]
    by, who = names.actor(entry.payload.get("by")), names.person(entry.subject)
    if "created" in entry.payload.get("changed", ()):
        return f"{by} made {who} known" + (f", with {listed(changed)}" if changed else "")
    return f"{by} changed {listed(changed)} of {who}"


def _person_erased(entry: Entry, names: Names) -> str:
    return f"{names.actor(entry.payload.get('by'))} erased somebody ({entry.subject[1][:9] if entry.subject else ''})"


def _credential(did: str) -> Teller:
    def tell(entry: Entry, names: Names) -> str:
        payload = entry.payload
        told = f"{names.actor(payload.get('by'))} {did} the credential {plain(payload.get('name'))}"
        verbs = dig(payload, "new", "verbs") if payload.get("old") is None else None
        return f"{told}, which may {listed(verbs)}" if verbs else told

    return tell


def _catalogue(entry: Entry, names: Names) -> str:
    changes = [
        licensing.Change(what=one["what"], key=one["key"], old=one["old"], new=one["new"])
        for one in entry.payload["changes"]
    ]
    lines = [plain(line) for change in changes for line in licensing.change_lines(change)]
    return f"{names.actor(entry.payload.get('by'))} changed the catalogue: {'; '.join(lines)}"


def _thing(what: str, named: Callable[[Entry, Names], str]) -> Teller:
    def tell(entry: Entry, names: Names) -> str:
        payload = entry.payload
        old, new = _whole(entry, "old"), _whole(entry, "new")
        by, thing = names.actor(payload.get("by")), named(entry, names)
        if old is None:
            return f"{by} made {what}{thing}: {_state(new or {})}"
        if new is None:
            return f"{by} ended {what}{thing}, which was {_state(old)}"
        lines = licensing.change_lines(licensing.Change(what="", key="", old=old, new=new))
        told = "; ".join(line.lstrip("~!: ") for line in lines)
        return f"{by} changed {what}{thing}: {plain(told) or 'what can no longer be read'}"

    return tell


_environments_thing = _thing("the environments of ", lambda _entry, names: plain(names.tenant))


def _environments(entry: Entry, names: Names) -> str:
    told, lowered = _environments_thing(entry, names), entry.payload.get("lowered")
    return f"{told}; less is asked than before in {listed(lowered)}" if lowered else told


def _whole(entry: Entry, state: str) -> dict[str, Any] | None:
    """Return the old or new state with what of it is the person's own."""
    told = entry.payload.get(state)
    return None if told is None else {**told, **(dig(entry.personal, state) or {})}


def _state(state: Mapping[str, Any]) -> str:
    said = (
        f"{name.replace('_', ' ')} {listed(value) if isinstance(value, list) else plain(value)}"
        for name, value in state.items()
        if value not in (None, "", [], {}, False)
    )
    return "; ".join(said) or "as it comes"


def _approval_opened(entry: Entry, names: Names) -> str:
    needed, action = entry.payload.get("needed"), plain(entry.payload.get("action"))
    whom = "somebody else" if needed == 1 else f"{plain(needed)} others"
    return f"{names.member(entry.subject)} asked {whom} to agree to {action}"


def _approval_answered(did: str) -> Teller:
    def tell(entry: Entry, names: Names) -> str:
        who, asked_by = names.member(entry.subject), names.actor(entry.payload.get("asked_by"))
        if entry.payload.get("is_withdrawn"):
            return f"{who} took back what they had asked others to agree to: {plain(entry.payload.get('action'))}"
        return f"{who} {did} {plain(entry.payload.get('action'))}, which {asked_by} had asked for"

    return tell


def _approval_used(entry: Entry, names: Names) -> str:
    return f"{names.member(entry.subject)} did what others had agreed to: {plain(entry.payload.get('action'))}"


def _code(did: str) -> Teller:
    return lambda entry, names: f"{names.member(entry.subject)} {did}"


TELLERS: Final[Mapping[str, Teller]] = MappingProxyType(
    {
        **HANDED_ON,
        **ORDERED,
        **SOLD,
        **RULED,
        **RISKY,
        Kind.SESSION_STARTED: _session_started,
        Kind.SESSION_REVOKED: _session_revoked,
        Kind.IMPERSONATION_STARTED: _impersonation_started,
        Kind.SESSION_REFUSED: _refused,
        Kind.REDEMPTION_REFUSED: _refused,
        Kind.ELEVATION_REFUSED: _refused,
        Kind.APPROVAL_OPENED: _approval_opened,
        Kind.APPROVAL_GRANTED: _approval_answered("agreed to"),
        Kind.APPROVAL_REFUSED: _approval_answered("refused"),
        Kind.APPROVAL_USED: _approval_used,
        Kind.CODE_ACTIVATED: _code("typed the code of a program that waited"),
        Kind.CODE_DENIED: _code("picked another number than the program showed, so that nothing was confirmed"),
        Kind.CODE_FAILED: _code("typed a code that there is not for them"),
        Kind.KEYS_ROTATED: _keys_rotated,
        Kind.REQUEST_SUSPENDED: _waited("waits until they confirm it"),
        Kind.REQUEST_RESUMED: _waited("went on after they confirmed"),
        Kind.SIGN_IN_FAILED: _sign_in_failed,
        Kind.PERSON_CHANGED: _person_changed,
        Kind.PERSON_ERASED: _person_erased,
        Kind.FACTOR_BEGUN: _factor("began to add"),
        Kind.FACTOR_ADDED: _factor("added"),
        Kind.FACTOR_REMOVED: _factor("removed"),
        Kind.FACTOR_RENAMED: _factor("renamed"),
        Kind.RECOVERY_USED: _factor("used one of their"),
        Kind.PASSWORD_CHANGED: _factor("changed"),
        Kind.MEMBER_UNLOCKED: lambda entry, names: (
            f"{names.actor(entry.payload.get('by'))} ended the pause of {names.member(entry.subject)} after wrong codes"
        ),
        Kind.FACTOR_FAILED: _factor_failed,
        Kind.CREDENTIAL_CREATED: _credential("made"),
        Kind.CREDENTIAL_ROTATED: _credential("renewed"),
        Kind.CREDENTIAL_REVOKED: _credential("revoked"),
        Kind.CATALOG_APPLIED: _catalogue,
        Kind.TENANT_CHANGED: _thing("the tenant ", lambda entry, _names: plain(entry.payload.get("tenant"))),
        Kind.MEMBER_CHANGED: _thing("the membership of ", lambda entry, names: names.member(entry.subject)),
        Kind.ROLE_CHANGED: _thing("the role ", lambda entry, _names: plain(entry.payload.get("role"))),
        Kind.SUBSCRIPTION_CHANGED: _thing("the subscription of ", lambda _entry, names: plain(names.tenant)),
        Kind.STEP_UP_POLICY_CHANGED: _thing("the step-up policy of ", lambda _entry, names: plain(names.tenant)),
        Kind.OVERRIDE_CHANGED: _thing("the override of ", lambda entry, _names: plain(entry.payload.get("feature"))),
        Kind.ENVIRONMENTS_CHANGED: _environments,
    }
)
