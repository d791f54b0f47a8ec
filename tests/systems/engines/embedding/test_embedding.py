"""What an embedding engine promises, on a small encoder and on a table of word vectors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from systems.engines.embedding.llama import LlamaEmbedding, LlamaEmbeddingSettings
from systems.engines.embedding.opening import embedding_engine
from systems.errors import EngineBusy, EngineError, ModelError, PromptTooLong
from tests.systems.engines.embedding.small import SIZES, encoder

TEXTS = ["the cat", "the dog", "a", "the cat and the dog", "?", "cat cat cat cat"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return encoder(tmp_path_factory.mktemp("model") / "small.gguf")


@pytest.fixture
def engine(model):
    engine = LlamaEmbedding(LlamaEmbeddingSettings(model_path=str(model), threads=1, batch_texts=4))
    engine.load()
    yield engine
    engine.close()


def test_every_text_gets_a_row_of_length_1_in_the_order_of_the_texts(engine):
    found = engine.embed(TEXTS)
    assert found.vectors.shape == (len(TEXTS), engine.dimensions) == (6, SIZES.hidden)
    assert found.vectors.dtype == np.float32
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1)
    alone = np.concatenate([engine.embed([text]).vectors for text in TEXTS])
    assert (alone * found.vectors).sum(axis=1) == pytest.approx(1, abs=1e-3)
    # Each is nearer to itself than to any other: no row stands in another's place.
    assert (alone @ found.vectors.T).argmax(axis=1).tolist() == list(range(len(TEXTS)))


def test_no_texts_give_no_rows(engine):
    assert engine.embed([]).vectors.shape == (0, SIZES.hidden)


def test_of_a_text_that_is_too_long_the_beginning_is_read_and_it_is_said_which(engine):
    short, long = "cat " * 14, "cat " * 15
    found = engine.embed([short, "dog", long])
    assert found.cut == (2,)
    assert found.tokens == SIZES.positions + 3 + SIZES.positions
    assert found.vectors[2] @ found.vectors[0] == pytest.approx(1, abs=1e-3)


def test_it_is_refused_where_it_must_not_be_cut(engine):
    with pytest.raises(PromptTooLong, match="Text 2 of 2 has 17 tokens; the model reads 16"):
        engine.embed(["cat", "cat " * 15], cut=False)


def test_what_looks_like_a_control_token_is_text(engine):
    assert engine.embed(["[SEP]"]).tokens == 2 + len("[SEP]")


def test_half_a_character_is_refused_in_a_sentence(engine):
    with pytest.raises(EngineError, match="half of a character"):
        engine.embed(["cat", "\ud800"])


def test_a_model_may_want_something_before_questions_and_passages(tmp_path):
    path = encoder(tmp_path / "prefixed.gguf", query_prefix="q ", passage_prefix="p ")
    engine, plain = embedding_engine(path, 1), embedding_engine(encoder(tmp_path / "plain.gguf"), 1)
    engine.load()
    plain.load()
    for purpose, written in (("query", "q cat"), ("passage", "p cat")):
        there, here = plain.embed([written]).vectors[0], engine.embed(["cat"], purpose).vectors[0]
        assert there @ here == pytest.approx(1, abs=1e-5)
    engine.close()
    plain.close()


def test_threads_are_served_one_after_another(engine):
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: engine.embed([text]).vectors[0], TEXTS * 4))
    expected = engine.embed(TEXTS).vectors
    assert [float(row @ expected[place % len(TEXTS)]) for place, row in enumerate(found)] == pytest.approx(
        [1.0] * len(found), abs=1e-3
    )


def test_nothing_is_loaded_before_it_is_asked_for_nor_after_it_is_closed(model):
    engine = embedding_engine(model, 1)
    assert engine.weights_bytes == 0
    with pytest.raises(EngineError, match="not loaded"):
        engine.embed(["cat"])
    engine.load()
    engine.load()
    assert engine.weights_bytes > 0
    engine.close()
    engine.close()
    assert engine.weights_bytes == 0


def test_a_model_that_writes_is_refused_before_it_is_loaded(tiny_model):
    with pytest.raises(ModelError, match="no embedding model"):
        embedding_engine(tiny_model)
    with pytest.raises(ModelError, match="no embedding model"):
        LlamaEmbedding(LlamaEmbeddingSettings(model_path=str(tiny_model))).load()


def test_a_context_that_cannot_be_made_just_now_is_made_with_the_next_text(model, monkeypatch):
    engine = LlamaEmbedding(LlamaEmbeddingSettings(model_path=str(model), threads=1, batch_tokens=4))
    engine.load()
    from systems.models.llama_library import llama_cpp

    make, lacking = llama_cpp.llama_init_from_model, [True]
    monkeypatch.setattr(
        llama_cpp, "llama_init_from_model", lambda *given: None if lacking and lacking.pop() else make(*given)
    )
    try:
        long = engine.embed(["the cat and the dog"]).vectors
        with pytest.raises(EngineBusy, match="cannot make a context"):
            engine.embed(["cat"])
        assert engine.embed(["the cat and the dog"]).vectors @ long.T == pytest.approx(1, abs=1e-5)
    finally:
        engine.close()
