"""What people are told by e-mail: once at least, whatever becomes of a worker or a mail server."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from authlevels import notice_sending
from authlevels.models import Notice, User
from authlevels.notices import NoticeKind, notify
from isolation.api import tenant_transaction
from tests.authlevels.acme import NOON, Acme, later

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sweep"])


@pytest.fixture
def waiting(acme: Acme, settings: Any) -> Acme:
    """A notice to Alice that waits."""
    settings.MAIL_IS_CONFIGURED = True
    with tenant_transaction(acme.tenant_id):
        alice = User.objects.get(subject_id="alice")
        name = "Phone\nBcc: everybody@example.org"
        notify(tenant_id=acme.tenant_id, user=alice, kind=NoticeKind.FACTOR_ADDED, factor="totp", name=name, at=NOON)
        notify(tenant_id=acme.tenant_id, user=User.objects.get(subject_id="bob"), kind=NoticeKind.UNLOCKED, at=NOON)
    return acme


def test_a_notice_is_sent_to_its_person_and_not_again(waiting: Acme) -> None:
    assert [notice_sending.send_notices(at=later(second)) for second in (1, 2)] == [1, 0]
    (sent,) = mail.outbox
    assert sent.to == ["alice@acme.example"]
    assert "The authenticator app “Phone Bcc: everybody@example.org” was added" in sent.body
    assert "2026-11-22 12:00 UTC" in sent.body
    assert notice_sending.forget_notices(at=NOON + timedelta(days=31)) == 1


def test_a_mail_server_that_is_away_is_asked_again_later_each_time(waiting: Acme, settings: Any) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 9},
        }
    }
    tries = [notice_sending.send_notices(at=later(second)) for second in (1, 2, 32, 33)]
    assert tries == [0, 0, 0, 0]
    with tenant_transaction(waiting.tenant_id):
        row = Notice.objects.get()
        assert (row.attempts, row.next_try_at) == (2, later(92))
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    assert notice_sending.send_notices(at=later(92)) == 1


def test_what_a_dead_worker_was_sending_is_sent_by_another_one_after_its_lease(waiting: Acme) -> None:
    with tenant_transaction(waiting.tenant_id):
        Notice.objects.update(leased_until=later(120), attempts=1)
    assert notice_sending.send_notices(at=later(60)) == 0
    assert notice_sending.send_notices(at=later(121)) == 1


def test_without_a_mail_server_notices_wait(waiting: Acme, settings: Any) -> None:
    settings.MAIL_IS_CONFIGURED = False
    assert notice_sending.send_notices(at=later(1)) == 0
    with tenant_transaction(waiting.tenant_id):
        assert Notice.objects.get().attempts == 0


def test_what_no_server_takes_is_given_up_in_the_end(waiting: Acme, settings: Any) -> None:
    good = settings.MAILERS
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 9},
        }
    }
    with tenant_transaction(waiting.tenant_id):
        Notice.objects.update(attempts=notice_sending.TRIES - 1)
    assert notice_sending.send_notices(at=later(1)) == 0
    settings.MAILERS = good
    assert notice_sending.send_notices(at=NOON + timedelta(days=2)) == 0
