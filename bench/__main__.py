"""`python -m bench`: every figure, one after the other."""

import sys

from bench import evaluate, kernel

if __name__ == "__main__":
    kernel.main()
    sys.exit(evaluate.main())
