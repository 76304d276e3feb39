"""`python -m bench`: every figure, one after the other."""

from bench import first, kernel

if __name__ == "__main__":
    kernel.main()
    first.main()
