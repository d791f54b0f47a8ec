"""The reader's widths and depths: small, to be trained on two cores."""

from __future__ import annotations

from experiments.reader.vocabulary import vocabulary
from systems.models.shapes import Shape


def reader_shape() -> Shape:
    """Return the widths and depths of the reader. Heads are 32 wide, so that q8_0 key/values work."""
    return Shape(
        name="reader",
        published_as="no published model",
        hidden=192,
        layers=4,
        heads=6,
        kv_heads=6,
        ffn=320,
        vocabulary=len(vocabulary().pieces),
        tied=True,
        context=4096,
        rope_theta=10_000_000.0,
        default_quant="f16",
    )
