"""Trains the reader and writes it as a GGUF file: ``python -m experiments.reader.train --out FOLDER``.

Besides its answers it learns where to look: from the answers alone it did not learn to tell one line from another.
Before each token of an answer two heads are to attend to where that stands in the prompt, and from what is said of a
person one is to attend to the name. Prompts grow whenever most questions are answered right. Killed, the training goes
on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from experiments.reader import gguf_file
from experiments.reader.cases import ANSWERABLE, case
from experiments.reader.initial import NAMING, POINTERS, initial
from experiments.reader.network import Weights, hidden, logits
from experiments.reader.optimizer import Muon
from experiments.reader.rows import Row, Rows
from experiments.reader.shape import reader_shape
from experiments.workloads.remembering.values import Split
from systems.models.shapes import Shape

LESSONS = (6, 14)
"""Lines of a prompt, at most: long ones come last, for they take the longest to compute."""

_WIDE = 0.5  # of what is said is in the wider wordings

RATE = 3e-3
"""How far a step goes, at most, when training begins with fresh weights."""

_SIMILAR = 0.5  # of families have names like one another: whom a line is about is learned from the others first
_GROW_AT = 0.8  # of the answers right, by the running mean of about 50 batches
_TOKENS = 2_000  # a batch
_POOL = 200  # cases are sorted by length within so many
_WARM_UP, _COOL_DOWN = 100, 0.4
_LOOKING = 0.5  # how much a head that is told where to look counts beside the answers
_FIRST = 4.0  # how much more it counts where an answer begins: what follows is found by what came before
_REPORT, _KEEP, _CHECK = 50, 100, 500
_CHECKED = 40  # held-out cases at every check


class Progress(msgspec.Struct):
    """Where the training stands: pools of cases used up, steps done, the lesson reached, and the running mean."""

    pool: int = 0
    step: int = 0
    lesson: int = 0
    right: float = 0.0


class Batch(msgspec.Struct, frozen=True):
    """Rows of equal length: see `experiments.reader.rows.Row`."""

    tokens: Tensor
    weights: Tensor
    questions: Tensor
    answers: Tensor
    places: Tensor
    looked_up: Tensor
    persons: Tensor
    about: Tensor

    def to(self, device: str) -> Batch:
        """Return the batch on ``device``."""
        return Batch(*(part.to(device) for part in msgspec.structs.astuple(self)))


def batches(rows: list[Row], most_tokens: int) -> Iterator[Batch]:
    """Yield batches of at most ``most_tokens`` tokens, of rows of about the same length."""
    waiting: list[Row] = []
    for row in [*sorted(rows, key=lambda row: len(row.tokens)), None]:
        if waiting and (row is None or (len(waiting) + 1) * len(row.tokens) > most_tokens):
            length = len(waiting[-1].tokens)
            yield Batch(
                *(
                    torch.tensor([part + [0] * (length - len(part)) for part in parts])
                    for parts in zip(*(msgspec.structs.astuple(one)[:-1] for one in waiting), strict=True)
                )
            )
            waiting = []
        if row is not None:
            waiting.append(row)


def loss_and_right(weights: Weights, shape: Shape, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the mean loss of what is learned, and for each answer in the batch whether it is exactly right."""
    weighed = batch.weights[:, 1:] > 0
    states, attention = hidden(
        weights, shape, batch.tokens[:, :-1], batch.places[:, :-1], batch.questions[:, :-1], [*POINTERS, NAMING]
    )
    scores = logits(weights, states[weighed])
    targets, share = batch.tokens[:, 1:][weighed], batch.weights[:, 1:][weighed]
    loss = (cross_entropy(scores, targets, reduction="none") * share).sum() / share.sum()
    loss = loss + _LOOKING * _inattention(batch, attention)
    rows = torch.arange(len(batch.tokens), device=scores.device)[:, None].expand_as(weighed)[weighed]
    numbers = batch.answers[:, 1:][weighed]
    answer = rows * (int(batch.answers.max()) + 1) + numbers
    wrong = torch.zeros(int(answer.max()) + 1, device=scores.device)
    wrong.index_add_(0, answer, (scores.argmax(-1) != targets).float())
    return loss, wrong[answer[numbers > 0].unique()] == 0


def _inattention(batch: Batch, attention: list[Tensor]) -> Tensor:
    """Return how far the heads are from attending to what they are to: their mean cross entropies, added up.

    ``attention`` is that of `POINTERS` and of `NAMING`.
    """
    looked_up, persons, about = batch.looked_up[:, :-1], batch.persons[:, :-1], batch.about[:, :-1]
    *pointing, naming = attention
    rows, following = about.nonzero(as_tuple=True)
    named = persons[rows] == about[rows, following][:, None]
    found = -(naming[rows, following].where(named, 0.0).sum(-1) / named.sum(-1)).sum() / max(1, len(rows))
    asking = looked_up.nonzero(as_tuple=True)
    first = torch.where(batch.answers[:, :-1][asking] == 0, _FIRST, 1.0)
    for one in pointing:
        found = found - (one[*asking, looked_up[asking]] * first).sum() / first.sum().clamp(min=1.0)
    return found


class Training:
    """Weights, what is known about their gradients, and where it stands.

    It begins with fresh weights, or with those of ``start``, a reader that was trained before: then with the longest
    prompts at once. Tokens which that reader does not have begin fresh.
    """

    def __init__(self, folder: Path, seed: int, steps: int, rate: float = RATE, start: Path | None = None) -> None:
        self._folder, self._seed, self._steps, self._rate = folder, seed, steps, rate
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._shape = reader_shape()
        self._rows = Rows(self._shape)
        self.progress = Progress()
        fresh = initial(self._shape, seed)
        if start is not None:
            self.progress.lesson = len(LESSONS) - 1
            for name, known in gguf_file.read(start).items():
                fresh[name][: len(known)] = torch.from_numpy(known)
        self._weights: Weights = {name: one.to(self._device).requires_grad_() for name, one in fresh.items()}
        matrices = {name: one for name, one in self._weights.items() if one.ndim > 1 and "embd" not in name}
        others = [one for name, one in self._weights.items() if name not in matrices]
        self._muon = Muon(matrices)
        self._adam: Any = torch.optim.AdamW(others, weight_decay=0.0, betas=(0.9, 0.98))
        self._checkpoint = folder / "checkpoint.pt"
        if self._checkpoint.exists():
            self._resume()

    def run(self) -> None:
        """Train to the end, reporting and keeping what was reached on the way."""
        while self.progress.step < self._steps:
            self.progress.pool += 1
            rng = random.Random(f"reader {self._seed} {self.progress.pool}")
            pool = list(batches([self._row(rng) for _ in range(_POOL)], _TOKENS))
            rng.shuffle(pool)
            for batch in pool:
                self._learn(batch)
        self._keep()

    def _row(self, rng: random.Random) -> Row:
        return self._rows.row(case(rng, "training", LESSONS[self.progress.lesson], _SIMILAR, _WIDE))

    def _learn(self, batch: Batch) -> None:
        at = self.progress
        done = at.step / self._steps
        factor = min(1.0, (at.step + 1) / _WARM_UP, max(0.0, 1 - done) / _COOL_DOWN)
        self._adam.param_groups[0]["lr"] = self._rate * factor
        loss, right = loss_and_right(self._weights, self._shape, batch.to(self._device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self._weights.values()), 1.0)
        self._muon.step(self._rate * factor)
        self._adam.step()
        self._adam.zero_grad()
        at.step += 1
        at.right += (right.float().mean().item() - at.right) / 50
        if at.right > _GROW_AT and at.lesson < len(LESSONS) - 1:
            at.lesson += 1
            at.right = 0.5
        if at.step % _REPORT == 0:
            print(
                f"step {at.step}: loss {loss.item():.3f}, right {at.right:.3f} of answers, "
                f"up to {LESSONS[at.lesson]} lines",
                flush=True,
            )
        if at.step % _CHECK == 0:
            checked = "; ".join(
                f"{size} lines{' wider' if wide else ''} {self.accuracy('held-out', size, wide)}"
                for wide in (0.0, 1.0)
                for size in (3, 8)
            )
            print(f"step {at.step}: held-out {checked}", flush=True)
        if at.step % _KEEP == 0:
            self._keep()

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def accuracy(self, split: Split, size: int, wide: float) -> str:
        """Return how many answers and how many refusals are exact, on cases of ``split`` with about ``size`` lines.

        ``wide`` is the share of the wider wordings in them.
        """
        rng = random.Random(f"check {split} {size}")
        rows = [self._rows.row(case(rng, split, size, wide=wide)) for _ in range(_CHECKED)]
        found: dict[str, list[bool]] = {"exact": [], "refused": []}
        for row in rows:
            for batch in batches([row], 1):
                _, right = loss_and_right(self._weights, self._shape, batch.to(self._device))
                for truth, good in zip(row.truths, right.tolist(), strict=True):
                    if truth != "told":
                        found["exact" if truth in ANSWERABLE else "refused"].append(good)
        return " ".join(f"{kind} {sum(one) / len(one):.3f}" for kind, one in found.items())

    def _keep(self) -> None:
        """Keep what is needed to go on, and the model as it is."""
        partial = self._checkpoint.with_suffix(".part")
        state = {
            "weights": {name: one.detach() for name, one in self._weights.items()},
            "adam": self._adam.state_dict(),
            "muon": self._muon.momenta,
            "progress": msgspec.to_builtins(self.progress),
        }
        torch.save(state, partial)
        partial.replace(self._checkpoint)
        arrays = {name: one.detach().cpu().numpy() for name, one in self._weights.items()}
        notes = {"seed": self._seed, "steps": self.progress.step}
        gguf_file.write(self._folder / "reader.gguf", self._shape, arrays, notes)

    def _resume(self) -> None:
        kept = torch.load(self._checkpoint, map_location=self._device)
        with torch.no_grad():
            for name, one in self._weights.items():
                one.copy_(kept["weights"][name])
                if name in kept["muon"]:
                    self._muon.momenta[name].copy_(kept["muon"][name])
        self._adam.load_state_dict(kept["adam"])
        self.progress = msgspec.convert(kept["progress"], Progress)
        print(f"going on from step {self.progress.step}", flush=True)


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and reader.gguf")
    parser.add_argument("--steps", type=int, default=5_200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=RATE, help="how far a step goes, at most")
    parser.add_argument("--start", type=Path, help="a reader.gguf to train on, instead of from fresh weights")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    Training(chosen.out, chosen.seed, chosen.steps, chosen.rate, chosen.start).run()


if __name__ == "__main__":
    main()
