"""The thresholds are those that were measured, on the settling split, within the false hits allowed there."""

import pytest

from systems.errors import BadInput
from systems.tiered.semantic.thresholds import measured, threshold_of


def test_every_chosen_point_keeps_to_the_false_hits_allowed():
    found = measured()
    assert found.split == "settling"
    for one in found.encoders:
        assert one.chosen is None or (one.chosen.worst_false <= found.most_false and one.chosen.hits > 0)
        assert one.alike > 100
        assert one.different > 100


def test_the_threshold_is_the_encoder_s_own():
    for one in measured().encoders:
        if one.chosen is not None:
            assert threshold_of(one.encoder) == one.chosen.threshold


def test_an_unknown_encoder_has_none():
    with pytest.raises(BadInput, match="semantic_threshold"):
        threshold_of("llama:other.gguf:1")
