"""Which rules are about an action, a feature and scopes: found once, and remembered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tiergate.policy.globs import first_part, is_match, pieces


class Names:
    """Numbers of rules by the globs of one kind of name that they give; a rule that gives none is about any."""

    def __init__(self, globs: Sequence[tuple[str, ...]]) -> None:
        self._all = frozenset(range(len(globs)))
        self._any = frozenset(number for number, given in enumerate(globs) if not given)
        exact: defaultdict[str, set[int]] = defaultdict(set)
        patterns: defaultdict[str, set[int]] = defaultdict(set)
        for number, given in enumerate(globs):
            for glob in given:
                (patterns if "*" in glob else exact)[glob].add(number)
        self._exact: Mapping[str, set[int]] = dict(exact)
        # By the first part that every name of the pattern has; None: it varies.
        self._patterns: defaultdict[str | None, list[tuple[tuple[str, ...], set[int]]]] = defaultdict(list)
        for glob, numbers in patterns.items():
            self._patterns[first_part(glob)].append((pieces(glob), numbers))

    def find(self, name: str | None) -> frozenset[int]:
        """Give the rules that are about a name; all of them where nobody knows it."""
        if name is None:
            return self._all
        found = set(self._any)
        if name:
            found |= self._exact.get(name, set())
            for first in (name.partition(".")[0], None):
                for glob, numbers in self._patterns.get(first, ()):
                    if not numbers <= found and is_match(glob, name):
                        found |= numbers
        return frozenset(found)

    def find_any(self, names: tuple[str, ...] | None) -> frozenset[int]:
        """Give the rules that are about at least one of several names."""
        if names is None:
            return self._all
        return self._any.union(*map(self.find, names))
