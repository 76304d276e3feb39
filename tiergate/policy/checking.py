"""All that is wrong with a bundle at once, for whoever writes it: with its cases, its promises, and names that mean nothing."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from tiergate.actions import Action
from tiergate.policy.bundle import Bundle
from tiergate.policy.cases import read_cases
from tiergate.policy.compiling import compile_bundle
from tiergate.policy.errors import BundleRefused, PolicyError
from tiergate.policy.globs import first_part, is_match, pieces
from tiergate.policy.proving import read_invariants
from tiergate.policy.rules import Rule

_OWN: Final = "tiergate"


class Checked(Struct, frozen=True, kw_only=True):
    """A bundle with which nothing is wrong. cases: how many it is tried by."""

    bundle: Bundle
    cases: int


def check_bundle(files: Mapping[str, str], *, are_names_checked: bool = True) -> Checked:
    """Compile a bundle, and read what compiling leaves for later: its cases, its invariants, which actions its rules name.

    files: as for `compile_bundle`. are_names_checked: whether rules may name no action of Tiergate's own that there is
    not here. A server may be of another version, and takes them; which actions a product has, its catalogue knows alone.
    :raises BundleRefused: something is wrong; all of it is named, with places.
    """
    bundle = compile_bundle(files)
    errors: list[PolicyError] = []
    cases = 0
    try:
        cases = len(read_cases(bundle))
    except BundleRefused as refused:
        errors += refused.errors
    try:
        about = [one.about for one in read_invariants(bundle)]
    except BundleRefused as refused:
        about = []
        errors += refused.errors
    for rule in (*bundle.rules.values(), *about):
        errors += _misnamed(rule, files[rule.file].splitlines()) if are_names_checked else ()
    if errors:
        raise BundleRefused(errors)
    return Checked(bundle=bundle, cases=cases)


def _misnamed(rule: Rule, lines: list[str]) -> Iterator[PolicyError]:
    for glob in rule.actions:
        cut = pieces(glob)
        if first_part(glob) == _OWN and not any(is_match(cut, action.value) for action in Action):
            # It stands there as it is read, unless it is written by escapes; then the rule's own line has to do.
            places = ((at, lines[at].find(glob)) for at in range(rule.line - 1, len(lines)))
            at, column = next((place for place in places if place[1] >= 0), (rule.line - 1, 0))
            message = f"no action of Tiergate's own is called {glob!r}"
            yield PolicyError(file=rule.file, line=at + 1, column=column + 1, message=message, source_line=lines[at])
