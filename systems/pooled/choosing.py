"""Which of two models answers: a smaller one what is easy, the agent's own what is difficult.

The house gives an agent one engine. The second is opened by the agent itself, from a model file, in the simplest way:
llama.cpp in process, one reply at a time. How difficult a question is, is told by rules: another model that judged it
would cost what is to be saved.
"""

from __future__ import annotations

import re
from pathlib import Path

from systems.engines.around import AroundEngine
from systems.engines.interface import Engine, Sampling
from systems.interface import Request

# Characters. A longer question has something in it to be read, whatever it asks for.
_LONG = 200

_DIFFICULT = re.compile(
    r"\b(why|how (?:do|does|did|can|could|would|should|is|are)|explain|compare|difference|prove|derive|calculate|"
    r"solve|analy[sz]e|design|plan|write|translate|summari[sz]e|step by step|pros and cons|code|function|algorithm)\b"
    r"|为什么|怎么|如何|解释|比较|区别|证明|推导|计算|分析|设计|计划|写一|翻译|总结|代码|算法|步骤"
    r"|```|\d\s*[-+*/×÷^=]\s*\d",
    re.IGNORECASE,
)


def is_difficult(question: str) -> bool:
    """Return whether ``question`` wants more than a fact: reasons, steps, a comparison, a text, code or arithmetic."""
    return len(question) > _LONG or _DIFFICULT.search(question) is not None


class TwoEngines(AroundEngine):
    """The agent's own engine, and the ``easy`` one; what is loaded, forgotten and closed is so in both."""

    def __init__(self, own: Engine, easy: Engine) -> None:
        super().__init__(own)
        self._easy = easy

    @classmethod
    def of_file(cls, own: Engine, model: Path) -> TwoEngines:
        """Return ``own`` with an engine for the GGUF file ``model`` beside it. Raises `ModelError` if it is none.

        That one computes with as many threads, and leaves memory while it is idle if ``own`` does.
        """
        from systems.engines.llama import LlamaEngine, LlamaSettings

        return cls(own, own.beside(LlamaEngine(LlamaSettings(model_path=str(model), threads=own.threads))))

    def engine_for(self, request: Request) -> Engine:
        """Return the engine that answers ``request``."""
        return self._inner if is_difficult(request.text) else self._easy

    @property
    def samples_as_asked(self) -> bool:
        """Whether both do."""
        return self._inner.samples_as_asked and self._easy.samples_as_asked

    @property
    def heeds_grammars(self) -> bool:
        """Whether both do."""
        return self._inner.heeds_grammars and self._easy.heeds_grammars

    @property
    def context_tokens(self) -> int | None:
        """The shorter context of the two: a history must fit both."""
        known = [each for each in (self._inner.context_tokens, self._easy.context_tokens) if each is not None]
        return min(known, default=None)

    def check_heeds(self, sampling: Sampling | None, grammar: str | None, likeliest: int | None) -> None:
        """Refuse what either would ignore. Raises `NotHeeded`."""
        for each in (self._inner, self._easy):
            each.check_heeds(sampling, grammar, likeliest)

    def load(self) -> None:
        """Load both. Raises `ModelError`."""
        self._inner.load()
        self._easy.load()

    def forget(self, conversation: str) -> None:
        """Have neither keep anything of ``conversation``."""
        self._inner.forget(conversation)
        self._easy.forget(conversation)

    def close(self) -> None:
        """Close both."""
        try:
            self._inner.close()
        finally:
            self._easy.close()
