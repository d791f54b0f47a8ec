"""What a model thinks of the words it says: the tokens of a reply with their probabilities."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from systems.engines.interface import SaidToken


def told(
    logits: NDArray[np.float32], token: int, text: bytes, likeliest: int, piece: Callable[[int], bytes]
) -> SaidToken:
    """Return ``token``, of which ``text`` was said, with its log probability and those of the likeliest at its place.

    ``logits`` are the model's own: of the whole vocabulary, and as nothing has changed them.
    """
    exact = logits.astype(np.float64)
    exact -= exact.max()
    exact -= np.log(np.exp(exact).sum())
    count = min(likeliest, len(exact))
    best = np.argpartition(-exact, count - 1)[:count] if count else np.empty(0, np.int64)
    best = best[np.lexsort((best, -exact[best]))]
    return SaidToken(text, float(exact[token]), tuple((piece(int(each)), float(exact[each])) for each in best))


def within(tokens: Iterable[SaidToken], characters: int) -> tuple[SaidToken, ...]:
    """Return ``tokens`` as far as they say the first so many ``characters`` of a reply.

    A stop string may begin within a token, and a bound may cut a character in two: of such a token only what the reply
    has of it is left, and nothing of one that says nothing.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    found, left = [], characters
    for token in tokens:
        length = 0
        while length < len(token.text) and left > 0:
            left -= len(decoder.decode(token.text[length : length + 1]))
            length += 1
        if length:
            found.append(SaidToken(token.text[:length], token.logprob, token.likeliest))
    return tuple(found)
