"""Which rules, kept as files, ask for more than the catalogue does? Pure: texts in; answers, or errors with places, out.

It needs the extra ``policy`` (CEL, YAML): nothing else of the kernel imports it.
"""

from tiergate.policy.applying import is_of_policy, with_bundle, without_bundle
from tiergate.policy.bundle import About, Bundle, Judged, Verdict
from tiergate.policy.compiling import compile_bundle
from tiergate.policy.errors import BundleRefused, PolicyError
from tiergate.policy.explaining import Explained, explain
from tiergate.policy.from_facts import request_of
from tiergate.policy.request import Request
from tiergate.policy.rules import Rule
from tiergate.policy.schema import FIELDS, FUNCTIONS, MACROS, Field, Kind
from tiergate.policy.trying import Trial, try_bundle

__all__ = [
    "FIELDS",
    "FUNCTIONS",
    "MACROS",
    "About",
    "Bundle",
    "BundleRefused",
    "Explained",
    "Field",
    "Judged",
    "Kind",
    "PolicyError",
    "Request",
    "Rule",
    "Trial",
    "Verdict",
    "compile_bundle",
    "explain",
    "is_of_policy",
    "request_of",
    "try_bundle",
    "with_bundle",
    "without_bundle",
]
