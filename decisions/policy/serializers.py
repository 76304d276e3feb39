"""What the doors of rules take and give."""

from typing import Any, Final

from rest_framework import serializers

from decisions.models import PlanStatus
from decisions.policy.changes import OF_A_BUNDLE, WITHDRAW
from decisions.policy.plans import DEFAULT_DAYS, MAX_DAYS
from decisions.policy.stage import ALL, Mode
from decisions.strict import StrictBody
from tiergate.policy import limits

MODES: Final = [*OF_A_BUNDLE, WITHDRAW]
PLAN_STATUSES: Final = PlanStatus.values
_DIGEST: Final = f"^{limits.DIGEST}$"
_MAX_NAME: Final = 100
_MAX_TENANTS: Final = 200
_MAX_PATH: Final = 200
_MAX_SAID: Final = 500


class SaidField(serializers.CharField):
    """A line that people read in histories, pages and terminals: all of it can be seen, and none of it moves a cursor."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse what is no text, and marks, line ends and escapes in one that is."""
        text: str = super().to_internal_value(data)
        if not text.isprintable():
            raise serializers.ValidationError("This is one line, of characters that can be seen.")
        return text


class SignatureBody(StrictBody):
    """Who publishes a bundle, and their Ed25519 signature of its digest."""

    publisher = SaidField(max_length=_MAX_NAME)
    value = serializers.CharField(max_length=_MAX_NAME, help_text="Base64.")


class SourceBody(StrictBody):
    """Where a bundle stands in git, as whoever stores it says."""

    repository = SaidField(max_length=_MAX_SAID)
    commit = SaidField(max_length=_MAX_NAME)
    author = SaidField(max_length=_MAX_SAID, allow_blank=True, default="")


class BundleBody(StrictBody):
    """A bundle to store."""

    files = serializers.DictField(
        child=serializers.CharField(max_length=limits.MAX_FILE, trim_whitespace=False, allow_blank=True),
        help_text="Text by path within the bundle's folder, such as `rules/exports.yaml`.",
    )
    signature = SignatureBody(required=False, allow_null=True, default=None)
    source = SourceBody(required=False, allow_null=True, default=None)  # type: ignore[assignment]  # declared fields are taken off the class

    def validate_files(self, value: dict[str, str]) -> dict[str, str]:
        """Refuse more files than a bundle has, and names that none has."""
        if len(value) > limits.MAX_FILES or any(len(path) > _MAX_PATH for path in value):
            raise serializers.ValidationError(
                f"A bundle has at most {limits.MAX_FILES} files, with names of at most {_MAX_PATH} characters."
            )
        return value


class ActivationBody(StrictBody):
    """A change of which rules are in force.

    digest: null, with `active`: no rules at all. tenants, percent: whom a candidate is for.
    """

    digest = serializers.RegexField(_DIGEST, allow_null=True, required=False, default=None)
    mode = serializers.ChoiceField(choices=MODES)
    tenants = serializers.ListField(
        child=serializers.CharField(max_length=_MAX_NAME),
        max_length=_MAX_TENANTS,
        default=list,
        help_text="Of a candidate: for these tenants, by slug or id.",
    )
    percent = serializers.IntegerField(
        min_value=0,
        max_value=ALL,
        required=False,
        allow_null=True,
        default=None,
        help_text="Of a candidate: for this share of all tenants. `shadow` that names nobody is for all of them.",
    )
    expected = serializers.RegexField(
        _DIGEST,
        required=False,
        allow_null=True,
        help_text="Change it only where this bundle is active; null: where none is.",
    )
    because = SaidField(max_length=_MAX_SAID, help_text="Why, for the history.")


class RollbackBody(StrictBody):
    """A way back to what was active before."""

    expected = serializers.RegexField(
        _DIGEST,
        required=False,
        allow_null=True,
        help_text="Go back only where this bundle is active; null: where none is.",
    )
    because = SaidField(max_length=_MAX_SAID, help_text="Why, for the history.")


class PlanBody(StrictBody):
    """What to try a bundle on."""

    digest = serializers.RegexField(_DIGEST)
    days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, default=DEFAULT_DAYS, help_text="Of recorded decisions."
    )


class PolicyReplayBody(StrictBody):
    """Which recorded decisions to make again."""

    days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, default=DEFAULT_DAYS, help_text="Of recorded decisions."
    )


class ActiveAnswer(serializers.Serializer[Any]):
    """The bundle that is active, and since when."""

    digest = serializers.CharField()
    name = serializers.CharField()
    activated_at = serializers.DateTimeField()
    by = serializers.CharField()
    because = serializers.CharField()


class CandidateAnswer(serializers.Serializer[Any]):
    """A bundle beside the active one. percent: of all tenants, besides those that are named."""

    digest = serializers.CharField()
    name = serializers.CharField()
    mode = serializers.ChoiceField(choices=[Mode.SHADOW.value, Mode.STAGED.value])
    tenants = serializers.ListField(child=serializers.CharField())
    percent = serializers.IntegerField()


class StageAnswer(serializers.Serializer[Any]):
    """Which rules are in force."""

    active = ActiveAnswer(allow_null=True)
    candidate = CandidateAnswer(allow_null=True)


class FindingAnswer(serializers.Serializer[Any]):
    """What became of one promise."""

    invariant = serializers.CharField()
    outcome = serializers.CharField(help_text="`proved`, or `unproved` where somebody waives it.")
    reason = serializers.CharField(allow_blank=True)


class GivenUpAnswer(serializers.Serializer[Any]):
    """A promise of the bundle in force that a bundle says it does not make."""

    promise = serializers.CharField()
    owner = serializers.CharField(help_text="Whose word it is.")
    until = serializers.DateField(help_text="The last day on which it counts.")
    because = serializers.CharField()


class WaivedAnswer(GivenUpAnswer):
    """A promise that is not proved, and stands on somebody's word."""


class StoredAnswer(serializers.Serializer[Any]):
    """A bundle that is stored. rules, invariants, cases: how many."""

    digest = serializers.CharField()
    name = serializers.CharField()
    rules = serializers.IntegerField()
    invariants = serializers.IntegerField()
    cases = serializers.IntegerField()
    findings = FindingAnswer(many=True)
    given_up = GivenUpAnswer(many=True)
    waives = WaivedAnswer(many=True)
    signed_by = serializers.CharField(allow_null=True)
    is_new = serializers.BooleanField()


class SourceAnswer(serializers.Serializer[Any]):
    """Where a bundle stood in git, as whoever stored it said."""

    repository = serializers.CharField()
    commit = serializers.CharField()
    author = serializers.CharField(allow_blank=True)


class BundleAnswer(serializers.Serializer[Any]):
    """A bundle as it was stored."""

    digest = serializers.CharField()
    name = serializers.CharField()
    stored_at = serializers.DateTimeField()
    stored_by = serializers.CharField()
    signed_by = serializers.ListField(child=serializers.CharField())
    source = SourceAnswer(allow_null=True)  # type: ignore[assignment]  # as above
    rules = serializers.IntegerField(
        allow_null=True, help_text="How many; null: it was stored before they were counted."
    )


class BundleFilesAnswer(BundleAnswer):
    """A bundle with its files, text by path."""

    files = serializers.DictField(child=serializers.CharField())


class BundlesAnswer(serializers.Serializer[Any]):
    """A page of bundles, the newest first; ``next`` goes into ``cursor``."""

    items = BundleAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class ActivationAnswer(serializers.Serializer[Any]):
    """One change of which rules are in force. digest: of what it made active, or of the candidate."""

    number = serializers.IntegerField()
    sentence = serializers.CharField()
    digest = serializers.CharField(allow_null=True)
    mode = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    because = serializers.CharField()
    gives_up = serializers.ListField(
        child=serializers.CharField(), help_text="Promises of what was in force that are made no more."
    )
    waives = WaivedAnswer(many=True)


class ActivationsAnswer(serializers.Serializer[Any]):
    """A page of changes, the newest first; ``next`` goes into ``cursor``."""

    items = ActivationAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class PlanAnswer(serializers.Serializer[Any]):
    """What a bundle would have done to recorded decisions, or how far finding out has come."""

    id = serializers.CharField()
    status = serializers.ChoiceField(choices=PLAN_STATUSES)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    report = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False)
    markdown = serializers.CharField(required=False)
    why = serializers.CharField(required=False, help_text="Why it failed.")


class PolicyReplayAnswer(serializers.Serializer[Any]):
    """What recorded decisions come out as when they are made again, or how far finding out has come."""

    id = serializers.CharField()
    status = serializers.ChoiceField(choices=PLAN_STATUSES)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    report = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="`is_same`: nothing came out otherwise, was left out, or is unsure.",
    )
    lines = serializers.ListField(child=serializers.CharField(), required=False, help_text="The report for people.")
    why = serializers.CharField(required=False, help_text="Why it failed.")
