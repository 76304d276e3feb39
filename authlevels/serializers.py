"""What the HTTP doors of this room take and give."""

from datetime import UTC, datetime
from typing import Any, Final

from rest_framework import serializers

from authlevels.client_address import strict_address
from authlevels.methods import ChallengeMethod
from authlevels.models import TotpDevice
from authlevels.models.policy import LONGEST
from authlevels.policy import MOST_FAILURES
from riskengine.api import LONGEST_AGENT, LONGEST_TOKEN
from tiergate import MAX_BATCH

LONGEST_ID: Final = 255
"""Characters of a subject's id."""
CHALLENGE_STATES: Final = ["open", "passed", "refused", "closed"]

_NEEDED: Final = {
    ChallengeMethod.TOTP: "code",
    ChallengeMethod.PASSWORD: "password",
    ChallengeMethod.PASSKEY: "credential",
}

_EPOCH_END: Final = 253402300799
"""The last second of the year 9999, as seconds since 1970."""


class InstantField(serializers.DateTimeField):
    """An instant as ISO 8601 text with a zone, or as OIDC writes it: seconds since 1970."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return an aware instant.

        :raises ValidationError: it is none.
        """
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not 0 <= value <= _EPOCH_END:
                raise serializers.ValidationError("This number of seconds is no instant.")
            return datetime.fromtimestamp(value, UTC)
        return super().to_internal_value(value)


class AddressField(serializers.CharField):
    """An IPv4 or IPv6 address."""

    def to_internal_value(self, data: Any) -> str:
        """Return the address in its plain form.

        :raises ValidationError: it is none.
        """
        address = strict_address(super().to_internal_value(data))
        if address is None:
            raise serializers.ValidationError("This is no IP address.")
        return address


class SentField(serializers.CharField):
    """What the person's own program sent, which a product passes on: read as far as anybody reads it, and no mistake of the product's.

    longest: characters that are taken; nobody makes a body be refused by sending more, or what no table takes.
    """

    def __init__(self, *, longest: int, allow_null: bool = True, **more: Any) -> None:
        super().__init__(allow_blank=True, allow_null=allow_null, trim_whitespace=False, **more)
        self.longest = longest

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return what is read of the text."""
        return super().run_validation(data[: self.longest].replace("\x00", "\ufffd") if isinstance(data, str) else data)


class SignInRequest(serializers.Serializer[Any]):
    """A name and a password for a tenant."""

    tenant = serializers.CharField(max_length=64)
    username = serializers.CharField(max_length=255)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class SignInAnswer(serializers.Serializer[Any]):
    """A new session; its secret is shown this once. device_token: to be kept by the device, and shown from now on."""

    session = serializers.CharField()
    secret = serializers.CharField()
    expires_at = serializers.DateTimeField()
    device_token = serializers.CharField()


class SubjectField(serializers.Serializer[Any]):
    """A subject by the product's own type and id."""

    type = serializers.CharField(max_length=64, default="user")
    id = serializers.CharField(max_length=LONGEST_ID)


class AssertRequest(serializers.Serializer[Any]):
    """What a product says of a person whom it has signed in."""

    subject = SubjectField()
    amr = serializers.ListField(child=serializers.CharField(max_length=32), min_length=1, max_length=16)
    auth_time = InstantField()
    idp = serializers.CharField(max_length=255)
    ip = AddressField(required=False, allow_null=True, default=None)
    user_agent = SentField(longest=LONGEST_AGENT, required=False, default=None)
    device = serializers.CharField(required=False, allow_blank=True, max_length=255, default="")
    device_token = SentField(longest=LONGEST_TOKEN, required=False)
    expires_at = InstantField(required=False, allow_null=True, default=None)


class SessionAnswer(serializers.Serializer[Any]):
    """A session by its handle."""

    session = serializers.CharField()
    subject = SubjectField()
    expires_at = serializers.DateTimeField()


class AssertedAnswer(SessionAnswer):
    """A session by its handle, and the token by which the person's device is known again, where one was asked for."""

    device_token = serializers.CharField(required=False)


class ProofAnswer(serializers.Serializer[Any]):
    """One act of authentication that counts."""

    method = serializers.CharField()
    at = serializers.DateTimeField()
    issuer = serializers.CharField()
    scope = serializers.CharField()


class FactorAnswer(serializers.Serializer[Any]):
    """Something enrolled."""

    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    is_usable = serializers.BooleanField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    capped_until = serializers.DateTimeField(allow_null=True)
    codes_left = serializers.IntegerField(allow_null=True)


class FactorList(serializers.Serializer[Any]):
    """What a person has enrolled."""

    items = FactorAnswer(many=True)


class MeAnswer(SessionAnswer):
    """The caller's own session, with the level that its session-wide proofs reach."""

    tenant = serializers.CharField()
    level = serializers.CharField()
    proofs = ProofAnswer(many=True)
    factors = FactorAnswer(many=True)


class EnrolmentRequest(serializers.Serializer[Any]):
    """A name by which the person knows the device, and what of theirs it replaces.

    algorithm: SHA1 is what every authenticator app knows. replaces: a factor's id.
    """

    name = serializers.CharField(max_length=64, required=False, default="Authenticator app")
    algorithm = serializers.ChoiceField(choices=TotpDevice.Algorithm.values, required=False, default="SHA1")
    replaces = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class NameRequest(serializers.Serializer[Any]):
    """The name by which the person knows a factor."""

    name = serializers.CharField(max_length=64)


class EnrolmentAnswer(serializers.Serializer[Any]):
    """What an authenticator app needs; shown this once."""

    id = serializers.CharField()
    otpauth_uri = serializers.CharField()
    secret = serializers.CharField()
    qr_svg = serializers.CharField()


class NotReadyAnswer(serializers.Serializer[Any]):
    """A member whose factors do not reach the plan's level; ``due``: from when on it is asked of them everywhere."""

    subject = SubjectField()
    display_name = serializers.CharField(allow_blank=True)
    since = serializers.DateTimeField(allow_null=True)
    due = serializers.DateTimeField(allow_null=True)


class ReadinessAnswer(serializers.Serializer[Any]):
    """How many active members could show what the plan asks for, and who could not, 500 at most."""

    level = serializers.CharField()
    ready = serializers.IntegerField()
    members = serializers.IntegerField()
    not_ready = NotReadyAnswer(many=True)


class PolicyBody(serializers.Serializer[Any]):
    """A tenant's step-up policy; what is left out stays. Spans in seconds."""

    max_failures = serializers.IntegerField(min_value=1, max_value=MOST_FAILURES, required=False)
    new_factor_cooldown = serializers.IntegerField(min_value=0, max_value=LONGEST, required=False)
    enrolment_grace = serializers.IntegerField(min_value=0, max_value=LONGEST, required=False)
    allow_impersonation = serializers.BooleanField(required=False)


class PolicyAnswer(serializers.Serializer[Any]):
    """The whole of a tenant's step-up policy."""

    max_failures = serializers.IntegerField()
    new_factor_cooldown = serializers.IntegerField()
    enrolment_grace = serializers.IntegerField()
    allow_impersonation = serializers.BooleanField()


class ReplacementRequest(serializers.Serializer[Any]):
    """A name by which the person knows the device that stands in the place of a lost one."""

    name = serializers.CharField(max_length=64, required=False, default="Authenticator app")
    algorithm = serializers.ChoiceField(choices=TotpDevice.Algorithm.values, required=False, default="SHA1")


class RecoveryCodesAnswer(serializers.Serializer[Any]):
    """A new list of recovery codes, each good for once; shown this once."""

    codes = serializers.ListField(child=serializers.CharField())


class RecoveryRequest(serializers.Serializer[Any]):
    """A recovery code; case, spaces and hyphens do not matter."""

    code = serializers.CharField(max_length=64)


class RecoveryAnswer(serializers.Serializer[Any]):
    """Until when this session may enrol one replacement, and how many codes are left."""

    expires_at = serializers.DateTimeField()
    codes_left = serializers.IntegerField()


class PasswordRequest(serializers.Serializer[Any]):
    """The present password and the one to come."""

    current = serializers.CharField(max_length=1024, trim_whitespace=False)
    new = serializers.CharField(max_length=1024, trim_whitespace=False)


class SecretAnswer(serializers.Serializer[Any]):
    """The session's new secret, shown this once."""

    secret = serializers.CharField()


class CodeRequest(serializers.Serializer[Any]):
    """A one-time code."""

    code = serializers.CharField(max_length=16)


class PasskeyOptions(serializers.Serializer[Any]):
    """What the browser is to ask its authenticators; the members are WebAuthn's own (Level 3, sections 5.4 and 5.5)."""

    publicKey = serializers.JSONField()  # noqa: N815 - as browsers call it


class PasskeyRequest(serializers.Serializer[Any]):
    """What ``navigator.credentials.create`` gave, by its ``toJSON``, and a name by which the person knows it."""

    credential = serializers.DictField()
    name = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class BatchRequest(serializers.Serializer[Any]):
    """How many such things to confirm at once."""

    items = serializers.IntegerField(min_value=2, max_value=MAX_BATCH)


class OpenRequest(serializers.Serializer[Any]):
    """The refusal to answer, and where the browser goes afterwards.

    batch: up to so many at once, where the catalogue allows it.
    tenant: only for a vendor-wide credential.
    """

    decision_id = serializers.CharField(max_length=64)
    batch = BatchRequest(required=False)
    return_to = serializers.CharField(max_length=2048, required=False, allow_blank=True, default="")
    state = serializers.CharField(max_length=512, required=False, allow_blank=True, default="")
    tenant = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class ChallengeAnswer(serializers.Serializer[Any]):
    """A challenge as it stands."""

    challenge_id = serializers.CharField()
    state = serializers.ChoiceField(choices=CHALLENGE_STATES)
    expires_at = serializers.DateTimeField()
    methods = serializers.ListField(child=serializers.CharField())
    display = serializers.JSONField()
    elevation_id = serializers.CharField(required=False)


class OpenedAnswer(ChallengeAnswer):
    """An opened challenge with the address to send the browser to, where a page of ours can answer."""

    url = serializers.CharField(required=False)
    user_code = serializers.CharField(required=False)
    number = serializers.IntegerField(required=False)
    verification_uri = serializers.CharField(required=False)
    verification_uri_complete = serializers.CharField(required=False)
    interval = serializers.IntegerField(required=False)


class PollAnswer(serializers.Serializer[Any]):
    """What was confirmed elsewhere."""

    state = serializers.ChoiceField(choices=CHALLENGE_STATES)
    elevation_id = serializers.CharField()
    scope = serializers.CharField()
    level = serializers.CharField()
    expires_at = serializers.DateTimeField()


class VerifyRequest(serializers.Serializer[Any]):
    """What the person shows: a ``code`` for totp, a ``password`` for password, a ``credential`` for passkey.

    credential: what ``navigator.credentials.get`` gave, by its ``toJSON``.
    """

    method = serializers.ChoiceField(choices=[one.value for one in ChallengeMethod])
    code = serializers.CharField(max_length=16, required=False)
    password = serializers.CharField(max_length=1024, required=False, trim_whitespace=False)
    credential = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check that what the method needs is there.

        :raises ValidationError: it is not.
        """
        method = ChallengeMethod(attrs["method"])
        needed = _NEEDED[method]
        if needed not in attrs:
            raise serializers.ValidationError({needed: "This field is required for the method."})
        takes = "credential" if method == ChallengeMethod.PASSKEY else "code"
        return {"method": method, takes: attrs[needed]}


class VerifyAnswer(serializers.Serializer[Any]):
    """What a right proof leaves: an elevation, or what the challenge still misses."""

    state = serializers.ChoiceField(choices=CHALLENGE_STATES)
    elevation_id = serializers.CharField(required=False)
    scope = serializers.CharField(required=False)
    level = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField()
    methods = serializers.ListField(child=serializers.CharField(), required=False)


class RedeemRequest(serializers.Serializer[Any]):
    """The code that the browser brought to ``return_to``."""

    code = serializers.CharField(max_length=64)


class RedeemAnswer(serializers.Serializer[Any]):
    """The elevation, which counts from now on."""

    state = serializers.ChoiceField(choices=CHALLENGE_STATES)
    elevation_id = serializers.CharField()
    scope = serializers.CharField()
    level = serializers.CharField()
    expires_at = serializers.DateTimeField()
