"""A program shows a code, its person confirms elsewhere, and it goes on: never by a guess, another, or a tired yes."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.test import Client

from authlevels import api as authlevels
from authlevels.device_codes import ALPHABET
from authlevels.models import AttemptCounter, DeviceCode
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, payment
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, World, code_at
from tests.decisions.test_others_have_to_agree import house, opened

__all__ = ["house"]


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]


@pytest.fixture
def people(house: World, _quick_passwords: None) -> World:
    """Olga and Paul sign in here; both may approve payments."""
    for name in ("olga", "paul"):
        authlevels.put_user(subject_id=name, password=PASSWORD, totp_secret=TOTP_SECRET, at=house.at)
        licensing.put_member(
            tenant_id=house.acme, subject_type="account", subject_id=name, roles=["member"], by="test", at=house.at
        )
    return house


def program(world: World, name: str = "olga") -> tuple[authlevels.Session, str]:
    return authlevels.sign_in_with_password(
        tenant_id=world.acme, username=name, password=PASSWORD, network="192.0.2.1", ip="192.0.2.9", at=clock.now()
    )


def browser(name: str = "olga") -> Client:
    """A browser in which a person has signed in."""
    client = Client()
    answer = client.post("/sign-in", {"tenant": "acme", "username": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.content
    return client


def waiting(client: Client, secret: str, name: str = "spare") -> Any:
    """Begin what needs a confirmation, as a program does; give the challenge with its code."""
    refused = ask(client, secret, {"name": name}, path="/v1/me/factors/totp", status=401)
    return ask(
        client, secret, {"decision_id": refused["challenge"]["decision_id"]}, path="/step-up/challenges", status=201
    )


def poll(client: Client, secret: str, challenge: str, *, status: int = 400) -> Any:
    return ask(client, secret, {}, path=f"/step-up/challenges/{challenge}/poll", status=status)


def forget_pace(world: World) -> None:
    with tenant_transaction(world.acme):
        DeviceCode.objects.update(polled_at=None)


def test_a_program_goes_on_once_its_person_has_confirmed_elsewhere(client: Client, people: World) -> None:
    _session, secret = program(people)
    begun = waiting(client, secret)
    assert set(begun["user_code"]) <= {*ALPHABET, "-"}
    assert begun["verification_uri"].endswith("/activate")
    assert poll(client, secret, begun["challenge_id"])["error"] == "authorization_pending"
    slow = poll(client, secret, begun["challenge_id"])
    assert (slow["error"], slow["interval"]) == ("slow_down", begun["interval"] + 5)
    mine = browser()
    path = f"/step-up/{begun['challenge_id']}"
    assert mine.get(path).status_code == 403
    page = mine.post("/activate", {"code": begun["user_code"].lower()})
    assert b"192.0.2.9" in page.content
    assert str(begun["number"]).encode() in page.content
    onward = mine.post("/activate", {"code": begun["user_code"], "number": begun["number"]})
    assert onward["Location"] == path
    assert mine.post(path, {"method": "totp", "code": code_at(clock.now())}).status_code == 200
    forget_pace(people)
    passed = poll(client, secret, begun["challenge_id"], status=200)
    assert passed["elevation_id"].startswith("elv_")
    ask(client, secret, {"name": "spare"}, path="/v1/me/factors/totp", status=409)


def test_the_code_is_of_use_to_nobody_else_and_not_where_it_began(client: Client, people: World) -> None:
    _session, secret = program(people)
    begun = waiting(client, secret)
    assert browser("paul").post("/activate", {"code": begun["user_code"]}).status_code == 400
    own, at = program(people)[0], clock.now()
    with tenant_transaction(people.acme):
        row = DeviceCode.objects.get()
    began_in = authlevels.resolve_session_secret(secret, at=at)
    assert began_in is not None
    for session in (began_in, program(people, "paul")[0]):
        with pytest.raises(authlevels.CodeUnknown):
            authlevels.find_activation(session=session, code=begun["user_code"], network="n", at=at)
    with pytest.raises(authlevels.CodeUnknown):
        authlevels.find_activation(session=own, code=begun["user_code"], network="n", at=row.expires_at)
    with pytest.raises(authlevels.ChallengeNotFound):
        authlevels.poll_challenge(ref=begun["challenge_id"], session=own, at=at)


def test_a_code_that_was_typed_confirms_what_it_is_of_and_nothing_else(client: Client, people: World) -> None:
    programs = [program(people) for _ in range(2)]
    begun, other = [waiting(client, secret) for _session, secret in programs]
    mine = browser()

    def typed(one: Any) -> int:
        return mine.post("/activate", {"code": one["user_code"], "number": one["number"]}).status_code

    def confirmed(one: Any) -> int:
        shown = {"method": "totp", "code": code_at(clock.now())}
        return mine.post(f"/step-up/{one['challenge_id']}", shown).status_code

    assert [typed(begun), typed(begun)] == [303, 400], "and it is typed once"
    assert mine.get(f"/step-up/{other['challenge_id']}").status_code == 403
    assert confirmed(begun) == 200
    for (session, secret), one, is_passed in zip(programs, (begun, other), (True, False), strict=True):
        presenter = authlevels.Presenter(session=session)
        shown = authlevels.show_challenge(ref=one["challenge_id"], presenter=presenter, at=clock.now())
        assert (shown.elevation_id != "") is is_passed
        heard = poll(client, secret, one["challenge_id"], status=200 if is_passed else 400)
        assert is_passed or heard["error"] == "authorization_pending", "each is heard of, and paced, for itself"
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
        assert [typed(other), confirmed(other)] == [303, 200]
        of_first = authlevels.Presenter(session=programs[0][0])
        left = authlevels.show_challenge(ref=begun["challenge_id"], presenter=of_first, at=clock.now()).elevation_id
        authlevels.end_elevation(ref=left, presenter=of_first, at=clock.now())
        assert poll(client, programs[0][1], begun["challenge_id"])["error"] == "expired_token"


def test_a_wrong_number_ends_it_for_good(client: Client, people: World) -> None:
    _session, secret = program(people)
    begun = waiting(client, secret)
    with tenant_transaction(people.acme):
        wrong = next(one for one in DeviceCode.objects.get().numbers if one != begun["number"])
    mine = browser()
    for number in (wrong, begun["number"]):
        assert mine.post("/activate", {"code": begun["user_code"], "number": number}).status_code == 400
    assert mine.get(f"/step-up/{begun['challenge_id']}").status_code == 403
    assert poll(client, secret, begun["challenge_id"])["error"] == "access_denied"


def test_a_number_that_was_pressed_twice_is_no_wrong_one(
    client: Client, people: World, superuser: psycopg.Connection
) -> None:
    _session, secret = program(people)
    begun = waiting(client, secret)
    mine = browser()
    superuser.execute(
        "CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        " UPDATE authlevels_device_code SET denied_at = created_at WHERE NEW.bucket LIKE 'user_code/number:%'; RETURN NEW;"
        " END $$; CREATE TRIGGER meanwhile AFTER INSERT ON authlevels_attempt_counter"
        " FOR EACH ROW EXECUTE FUNCTION meanwhile()"
    )
    try:
        answer = mine.post("/activate", {"code": begun["user_code"], "number": begun["number"]})
    finally:
        superuser.execute("DROP TRIGGER meanwhile ON authlevels_attempt_counter; DROP FUNCTION meanwhile()")
    assert (answer.status_code, b"There is no such code for you" in answer.content) == (400, True)
    assert AttemptCounter.objects.get(bucket__startswith="user_code/number:").failures == 0


def test_a_wrong_number_for_what_ended_just_then_is_answered_by_the_same_sentence(
    client: Client, people: World, superuser: psycopg.Connection
) -> None:
    _session, secret = program(people)
    begun = waiting(client, secret)
    with tenant_transaction(people.acme):
        wrong = next(one for one in DeviceCode.objects.get().numbers if one != begun["number"])
    mine = browser()
    superuser.execute(
        "CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        " UPDATE authlevels_session SET revoked_at = created_at WHERE id ="
        " (SELECT session_id FROM authlevels_challenge WHERE id = NEW.challenge_id); RETURN NEW; END $$;"
        " CREATE TRIGGER meanwhile AFTER UPDATE ON authlevels_device_code FOR EACH ROW EXECUTE FUNCTION meanwhile()"
    )
    try:
        answer = mine.post("/activate", {"code": begun["user_code"], "number": wrong})
    finally:
        superuser.execute("DROP TRIGGER meanwhile ON authlevels_device_code; DROP FUNCTION meanwhile()")
    assert answer.status_code == 400
    assert "That is not what the program shows." in answer.content.decode()


def test_wrong_numbers_count_together_over_all_codes_of_who_began(client: Client, people: World) -> None:
    refused = ask(client, people.acme_key, payment(1200, session=people.asserted()))
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    mine, answers = browser(), []
    for is_right in (False, True, False, False, True):
        begun = ask(client, people.acme_key, body, path="/step-up/approvals", status=201)
        with tenant_transaction(people.acme):
            wrong = next(one for one in DeviceCode.objects.get().numbers if one != begun["number"])
        number = begun["number"] if is_right else wrong
        answers.append(mine.post("/activate", {"code": begun["user_code"], "number": number}).status_code)
    assert answers == [400, 303, 400, 400, 429]


def test_guessing_codes_is_counted_over_all_sessions_of_a_person(client: Client, people: World) -> None:
    at = clock.now()
    for _ in range(10):
        with pytest.raises(authlevels.CodeUnknown):
            authlevels.find_activation(session=program(people)[0], code="BBBB-BBBB", network="192.0.2.1", at=at)
    with pytest.raises(authlevels.Throttled):
        authlevels.find_activation(session=program(people)[0], code="BBBB-BBBB", network="192.0.2.2", at=at)
    begun = waiting(client, program(people)[1])
    assert browser().post("/activate", {"code": begun["user_code"]}).status_code == 429


def test_a_right_code_gives_back_its_own_attempt_and_no_wrong_one(client: Client, people: World) -> None:
    """Whoever guesses has codes of their own, by which they would begin to count anew."""
    at, (guesser, _secret) = clock.now(), program(people)

    def typed(code: str) -> None:
        authlevels.find_activation(session=guesser, code=code, network="198.51.100.7", at=at)

    begun = waiting(client, program(people)[1])
    for _ in range(9):
        with pytest.raises(authlevels.CodeUnknown):
            typed("BBBB-BBBB")
    for _ in range(3):
        typed(begun["user_code"])
    networks = AttemptCounter.objects.filter(bucket="network:user_code:198.51.100.7")
    assert networks.get().failures == 9, "what was right costs the network nothing"
    with pytest.raises(authlevels.CodeUnknown):
        typed("BBBB-BBBB")
    with pytest.raises(authlevels.Throttled):
        typed(begun["user_code"])


def test_the_interval_grows_with_each_poll_that_comes_too_soon(client: Client, people: World) -> None:
    session, secret = program(people)
    begun, at = waiting(client, secret), clock.now()
    ref = begun["challenge_id"]
    with pytest.raises(authlevels.AuthorizationPending):
        authlevels.poll_challenge(ref=ref, session=session, at=at)
    with pytest.raises(authlevels.SlowDown):
        authlevels.poll_challenge(ref=ref, session=session, at=at + timedelta(seconds=4))
    with pytest.raises(authlevels.SlowDown):
        authlevels.poll_challenge(ref=ref, session=session, at=at + timedelta(seconds=13))
    with pytest.raises(authlevels.AuthorizationPending):
        authlevels.poll_challenge(ref=ref, session=session, at=at + timedelta(seconds=29))
    with pytest.raises(authlevels.ExpiredToken):
        authlevels.poll_challenge(ref=ref, session=session, at=at + timedelta(minutes=11))


def test_whoever_is_asked_too_often_is_asked_no_more(client: Client, people: World) -> None:
    for amount in range(5):
        opened(client, people, ask(client, people.acme_key, payment(amount, session=people.asserted())))
    refused = ask(client, people.acme_key, payment(99, session=people.asserted()))
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    throttled = ask(client, people.acme_key, body, path="/step-up/approvals", status=429)
    assert throttled["code"] == "throttled"
    other = ask(
        client,
        people.acme_key,
        payment(1, session=people.asserted("carol")) | {"subject": {"type": "user", "id": "carol"}},
    )
    opened(client, people, other)


def test_a_colleague_agrees_on_the_page_and_the_program_hears_of_it(client: Client, people: World) -> None:
    refused = ask(client, people.acme_key, payment(1200, session=people.asserted()))
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    begun = ask(client, people.acme_key, body, path="/step-up/approvals", status=201)
    path = f"/step-up/approvals/{begun['approval_id']}/poll"
    assert ask(client, people.acme_key, {}, path=path, status=400)["error"] == "authorization_pending"
    olga = browser()
    onward = olga.post("/activate", {"code": begun["user_code"], "number": begun["number"]})["Location"]
    assert b"<strong>1,200</strong>" in olga.get(onward).content
    step_up = olga.post(onward, {"answer": "grant"})["Location"]
    done = olga.post(step_up, {"method": "totp", "code": code_at(clock.now())})
    assert done.status_code == 303
    assert b"You have agreed" in olga.post(onward, {"answer": "grant"}).content
    paul = browser("paul")
    assert paul.post(onward, {"answer": "refuse"}).status_code == 200
    forget_pace(people)
    assert ask(client, people.acme_key, {}, path=path, status=400)["error"] == "access_denied"
    assert browser("paul").post(onward, {"answer": "grant"}).status_code == 409


@pytest.mark.parametrize("answer", ["grant", "refuse"])
def test_an_answer_that_cannot_be_taken_just_now_says_so_and_how_to_give_it_again(
    client: Client, people: World, superuser: psycopg.Connection, answer: str
) -> None:
    refused = ask(client, people.acme_key, payment(1200, session=people.asserted()))
    onward = f"/activate/{opened(client, people, refused)}"
    olga = browser()
    superuser.execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'no space is left' USING ERRCODE = 'disk_full'; END $$; CREATE TRIGGER full_disk"
        " BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    try:
        said = olga.post(onward, {"answer": answer})
    finally:
        superuser.execute("DROP TRIGGER full_disk ON audit_entry; DROP FUNCTION full_disk()")
    assert (said.status_code, said["Retry-After"]) == (503, "1")
    page = said.content.decode()
    assert "Try again in a moment" in page
    assert f'href="{onward}"' in page
    assert b"Do you agree?" in olga.get(onward).content


def test_the_page_asks_a_stranger_to_sign_in_first(client: Client, people: World) -> None:
    answer = client.get("/activate?code=BCDF-GHJK")
    assert answer["Location"] == "/sign-in?next=%2Factivate%3Fcode%3DBCDF-GHJK"
    assert b"BCDF-GHJK" in browser().get("/activate?code=BCDF-GHJK").content
