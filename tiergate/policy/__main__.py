"""``python -m tiergate.policy``: see `tiergate.policy.command`."""

import sys

from tiergate.policy.command import main

if __name__ == "__main__":
    sys.exit(main())
