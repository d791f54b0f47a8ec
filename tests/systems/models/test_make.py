from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.errors import BadInput, CannotWrite, UnknownName
from systems.models import blocks
from systems.models.make import fallbacks, make, tensors
from systems.models.shapes import QUANTS, SHAPES, Quant

# Of 8192 weights in each kind of block. If one changes, so does every made model: raise RECIPE.
STREAM_SHA256 = {
    "F16": "97afc8477a4ad97f",
    "Q8_0": "c807de19d6d672a2",
    "Q4_0": "381870f42b5d22bc",
    "Q4_K": "0ffb92331ee520e3",
    "Q6_K": "7127ac5823cea8e9",
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_equal_arguments_give_equal_bytes(tiny_model: Path, tmp_path: Path) -> None:
    again = make("tiny", "q8_0", 0, tmp_path / "again.gguf")

    assert digest(again) == digest(tiny_model)


def test_another_seed_gives_another_file_of_the_same_size(tiny_model: Path, tmp_path: Path) -> None:
    other = make("tiny", "q8_0", 1, tmp_path / "other.gguf")

    assert digest(other) != digest(tiny_model)
    assert other.stat().st_size == tiny_model.stat().st_size


@pytest.mark.parametrize("quant", QUANTS)
def test_every_quantisation_loads_and_generates(quant: Quant, tmp_path: Path) -> None:
    engine = LlamaEngine(LlamaSettings(model_path=str(make("tiny", quant, 0, tmp_path / "model.gguf"))))
    engine.load()
    try:
        reply = engine.generate(Call(messages=[Message("user", "hello")], max_tokens=4, script="今天天气很好"))
    finally:
        engine.close()

    assert reply.generated_tokens == 4


@pytest.mark.parametrize("kind", [Kind.F16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_K, Kind.Q6_K])
def test_weights_are_centred_and_spread_as_transformers_are_initialised(kind: Kind) -> None:
    raw = np.concatenate(list(blocks.weights(kind, 256 * 4096, 0, "a tensor")))

    values = gguf.dequantize(raw if kind != Kind.F16 else raw.view(np.float16), kind)

    assert np.isfinite(values).all()
    assert abs(values.mean()) < 2e-4
    assert values.std() == pytest.approx(blocks.DEVIATION, rel=0.03)


@pytest.mark.parametrize("kind", [Kind.F16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_K, Kind.Q6_K])
def test_the_stream_of_weights_never_changes(kind: Kind) -> None:
    raw = b"".join(piece.tobytes() for piece in blocks.weights(kind, 8192, 7, "blk.0.attn_q.weight"))

    assert hashlib.sha256(raw).hexdigest()[:16] == STREAM_SHA256[kind.name]


@pytest.mark.parametrize("kind", [Kind.F16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_K, Kind.Q6_K])
def test_weights_come_in_pieces_of_bounded_size(kind: Kind) -> None:
    rows, columns = 8192, 4096

    sizes = [piece.nbytes for piece in blocks.weights(kind, rows * columns, 0, "large")]

    assert sum(sizes) == blocks.size(kind, rows * columns)
    assert max(sizes) <= 16 << 20


@pytest.mark.parametrize(
    ("shape", "millions"), [("135m", 134.5), ("360m", 361.8), ("1.1b", 1100.0), ("3b", 3212.7), ("8b", 8030.3)]
)
def test_shapes_have_the_published_number_of_parameters(shape: str, millions: float) -> None:
    counted = sum(tensor.elements for tensor in tensors(SHAPES[shape], "q8_0"))

    assert counted / 1e6 == pytest.approx(millions, rel=1e-3)


def test_rows_that_fit_no_k_quant_take_q8_0_and_are_listed() -> None:
    assert "blk.0.attn_q.weight" in fallbacks(SHAPES["135m"], "q4_k")
    assert fallbacks(SHAPES["8b"], "q4_k") == []
    assert fallbacks(SHAPES["135m"], "q8_0") == []


def test_progress_ends_with_everything(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    make("tiny", "f16", 0, tmp_path / "model.gguf", lambda done, total: seen.append((done, total)))

    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize(("shape", "quant"), [("135n", "q8_0"), ("135m", "q5_k")])
def test_unknown_names_are_refused(shape: str, quant: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        make(shape, quant, 0, tmp_path / "model.gguf")


def test_a_directory_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a directory"):
        make("tiny", "q8_0", 0, tmp_path)


def test_an_interrupt_leaves_no_file(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make("tiny", "q8_0", 0, tmp_path / "model.gguf", interrupt)

    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_no_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"the old one")

    def fail(done: int, total: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(CannotWrite, match="No space left"):
        make("tiny", "q8_0", 0, tmp_path / "model.gguf", fail)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the old one"]


def test_a_limit_on_file_sizes_is_one_sentence_and_leaves_no_file(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from systems.errors import CannotWrite; from systems.models.make import make\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: make('tiny', 'q8_0', 0, Path(sys.argv[1]))\n"
        "except CannotWrite as error: print(error)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model.gguf")], capture_output=True, text=True, check=True
    )

    assert "could not be written: File too large." in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9, 10_000))

    with pytest.raises(CannotWrite, match="Not enough disk space"):
        make("tiny", "q8_0", 0, tmp_path / "model.gguf")

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_a_run_at_work_is_not_disturbed(tmp_path: Path) -> None:
    stale, at_work = tmp_path / ".model.gguf.a.part", tmp_path / ".model.gguf.b.part"
    stale.write_bytes(b"")
    at_work.write_bytes(b"")
    os.utime(stale, (0, 0))

    make("tiny", "q8_0", 0, tmp_path / "model.gguf")

    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.gguf.b.part", "model.gguf"]
