"""The published embedding models: what is made of their packages here gives the vectors that they give themselves."""

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from systems.engines.embedding.opening import embedding_engine
from systems.errors import ModelError, UnknownName
from systems.models import e5, embeddings, minilm
from systems.models.charsmap import compiled

REFERENCE = Path(__file__).parent / "embeddings"


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[pytest.mark.long] if each == "e5-small" else []) for each in embeddings.names()],
)
def test_vectors_are_those_of_the_original(name, embedding_model):
    reference = json.loads((REFERENCE / f"{name}.json").read_text("utf-8"))
    engine = embedding_engine(embedding_model(name), threads=2)
    engine.load()
    try:
        for purpose in {"query", "passage"} & reference.keys():
            raw = np.frombuffer(base64.b64decode(reference[purpose]), "<f2").astype(np.float32)
            theirs = raw.reshape(len(reference["texts"]), -1)
            ours = engine.embed(reference["texts"], purpose).vectors
            cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(theirs, axis=1)
            assert cosines.min() >= 0.999, reference["texts"][cosines.argmin()]
    finally:
        engine.close()


def test_what_is_no_embedding_model_s_name_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="did you mean minilm"):
        embeddings.resolve("minilmm")
    with pytest.raises(ModelError, match="no model file"):
        embeddings.resolve(str(tmp_path / "model.gguf"))


def test_a_damaged_package_is_refused_and_nothing_is_left(tmp_path):
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"E5S1" + bytes(40))
    for convert in (minilm.convert, e5.convert):
        with pytest.raises(ModelError, match=r"does not hold|has blocks"):
            convert(damaged, tmp_path / "out" / "model.gguf", {})
    assert list(tmp_path.iterdir()) == [damaged]


_CHARACTERS = some.characters(min_codepoint=1, exclude_categories=["Cs"])


@given(some.dictionaries(_CHARACTERS, some.text(_CHARACTERS, max_size=3), max_size=200))
def test_the_table_of_characters_gives_back_what_was_put_in(replacements):
    table = compiled(replacements)
    for character, replacement in replacements.items():
        assert _looked_up(table, character) == replacement
    for other in "aé好😀":
        if other not in replacements:
            assert _looked_up(table, other) is None


def _looked_up(table, character):
    """Walk the trie as llama.cpp does."""
    (size,) = struct.unpack_from("<I", table)
    units = struct.unpack_from(f"<{size // 4}I", table, 4)
    texts = table[4 + size :]

    def offset(unit):
        return (unit >> 10) << ((unit & (1 << 9)) >> 6)

    place, found = offset(units[0]), None
    for byte in character.encode():
        place ^= byte
        if place >= len(units) or units[place] & (1 << 31 | 0xFF) != byte:
            return None
        unit = units[place]
        place ^= offset(unit)
        if unit >> 8 & 1:
            start = units[place] & ((1 << 31) - 1)
            found = texts[start : texts.index(b"\0", start)].decode()
    return found
