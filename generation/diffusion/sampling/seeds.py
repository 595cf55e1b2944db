"""Seeds that depend on the numbers they are made from, and on nothing that was drawn before."""

from __future__ import annotations

import numpy as np

MOST_SEED = 2**53 - 1  # what JSON and JavaScript can still hold exactly


def seed_of(*words: int) -> int:
    """A 63-bit seed that depends on all of these numbers: of image `index` in a job of `seed`, `seed_of(seed, index)`."""
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))
