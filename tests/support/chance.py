"""Random choices of tests that kill and pause: another seed each run, said where a test fails, set to repeat it."""

import os
import random
import sys

SEED_VARIABLE = "TAPEWATCH_TEST_SEED"


def chance(test: str) -> random.Random:
    """A source of random numbers for one test; what it needs to be repeated is printed."""
    seed = os.environ.get(SEED_VARIABLE) or str(random.SystemRandom().randrange(10**9))
    sys.stdout.write(f"{SEED_VARIABLE}={seed} repeats the choices of {test}\n")
    return random.Random(f"{seed}/{test}")
