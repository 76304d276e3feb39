"""How deep is JSON nested? Asked of the bytes, before any reader descends into them.

A reader in C goes down with its text, and a server's threads have a quarter of the stack that a program's first one
has: there, ten thousand brackets end the process, and no exception is raised that somebody could catch.
"""

import re
from itertools import accumulate
from typing import Final

_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def is_nested_deeper(body: bytes, depth: int) -> bool:
    """Say whether arrays and objects stand in one another deeper than ``depth``.

    Of what is no JSON it may say yes, and never says no where a reader would descend deeper before it noticed.
    """
    if body.count(b"{") + body.count(b"[") <= depth:
        return False
    brackets = _TEXT.sub(b"", body).translate(None, _NOT_BRACKETS)
    return any(level > depth for level in accumulate(map(_STEP.__getitem__, brackets)))
