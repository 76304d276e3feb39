"""What the notices say: plain text, and nothing in it that lets anybody do anything."""

from collections.abc import Mapping
from typing import Final

from authlevels.notices import NoticeKind

_FACTORS: Final = {
    "totp": "The authenticator app",
    "passkey": "The passkey",
    "recovery_codes": "The list of recovery codes",
    "password": "The password",
}
_SAID: Final[Mapping[NoticeKind, tuple[str, str]]] = {
    NoticeKind.FACTOR_ADDED: ("A new way to confirm was added", "{factor} was added to your account."),
    NoticeKind.FACTOR_REMOVED: ("A way to confirm was removed", "{factor} was removed from your account."),
    NoticeKind.FACTOR_RENAMED: ("A way to confirm was renamed", "{factor} of your account has this name now."),
    NoticeKind.FACTOR_DISABLED: (
        "A way to confirm was disabled",
        "{factor} is taken no further: too many wrong codes were tried in a row.",
    ),
    NoticeKind.FACTOR_CLONED: (
        "A passkey was disabled",
        "{factor} is taken no further: there seem to be two of it.",
    ),
    NoticeKind.RECOVERY_USED: (
        "A recovery code was used",
        "One of your recovery codes was used, and lets a lost way to confirm be replaced.",
    ),
    NoticeKind.PASSWORD_CHANGED: (
        "Your password was changed",
        "Your password was changed, and you were signed out everywhere else.",
    ),
    NoticeKind.UNLOCKED: (
        "Your account was unlocked",
        "An administrator ended the pause after wrong codes on your account.",
    ),
    NoticeKind.IMPERSONATED: (
        "Support acted in your name",
        "The vendor's support works in your name for a while. The reason given: {reason}",
    ),
    NoticeKind.SIGN_IN_BLOCKED: (
        "A sign-in with your password was stopped",
        "Somebody gave your password from where you do not usually sign in, and was not let in.",
    ),
    NoticeKind.ENROLMENT_ASKED: (
        "Please add another way to confirm",
        "{tenant} asks more of its people now than you could show with what is on your account: {level}.",
    ),
}
_LEVELS: Final = {
    "aal2": "a second factor, such as an authenticator app or a passkey",
    "aal3": "a security key that cannot be copied and checks who holds it",
}

_IF_NOT_YOU: Final = (
    "If this was you, there is nothing to do. If it was not, sign in at {where} and look at your factors and sessions, "
    "and tell your administrator."
)
_NEXT: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.IMPERSONATED: (
        "There is nothing to do if you asked for help. If you did not, sign in at {where}, look at your sessions, and tell "
        "your administrator, who can end it."
    ),
    NoticeKind.SIGN_IN_BLOCKED: (
        "If it was you, sign in at {where} from a device and a network that you usually use. If it was not, somebody knows your "
        "password: sign in from there and change it."
    ),
    NoticeKind.ENROLMENT_ASKED: (
        "Add it before {due}: {place}. From then on you are asked for it before anything else. Until then, only what needs "
        "it asks for it."
    ),
}
_PLACES: Final = {
    "": "sign in and go to {where}/account/security",
    "product": "there, where you look after how you sign in",
}


def written(kind: str, told: Mapping[str, str], *, when: str, where: str) -> tuple[str, str]:
    """Return subject and text of a notice.

    when: the instant, as people read it. where: the address of this site.
    :raises ValueError: there is no such notice.
    """
    subject, sentence = _SAID[NoticeKind(kind)]
    named = f" “{_line(told['name'])}”" if told.get("name") else ""
    factor = _FACTORS.get(told.get("factor", ""), "A way to confirm") + named
    said = sentence.format(
        factor=factor,
        reason=_line(told.get("reason", "")),
        tenant=_line(told.get("tenant", "")),
        level=_LEVELS.get(told.get("level", ""), "a stronger way to confirm"),
    )
    place = _PLACES[told.get("realm", "")].format(where=where)
    then = _NEXT.get(NoticeKind(kind), _IF_NOT_YOU).format(where=where, due=told.get("due", ""), place=place)
    return subject, f"{said}\n\nWhen: {when}\n\n{then}\n"


def _line(text: str) -> str:
    """Keep what somebody else chose on one line, and short."""
    return "".join(one if one.isprintable() else " " for one in text)[:200]
