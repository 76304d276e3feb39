"""Does what a bundle promises hold of every request? Proved with Z3, or refuted by a request that the bundle itself is asked.

It needs the extra ``policy``: nothing else of the kernel imports it.
"""

from tiergate.policy.proving.factors import FACTORS
from tiergate.policy.proving.giving_up import GivenUp, given_up_by
from tiergate.policy.proving.invariants import Invariant, Waiver, read_invariants
from tiergate.policy.proving.verifying import Finding, Outcome, Report, verify

__all__ = [
    "FACTORS",
    "Finding",
    "GivenUp",
    "Invariant",
    "Outcome",
    "Report",
    "Waiver",
    "given_up_by",
    "read_invariants",
    "verify",
]
