"""Hyperplanes find near vectors mostly, far ones seldom, and forget what is taken out."""

import numpy as np

from systems.tiered.semantic.hyperplanes import Hyperplanes


def test_near_is_found_far_is_not_and_what_left_is_gone():
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((300, 64), np.float32)
    planes = Hyperplanes(64)
    for number, vector in enumerate(vectors):
        planes.add(number, vector)
    near = [
        number in planes.near(vector + 0.2 * rng.standard_normal(64, np.float32))
        for number, vector in enumerate(vectors)
    ]
    assert np.mean(near) > 0.9
    others = [len(planes.near(vector)) - 1 for vector in vectors]
    assert np.mean(others) / 299 < 0.1
    planes.remove(0, vectors[0])
    assert 0 not in planes.near(vectors[0])
