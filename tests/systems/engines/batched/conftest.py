"""The engine on the tests' small model, and the serial engine to compare it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from systems.engines.batched.context import Model
from systems.engines.batched.decoder import Decoder
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.models.make import make as make_model
from systems.models.shapes import SHAPES


@pytest.fixture(scope="session")
def two_heads_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small model with two heads in place of four: keys and values of eight bits need heads of 32."""
    shape = msgspec.structs.replace(SHAPES["tiny"], name="two heads", heads=2, kv_heads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SHAPES, shape.name, shape)
        return make_model(shape.name, "q8_0", 0, tmp_path_factory.mktemp("two heads") / "model.gguf")


@pytest.fixture
def make(tiny_model: Path) -> Iterator[Callable[..., BatchedEngine]]:
    made = []

    def new(**chosen: Any) -> BatchedEngine:
        chosen = {"slots": 4, "context_tokens": 512, "threads": 1, **chosen}
        engine = BatchedEngine(BatchedSettings(model_path=str(tiny_model), **chosen))
        engine.load()
        made.append(engine)
        return engine

    yield new
    for engine in made:
        engine.close()


@pytest.fixture(scope="module")
def serial(tiny_model: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=512, threads=1))
    engine.load()
    yield engine
    engine.close()


def logits_of(serial: LlamaEngine, messages: list[Message], forced: str) -> np.ndarray:
    """Return a serial engine's logits, a row a token of the forced reply."""
    rows: list[np.ndarray] = []
    sample = serial._sample

    def spy(sampler: Any) -> int:
        llama = serial._llama
        rows.append(np.ctypeslib.as_array(llama._ctx.get_logits(), (llama.n_vocab(),)).copy())
        return sample(sampler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serial, "_sample", spy)
        serial.generate(Call(messages=messages, max_tokens=64, script=forced))
    return np.array(rows)


@pytest.fixture
def expected(serial: LlamaEngine) -> Callable[..., np.ndarray]:
    """Return the serial engine's logits, a row a token of the forced reply."""
    return partial(logits_of, serial)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str | None, int], list[np.ndarray]]:
    """Collect the batched engine's logits by conversation and length of the prompt."""
    rows: dict[tuple[str | None, int], list[np.ndarray]] = {}
    chosen = Decoder._chosen

    def spy(self: Decoder, number: int, where: int) -> int:
        job = self._slots[number].job
        assert job is not None
        rows.setdefault((job.conversation, len(job.prompt)), []).append(self._context.logits(where).copy())
        return chosen(self, number, where)

    monkeypatch.setattr(Decoder, "_chosen", spy)
    return rows


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Model]:
    model = Model(tiny_model, use_mmap=True, repack=True)
    yield model
    model.close()
