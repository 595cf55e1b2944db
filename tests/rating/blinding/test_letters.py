"""What the search for burned-in letters works out, against another program."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from rating.blinding.letters import STROKE, opened


@given(height=st.integers(STROKE, 60), width=st.integers(STROKE, 60), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_an_opening_is_that_of_scipy_up_to_the_edges(height: int, width: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.int16)

    assert np.array_equal(opened(values), ndimage.grey_opening(values, size=(STROKE, STROKE)))
