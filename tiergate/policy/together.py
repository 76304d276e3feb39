"""The conditions of rules that are asked of the same requests, in one go: most of what asking costs is the call."""

from collections.abc import Sequence
from typing import Any, Final

from tiergate.policy.expressions import When, compile_together, holding, holds

WORTH_IT: Final = 64
"""So often conditions are asked one by one first: to compile them together costs about as much."""
_MOST: Final = 32
_MAX_TEXT: Final = 8_000

type Answer = tuple[bool | None, str]
"""Whether a condition holds; None and CEL's own words where that cannot be told."""

_HOLDS: Final[Answer] = (True, "")
_DOES_NOT: Final[Answer] = (False, "")


class Together:
    """Conditions in order; None for a rule that has none, and always holds.

    Where it cannot be told of one whether it holds, it cannot be told of all together. Then each is asked by itself, so
    that an error counts for the condition that it is in, and for no other.
    """

    def __init__(self, conditions: Sequence[When | None]) -> None:
        self._conditions = tuple(conditions)
        self._bits = tuple(1 << number for number in range(len(conditions)))
        self._asked = 0
        self._program: Any = None

    def ask(self, given: Any) -> Sequence[Answer]:
        """Answer for each condition. Never raises."""
        if self._asked < WORTH_IT:
            self._asked += 1
            if self._asked >= WORTH_IT:
                self._program = self._compile()
        held = None if self._program is None else holding(self._program, given)
        if held is None:
            return self.ask_each(given)
        return [_HOLDS if held & bit else _DOES_NOT for bit in self._bits]

    def ask_each(self, given: Any) -> Sequence[Answer]:
        """Answer the same, asking each by itself. Never raises."""
        return [_HOLDS if one is None else holds(one.program, given) for one in self._conditions]

    def _compile(self) -> Any:
        """Make one expression of all, where that is worth it and not too long; None: each goes on by itself."""
        texts = ["true" if one is None else one.text for one in self._conditions]
        is_fit = 1 < len(texts) <= _MOST and sum(map(len, texts)) <= _MAX_TEXT
        return compile_together(texts) if is_fit else None
