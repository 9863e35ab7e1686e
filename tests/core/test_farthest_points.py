import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odah_gen.farthest_points import farthest_points


def test_the_ends_of_a_line_come_first():
    line = np.linspace(0, 1, 50)[:, None, None]
    assert farthest_points(line, 2) == [0, 49]
    assert farthest_points(line, 2, first=10) == [10, 49]
    assert farthest_points(line[:3], 5) == [0, 1, 2]
    assert farthest_points(line[:0], 5) == []


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(0, 9))
def test_each_next_one_is_the_farthest_from_those_before(seed, count, first):
    features = np.random.default_rng(seed).integers(0, 4, (10, 2, 3)).astype(float)
    between = np.linalg.norm(features[:, None] - features[None], axis=-1).mean(axis=-1)
    before: list[int] = []
    for size in range(1, min(count, 10) + 1):
        chosen = farthest_points(features, size, first)
        assert len(set(chosen)) == size
        [new] = set(chosen) - set(before)
        if before:
            left = sorted(set(range(10)) - set(before))
            assert between[new, before].min() == between[np.ix_(left, before)].min(axis=1).max()
        else:
            assert new == first
        before = chosen
