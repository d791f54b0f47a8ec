"""Tokens of a reply that must have a form: how a token is chosen of those that a grammar allows at its place.

llama.cpp ends the process when it is told of a token that its grammar does not allow, so none is told of that it was
not asked about. A token is allowed by what it says: control tokens say nothing, so they are not, though llama.cpp would
take their names for words; and neither is one that makes of the bytes before it what is no character.
"""

from __future__ import annotations

import codecs
import ctypes
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from systems.engines.llama_text import LlamaText
from systems.errors import BadInput

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama.cpp's llama_token_data

# A longer grammar is no reply's form, but somebody's attempt.
_LONGEST = 1 << 20  # characters


class GrammarSampler:
    """Chooses the tokens of one reply. For one thread at a time; the text must outlive it.

    Where ``ignore_end`` is set, the reply ends only where nothing else is allowed.
    """

    def __init__(self, library: Any, text: LlamaText, words: int, grammar: str, *, ignore_end: bool) -> None:
        """Raises `BadInput` for what is no grammar."""
        if not 0 < len(grammar) <= _LONGEST or "\0" in grammar:  # of nothing llama.cpp makes one that allows anything
            raise BadInput(f"A grammar has 1 to {_LONGEST} characters, and no null character.")
        try:
            self._grammar = text.grammar(grammar)
        except UnicodeEncodeError as error:
            raise BadInput(f"The grammar is no text: {error}.") from error
        if not self._grammar:
            raise BadInput("llama.cpp cannot read the grammar, or it begins with itself.")
        self._library = library
        self._text = text
        self._ignore_end = ignore_end
        self._read = codecs.getincrementaldecoder("utf-8")()
        self._all = np.zeros(words, _CANDIDATE)
        self._numbers = np.arange(words, dtype=np.int32)

    def choose(self, logits: NDArray[np.float32], chain: Any) -> int | None:
        """Return the token that ``chain`` takes (None: the likeliest) of those allowed, and tell both so.

        None if none is allowed: the reply ends here, whether or not it `may_end`.
        """
        self._all["id"], self._all["logit"] = self._numbers, logits
        token = self._taken(self._all, chain)
        if token is None or not self._is_allowed(token):
            token = self._of_allowed(logits, chain)
        if token is None:
            return None
        if not self._text.ends(token):
            self._read.decode(self._text.piece(token))
            self._library.llama_sampler_accept(self._grammar, token)
        if chain is not None:
            self._library.llama_sampler_accept(chain, token)
        return token

    def may_end(self) -> bool:
        """Return whether what was said so far has the form."""
        known = self._text.ends_known
        return bool(known) and len(self._left(self._some(known[:1]))) == 1

    def must_end(self) -> bool:
        """Return whether it has the form, and would no longer have it with whatever else was said."""
        if not self.may_end():
            return False
        self._all["id"], self._all["logit"] = self._numbers, 0
        return bool(self._text.wordless[self._left(self._all)["id"]].all())

    def close(self) -> None:
        """Free what llama.cpp holds of the grammar; a second call does nothing."""
        grammar, self._grammar = self._grammar, None
        if grammar:
            self._library.llama_sampler_free(grammar)

    def _of_allowed(self, logits: NDArray[np.float32], chain: Any) -> int | None:
        self._all["id"], self._all["logit"] = self._numbers, logits
        allowed = self._left(self._all)
        allowed = allowed[~self._text.wordless[allowed["id"]]]
        if self.may_end() and (not self._ignore_end or not len(allowed)):
            ends = self._some(self._text.ends_any)
            ends["logit"] = logits[ends["id"]]
            allowed = np.concatenate([allowed, ends])
        while len(allowed):
            token = self._taken(allowed.copy(), chain)
            if token is None or self._is_allowed(token, forced=True):
                return token
            allowed = allowed[allowed["id"] != token]
        return None

    def _is_allowed(self, token: int, *, forced: bool = False) -> bool:
        if self._text.ends(token):
            return forced or (not self._ignore_end and self.may_end())
        piece = self._text.piece(token)
        return bool(piece) and self._continues(piece) and (forced or len(self._left(self._some([token]))) == 1)

    def _continues(self, piece: bytes) -> bool:
        """Return whether ``piece`` after the bytes before it is, or may become, characters."""
        before = self._read.getstate()
        try:
            self._read.decode(piece)
        except UnicodeDecodeError:
            return False
        finally:
            self._read.setstate(before)
        return True

    def _some(self, tokens: Any) -> NDArray[Any]:
        found = np.zeros(len(tokens), _CANDIDATE)
        found["id"] = tokens
        return found

    def _left(self, candidates: NDArray[Any]) -> NDArray[Any]:
        """Return those of ``candidates`` that llama.cpp's grammar allows."""
        self._apply(self._grammar, candidates)
        left: NDArray[Any] = candidates[np.isfinite(candidates["logit"])]
        return left

    def _taken(self, candidates: NDArray[Any], chain: Any) -> int | None:
        if chain is None:
            best = candidates[candidates["logit"].argmax()]
            return int(best["id"]) if np.isfinite(best["logit"]) else None
        found = self._apply(chain, candidates)
        best = found.data[found.selected]  # it may have moved them
        return int(best.id) if math.isfinite(best.logit) else None

    def _apply(self, sampler: Any, candidates: NDArray[Any]) -> Any:
        """Let ``sampler`` change ``candidates``; what it left of them, and took, is what is returned."""
        library = self._library
        data = candidates.ctypes.data_as(library.llama_token_data_p)
        array = library.llama_token_data_array(data=data, size=len(candidates), selected=-1, sorted=False)
        library.llama_sampler_apply(sampler, ctypes.byref(array))
        return array
