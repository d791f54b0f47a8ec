from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="only `nox -s reader` installs torch")

from experiments.reader import gguf_file  # noqa: E402
from experiments.reader.cases import case  # noqa: E402
from experiments.reader.initial import initial  # noqa: E402
from experiments.reader.network import hidden, logits  # noqa: E402
from experiments.reader.rows import Rows  # noqa: E402
from experiments.reader.shape import reader_shape  # noqa: E402
from experiments.reader.train import Training  # noqa: E402
from systems.models.find import READER  # noqa: E402


def test_llama_cpp_computes_what_was_trained(tmp_path: Path) -> None:
    import llama_cpp

    # The shipped weights: fresh ones look so sharply at one place that half precision may decide between two.
    shape = reader_shape()
    weights = {name: torch.from_numpy(one) for name, one in gguf_file.read(READER).items()}
    gguf_file.write(tmp_path / "again.gguf", shape, {name: one.numpy() for name, one in weights.items()}, {"seed": 3})
    tokens = Rows(shape).row(case(random.Random(1), "training", 3)).tokens

    row, places = torch.tensor([tokens]), torch.arange(len(tokens))[None]
    ours = logits(weights, hidden(weights, shape, row, places, torch.zeros_like(row))[0][0, -1]).numpy()
    llama = llama_cpp.Llama(str(tmp_path / "again.gguf"), n_ctx=1024, n_threads=1, verbose=False)
    llama.eval(tokens)
    theirs = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), shape=(shape.vocabulary,))

    assert np.corrcoef(ours, theirs)[0, 1] > 0.9999
    assert int(ours.argmax()) == int(theirs.argmax())
    llama.close()


def test_a_watched_head_says_how_it_attends_and_only_to_what_it_may_see() -> None:
    shape = reader_shape()
    row = Rows(shape).row(case(random.Random(1), "training", 3))
    tokens, places, questions = (torch.tensor([part]) for part in (row.tokens, row.places, row.questions))

    _, (attention,) = hidden(initial(shape, 3), shape, tokens, places, questions, [(2, 0)])

    shares = attention[0].exp()
    assert torch.allclose(shares.sum(-1), torch.ones(len(row.tokens)), atol=1e-4)
    asked = torch.tensor(row.questions)
    other = (asked[None] != 0) & (asked[None] != asked[:, None])
    assert not shares[other | torch.ones_like(other).triu(1)].any()


def test_a_reader_is_trained_on_with_the_tokens_it_has_and_fresh_ones_for_the_rest(tmp_path: Path) -> None:
    shape = reader_shape()
    fewer = {name: one.numpy() for name, one in initial(shape, 3).items()}
    fewer["token_embd.weight"] = fewer["token_embd.weight"][:1000]
    gguf_file.write(tmp_path / "known.gguf", shape, fewer, {})

    Training(tmp_path, seed=1, steps=0, start=tmp_path / "known.gguf").run()

    kept = gguf_file.read(tmp_path / "reader.gguf")
    fewer["token_embd.weight"] = np.concatenate(
        [fewer["token_embd.weight"], initial(shape, 1)["token_embd.weight"].numpy()[1000:]]
    )
    for name, one in fewer.items():
        np.testing.assert_array_equal(kept[name], one.astype(np.float16 if one.ndim > 1 else np.float32))


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path) -> None:
    Training(tmp_path, seed=1, steps=1).run()
    reached = Training(tmp_path, seed=1, steps=1).progress

    assert reached.step > 0
    assert (tmp_path / "reader.gguf").stat().st_size < 8 << 20
