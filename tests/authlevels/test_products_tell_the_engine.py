"""Products tell how people look, tenants say what that asks, and people say what was theirs; each for their own alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

import audit.api
from authlevels import api
from authlevels.attempts import charge
from authlevels.models import SessionRow
from authlevels.public_ids import parse_session_handle, session_handle
from authlevels.risk_signals import LIMIT, say_whose, tell_signals
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from riskengine.models import SessionRisk
from tests.authlevels.acme import ALICES_SECRET, PASSWORD, Acme, code
from tests.authlevels.test_the_http_doors import call
from tests.looking import FAR, HOME, at_home, far_is, signals
from tiergate import Verb

BOB = {"type": "user", "id": "bob"}
HIGH = {"level": "aal2", "max_age": 600, "phishing_resistant": True}
LATER = {"level": "aal2", "max_age": 300, "phishing_resistant": True}


def key(tenant_id: Any, *verbs: Verb, name: str = "teller") -> str:
    _credential, secret = api.create_credential(
        tenant_id=tenant_id, name=name, verbs=list(verbs), by="test", at=clock.now()
    )
    return secret


def one(number: int = 1, event: str = "seen", **more: Any) -> dict[str, Any]:
    return {"id": f"e-{number}", "event": event, "subject": BOB, **HOME, **more}


def tell(secret: str, *items: dict[str, Any], **more: Any) -> Any:
    return call("POST", "/v1/risk/signals", {"items": list(items), **more}, secret=secret)


@pytest.fixture
def teller(acme: Acme) -> str:
    return key(acme.tenant_id, Verb.RISK_SIGNAL, Verb.RISK_FEEDBACK)


def test_what_is_told_twice_by_one_name_is_kept_once(acme: Acme, teller: str) -> None:
    for _ in range(2):
        answer = tell(teller, one(), one(2, "sign_in_failed"))
        assert (answer.status_code, answer.json()) == (202, {"taken": 2, "ignored": 0})
    assert sorted((one.kind, one.trust) for one in signals(acme.tenant_id)) == [("sign_in_failed", 0.0), ("told", 0.25)]


def test_one_name_is_one_thing_for_one_product_alone(acme: Acme, teller: str) -> None:
    other = key(acme.tenant_id, Verb.RISK_SIGNAL, name="other")
    assert [tell(secret, one()).status_code for secret in (teller, other)] == [202, 202]
    assert len(signals(acme.tenant_id)) == 2


def test_what_looks_unusual_is_not_learned_from_by_being_told(acme: Acme, teller: str) -> None:
    at_home(acme.tenant_id, ("user", "bob"))
    far_is(acme.tenant_id, "medium")
    tell(teller, one(**FAR))
    assert [(one.band, one.trust) for one in signals(acme.tenant_id, kind="told")] == [("medium", 0.0)]


def test_nothing_is_told_of_strangers_of_our_own_people_or_in_anothers_session(acme: Acme, teller: str) -> None:
    alices, _secret = acme.sign_in_alice(clock.now())
    before = len(signals(acme.tenant_id))
    answer = tell(
        teller,
        one(1, subject={"type": "user", "id": "nobody-here"}),
        one(2, subject={"type": "account", "id": "alice"}),
        one(3, "sign_in_failed", subject={"type": "account", "id": "alice"}),
        one(4, session=alices.handle),
        one(5, session="ses_none"),
        one(6, "sign_in_failed", subject={"type": "nobody", "id": "0"}),
    )
    assert answer.json() == {"taken": 0, "ignored": 6}
    assert len(signals(acme.tenant_id)) == before


def test_nothing_is_told_in_a_session_that_is_over_anothers_or_supports(acme: Acme, teller: str) -> None:
    at = clock.now()
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="user", subject_id="carol", roles=["member"], by="test", at=at
    )
    carols = api.assert_session(
        tenant_id=acme.tenant_id,
        credential=acme.credential,
        subject_type="user",
        subject_id="carol",
        amr=["pwd"],
        auth_time=at,
        idp="okta",
        at=at,
    )
    ended = acme.assert_bob(at)
    api.end_session(tenant_id=acme.tenant_id, session_id=ended.id, by="test", at=at)
    support = acting_as_bob(acme)
    before = len(signals(acme.tenant_id))
    answer = tell(teller, *(one(n, session=handle) for n, handle in enumerate((carols.handle, ended.handle, support))))
    assert answer.json() == {"taken": 0, "ignored": 3}
    assert len(signals(acme.tenant_id)) == before


def acting_as_bob(acme: Acme) -> str:
    """Have support act as Bob, and give that session's handle."""
    at, vendor = clock.now(), licensing.VENDOR_TENANT_ID
    api.put_user(subject_id="sue", password=PASSWORD, at=at - timedelta(days=1))
    licensing.put_member(
        tenant_id=vendor, subject_type="account", subject_id="sue", roles=["support"], by="test", at=at
    )
    sue, _secret = api.sign_in_with_password(
        tenant_id=vendor, username="sue", password=PASSWORD, network="192.0.2.9", at=at
    )
    acting = api.begin_impersonation(
        support=sue,
        tenant_id=acme.tenant_id,
        subject_type="user",
        subject_id="bob",
        reason="Case 7",
        minutes=15,
        at=at,
    )
    return acting.handle


def test_a_session_of_which_is_told_teaches_by_its_first_sight_and_not_by_being_told(acme: Acme, teller: str) -> None:
    at_home(acme.tenant_id, ("user", "bob"))
    session = acme.assert_bob(clock.now())
    tell(teller, one(1, session=session.handle), one(2))
    assert [told.trust for told in signals(acme.tenant_id, kind="told") if told.session_id] == [0.0]
    assert [told.trust for told in signals(acme.tenant_id, kind="told") if not told.session_id] == [0.25]


def test_behind_the_door_too_only_who_may_tells_and_speaks(acme: Acme, globex: Acme) -> None:
    at = clock.now()
    session = vouched(acme, HOME)
    teller, _secret = api.create_credential(
        tenant_id=globex.tenant_id, name="teller", verbs=[Verb.RISK_SIGNAL, Verb.RISK_FEEDBACK], by="test", at=at
    )
    for credential in (acme.credential, teller):
        with pytest.raises(api.VerbMissing):
            tell_signals(tenant_id=acme.tenant_id, credential=credential, said=[], at=at)
        with pytest.raises(api.SessionNotFound):
            say_whose(tenant_id=acme.tenant_id, handle=session.handle, is_mine=False, credential=credential, at=at)
    with tenant_transaction(acme.tenant_id):
        assert SessionRow.objects.get(id=session.id).revoked_at is None


def test_who_failed_to_sign_in_elsewhere_is_named_only_if_they_belong_here(acme: Acme, teller: str) -> None:
    tell(teller, one(1, "sign_in_failed", subject={"type": "user", "id": "hunter2"}), one(2, "sign_in_failed"))
    assert sorted(one.subject_type for one in signals(acme.tenant_id)) == ["nobody", "user"]
    assert all("hunter2" not in one.subject_id for one in signals(acme.tenant_id))


def test_a_session_that_is_told_to_look_risky_is_raised(acme: Acme, teller: str) -> None:
    at_home(acme.tenant_id, ("user", "bob"))
    far_is(acme.tenant_id, "high")
    session = acme.assert_bob(clock.now())
    tell(teller, one(session=session.handle, **FAR))
    with tenant_transaction(acme.tenant_id):
        assert SessionRisk.objects.get(session_id=session.id).band == "high"
    assert acme.facts(session, clock.now()).activity.riskier_since is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": []},
        {"items": [one(number) for number in range(101)]},
        {"items": [one(event="step_up_passed")]},
        {"items": [one(event="sign_in")]},
        {"items": [one(ip="nowhere")]},
        {"items": [one(id="")]},
        {"items": [one(at=4102444800)]},
        {"items": [one(at=1)]},
    ],
)
def test_what_cannot_be_meant_is_refused_whole(acme: Acme, teller: str, wrong: Any) -> None:
    answer = call("POST", "/v1/risk/signals", wrong, secret=teller)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert signals(acme.tenant_id) == []


def test_who_tells_too_often_waits(acme: Acme, teller: str) -> None:
    credential = api.resolve_credential(teller, at=clock.now())
    assert credential is not None
    for _ in range(LIMIT.attempts):
        charge(bucket=f"signals:{acme.tenant_id}:{credential.id}", limit=LIMIT, at=clock.now())
    answer = tell(teller, one())
    assert answer.status_code == 429
    assert answer["Retry-After"]


def test_only_who_may_tells_and_only_of_their_own_tenant(acme: Acme, globex: Acme, teller: str) -> None:
    bobs = acme.assert_bob(clock.now())
    alices, alices_secret = acme.sign_in_alice(clock.now())
    assert tell(acme.secret, one()).status_code == 403
    assert tell(alices_secret, one()).status_code == 403, "nobody tells of people in their own name"
    assert tell(teller, one(), tenant="globex").status_code == 404
    assert signals(globex.tenant_id) == []
    whose = {"session": bobs.handle, "is_mine": True}
    assert call("POST", "/v1/risk/feedback", whose, secret=alices_secret).status_code in {401, 404}
    vendors = key(licensing.VENDOR_TENANT_ID, Verb.RISK_SIGNAL)
    assert tell(vendors, one(), tenant="globex").json() == {"taken": 1, "ignored": 0}
    assert len(signals(globex.tenant_id)) == 1
    assert alices.tenant_id == acme.tenant_id


def test_where_the_engine_is_off_nothing_is_kept(acme: Acme, teller: str) -> None:
    risk.put_policy(tenant_id=acme.tenant_id, mode="off", by="test", at=clock.now())
    assert tell(teller, one(), one(2, "sign_in_failed")).json() == {"taken": 0, "ignored": 2}
    assert signals(acme.tenant_id) == []


def vouched(acme: Acme, looks: dict[str, Any]) -> api.Session:
    return acme.assert_bob(clock.now(), origin=api.Origin(**looks))


def test_what_was_the_persons_own_is_learned_once(acme: Acme, teller: str) -> None:
    at_home(acme.tenant_id, ("user", "bob"))
    far_is(acme.tenant_id, "medium")
    session = vouched(acme, FAR)
    for _ in range(2):
        answer = call("POST", "/v1/risk/feedback", {"session": session.handle, "is_mine": True}, secret=teller)
        assert answer.status_code == 204, answer.content
    (confirmed,) = signals(acme.tenant_id, kind="confirmed_mine")
    assert (confirmed.trust, confirmed.network) == (0.25, "198.51.100.0/24")
    with tenant_transaction(acme.tenant_id):
        (told,) = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.RISK_CONFIRMED])
        assert SessionRow.objects.get(id=session.id).revoked_at is None
    assert (told.payload["band"], told.payload["by"]) == ("medium", "credential:teller")


def test_what_was_not_is_ended_and_learned_no_further(acme: Acme, teller: str) -> None:
    session = vouched(acme, FAR)
    assert [one.trust for one in signals(acme.tenant_id)] == [0.25]
    answer = call("POST", "/v1/risk/feedback", {"session": session.handle, "is_mine": False}, secret=teller)
    assert answer.status_code == 204, answer.content
    assert sorted((one.kind, one.trust) for one in signals(acme.tenant_id)) == [
        ("confirmed_not_mine", 0.0),
        ("sign_in", 0.0),
    ]
    with tenant_transaction(acme.tenant_id):
        assert SessionRow.objects.get(id=session.id).revoked_at is not None
    risk.forget_assessments()
    found = risk.assess(
        tenant_id=acme.tenant_id,
        subject=("user", "bob"),
        session_id=None,
        seen=risk.seen_of(risk.told(**FAR), zone=None, at=clock.now()),
        at=clock.now(),
    )
    assert any(one.code == risk.FIRST_TIME for one in found.reasons), "as if it had not been"


def test_nobody_speaks_of_what_nobody_saw(acme: Acme, teller: str) -> None:
    session = acme.assert_bob(clock.now())
    answer = call("POST", "/v1/risk/feedback", {"session": session.handle, "is_mine": True}, secret=teller)
    assert (answer.status_code, answer.json()["code"]) == (404, "look_not_found")
    own = Client(headers={"User-Agent": HOME["user_agent"]}).post(
        "/v1/sign-in",
        {"tenant": "acme", "username": "alice", "password": PASSWORD},
        content_type="application/json",
    )
    answer = call("POST", "/v1/risk/feedback", {"session": own.json()["session"], "is_mine": True}, secret=teller)
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found"), "nobody vouched for it"
    answer = call("POST", "/v1/risk/feedback", {"session": "ses_0", "is_mine": True}, secret=teller)
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


def test_a_person_speaks_of_their_own_after_showing_the_most_that_they_can(acme: Acme) -> None:
    browser = Client(headers={"User-Agent": HOME["user_agent"]})
    named = {"tenant": "acme", "username": "alice", "password": PASSWORD}
    secret = browser.post("/v1/sign-in", named, content_type="application/json").json()["secret"]
    other = browser.post("/v1/sign-in", named, content_type="application/json").json()["session"]
    answer = call("POST", "/v1/risk/feedback", {"session": other, "is_mine": True}, secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (401, "step_up_required"), "it weighs like a factor"
    assert signals(acme.tenant_id, kind="confirmed_mine") == []


def test_a_person_who_has_just_confirmed_says_what_was_theirs_and_what_was_not(acme: Acme) -> None:
    browser = Client(headers={"User-Agent": HOME["user_agent"]})
    named = {"tenant": "acme", "username": "alice", "password": PASSWORD}
    began = [browser.post("/v1/sign-in", named, content_type="application/json").json() for _ in range(3)]
    own, other, strange = (one["session"] for one in began)
    secret = began[0]["secret"]

    def say(session: str, *, is_mine: bool) -> Any:
        return call("POST", "/v1/risk/feedback", {"session": session, "is_mine": is_mine}, secret=secret)

    asked = {"decision_id": say(other, is_mine=True).json()["challenge"]["decision_id"]}
    opened = call("POST", "/step-up/challenges", asked, secret=secret).json()
    shown = {"method": "totp", "code": code(ALICES_SECRET, clock.now())}
    passed = call("POST", f"/step-up/challenges/{opened['challenge_id']}/verify", shown, secret=secret)
    assert passed.json()["state"] == "passed", passed.content
    assert say(other, is_mine=True).status_code == 204
    (confirmed,) = signals(acme.tenant_id, kind="confirmed_mine")
    assert (confirmed.trust, confirmed.session_id) == (0.5, parse_session_handle(other)), "as much as a second factor"
    assert say(strange, is_mine=False).status_code == 204
    assert say(vouched(acme, HOME).handle, is_mine=False).json()["code"] == "session_not_found", "it is Bob's"
    with tenant_transaction(acme.tenant_id):
        over = SessionRow.objects.filter(revoked_at__isnull=False)
        assert [session_handle(one.id) for one in over] == [strange]
        (told,) = audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[audit.api.Kind.RISK_DISOWNED])
    assert told.payload["by"] == "account:alice"
    assert call("GET", "/v1/me", secret=secret).json()["session"] == own


def owner(acme: Acme, role: str) -> str:
    """Give the secret of somebody with a role and a fresh password."""
    at = clock.now()
    api.put_user(subject_id="olga", password=PASSWORD, at=at - timedelta(days=1))
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="olga", roles=[role], by="test", at=at
    )
    _session, secret = api.sign_in_with_password(
        tenant_id=acme.tenant_id, username="olga", password=PASSWORD, network="192.0.2.1", at=at
    )
    return secret


def test_a_tenant_reads_its_policy_and_changes_part_of_it(acme: Acme, globex: Acme) -> None:
    writer = key(acme.tenant_id, Verb.RISK_READ, Verb.RISK_WRITE, name="ops")
    before = call("GET", "/v1/risk/policy", secret=writer).json()
    assert (before["mode"], before["table"]["high"]["standard"]) == ("enforce", {"level": "aal2", "max_age": 900})
    table = {"high": dict.fromkeys(("standard", "premium", "regulated"), HIGH)}
    table["critical"] = dict.fromkeys(("standard", "premium", "regulated"), LATER)
    after = call("PUT", "/v1/risk/policy", {"table": table}, secret=writer).json()
    assert (after["mode"], after["table"]["high"]["standard"]) == ("enforce", HIGH)
    assert call("PUT", "/v1/risk/policy", {"mode": "observe"}, secret=writer).json()["table"] == after["table"]
    assert call("PUT", "/v1/risk/policy", {"table": {}}, secret=writer).json()["table"] == before["table"]
    assert risk.get_policy(tenant_id=globex.tenant_id).mode == "enforce"
    assert call("PUT", "/v1/risk/policy", {"mode": "off", "tenant": "globex"}, secret=writer).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "loud"}, {"table": {"high": {"standard": {"level": "aal9"}}}}, {"table": {"high": {"regulated": None}}}],
)
def test_a_policy_with_a_mistake_changes_nothing(acme: Acme, wrong: Any) -> None:
    writer = key(acme.tenant_id, Verb.RISK_READ, Verb.RISK_WRITE, name="ops")
    answer = call("PUT", "/v1/risk/policy", wrong, secret=writer)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid", "risk_policy_refused"}
    assert risk.get_policy(tenant_id=acme.tenant_id) == risk.RiskPolicy()


@pytest.mark.parametrize(("role", "status"), [("owner", 401), ("admin", 401), ("auditor", 403), ("member", 403)])
def test_less_is_asked_of_everybody_only_by_who_may_after_a_second_factor(acme: Acme, role: str, status: int) -> None:
    answer = call("PUT", "/v1/risk/policy", {"mode": "off"}, secret=owner(acme, role))
    assert answer.status_code == status
    assert risk.get_policy(tenant_id=acme.tenant_id).mode == "enforce"
