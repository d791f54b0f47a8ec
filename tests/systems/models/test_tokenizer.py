from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.models import tokenizer
from systems.models.tokenizer import SPACE

# Of jieba 0.42.1's dictionary and english.txt. If this changes, so does every made model: raise RECIPE.
VOCABULARY_SHA256 = "2e053f59daf53ce0ad225eb3842a9e8b49f320e52b5320740b1d1f4e5e2a2282"

TEXTS = (
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters=SPACE)),
    st.text(alphabet="今天气很好我们去公园散步 hello the ing,。！\n\t🎉👩‍👩‍👧<|im_end|>"),
    st.text(alphabet=" ab\n"),
)

ENGLISH = (
    "The quick answer is that a small computer can run a language model if the memory is managed carefully. "
    "Would you like me to explain how the cache works, or should we plan your trip to the mountains next weekend?"
)
CHINESE = (
    "今天天气很好，我想去公园散步。请问你能帮我制定一个周末的旅行计划吗？我喜欢安静的地方，比如山里的小村庄，"
    "最好还能品尝当地的特色美食。另外，请提醒我明天下午三点开会。"
)


@pytest.fixture(scope="module")
def vocabulary_only(tiny_model: Path) -> Iterator[llama_cpp.Llama]:
    llama = llama_cpp.Llama(str(tiny_model), vocab_only=True, verbose=False)
    yield llama
    llama.close()


@pytest.fixture(scope="module")
def tiny_pieces() -> set[str]:
    return set(tokenizer.build(4096).pieces)


@pytest.fixture(scope="module")
def full_size() -> tokenizer.Vocabulary:
    return tokenizer.build(49_152)


@given(text=st.one_of(*TEXTS))
def test_any_text_survives_llama_cpp(vocabulary_only: llama_cpp.Llama, text: str) -> None:
    cut = vocabulary_only.tokenize(text.encode(), add_bos=False, special=False)

    assert vocabulary_only.detokenize(cut).decode() == text


@given(text=st.one_of(*TEXTS))
def test_llama_cpp_takes_the_longest_piece_from_left_to_right(
    vocabulary_only: llama_cpp.Llama, tiny_pieces: set[str], text: str
) -> None:
    model = vocabulary_only._model

    cut = vocabulary_only.tokenize(text.encode(), add_bos=False, special=False)

    assert [model.token_get_text(token) for token in cut] == longest_match(tiny_pieces, text)


def test_control_tokens_are_read_in_a_template_and_not_in_what_people_say(vocabulary_only: llama_cpp.Llama) -> None:
    marker = b"<|im_end|>"

    assert vocabulary_only.tokenize(marker, add_bos=False, special=True) == [tokenizer.TURN_END_ID]
    assert tokenizer.TURN_END_ID not in vocabulary_only.tokenize(marker, add_bos=False, special=False)


@pytest.mark.parametrize("size", [4096, 32_000, 128_256])
def test_a_vocabulary_has_the_size_asked_for_without_repetition(size: int) -> None:
    vocabulary = tokenizer.build(size)

    assert len(vocabulary.pieces) == len(vocabulary.scores) == len(vocabulary.types) == size
    assert len(set(vocabulary.pieces)) == size


def test_every_prefix_of_a_piece_is_a_piece(full_size: tokenizer.Vocabulary) -> None:
    pieces = set(full_size.pieces)
    words = full_size.pieces[len(tokenizer.CONTROL) + 256 :]

    assert all(word[:-1] in pieces for word in words if len(word) > 1)


def test_the_vocabulary_is_the_same_everywhere(full_size: tokenizer.Vocabulary) -> None:
    written = "\0".join(full_size.pieces).encode()

    assert hashlib.sha256(written).hexdigest() == VOCABULARY_SHA256


def test_texts_take_about_as_many_tokens_as_with_published_tokenizers(full_size: tokenizer.Vocabulary) -> None:
    pieces = set(full_size.pieces)

    assert 1.0 <= len(longest_match(pieces, ENGLISH)) / len(ENGLISH.split()) <= 1.6
    assert 0.4 <= len(longest_match(pieces, CHINESE)) / len(CHINESE) <= 1.2


def longest_match(pieces: set[str], text: str) -> list[str]:
    """Cut ``text`` as the module promises, without llama.cpp."""
    text = text.replace(" ", SPACE)
    cut: list[str] = []
    at = 0
    while at < len(text):
        end = at
        while end < len(text) and text[at : end + 1] in pieces:
            end += 1
        if end == at:
            end = at + 1
            cut += [f"<0x{byte:02X}>" for byte in text[at:end].encode()]
        else:
            cut.append(text[at:end])
        at = end
    return cut
