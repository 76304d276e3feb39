"""`python -m bench`: every figure, one after the other."""

import sys

from bench import evaluate, kernel, policy

if __name__ == "__main__":
    kernel.main()
    policy.main()
    sys.exit(evaluate.main())
