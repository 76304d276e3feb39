"""How large what is read may be: enough for any bundle that people write, too little to tire a server."""

from typing import Final

DIGEST: Final = "[0-9a-f]{64}"
"""How a bundle is named: a pattern of the whole name."""

# Of a bundle's files, in characters.
MAX_FILE: Final = 1 << 20
MAX_FILES: Final = 1_000
MAX_BUNDLE: Final = 8 << 20
# Of a file's YAML.
MAX_DEPTH: Final = 16
MAX_NODES: Final = 200_000
# Of a bundle: what all of its files hold, its rules, its invariants; the characters of all conditions; and how many rules
# all of its cases are about between them, each of which is asked. Each is some seconds for a server, and no more.
MAX_BUNDLE_NODES: Final = 200_000
MAX_RULES: Final = 10_000
MAX_INVARIANTS: Final = 200
MAX_CONDITIONS: Final = 1 << 19
MAX_ASKED: Final = 200_000
# Of a rule, in characters.
MAX_ID: Final = 100
MAX_GLOB: Final = 200
MAX_WHEN: Final = 4_000
MAX_SENTENCE: Final = 500
# Of a request's values: characters of a text, items of a list. What is longer is not known.
MAX_TEXT: Final = 1_024
MAX_ITEMS: Final = 200
# Of an expression: steps that it may take with lists as long as may be.
MAX_STEPS: Final = 20_000
# Of a pattern for `matches`: characters, and how often something in it may be repeated by number.
MAX_PATTERN: Final = 200
MAX_REPEATS: Final = 100
