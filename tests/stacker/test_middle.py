"""The median of a few numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stacker.middle import median


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_it_is_the_median(values):
    assert median(np.array(values)) == np.median(values)
