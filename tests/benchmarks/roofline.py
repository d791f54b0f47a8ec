"""How fast the conversations of the servers' race could be answered on this machine, and what bounds it.

    python -m tests.benchmarks.roofline [--models 135m smollm2:q4_0] [--loads short long]

A *least* count of tokens is what nobody can do without: of every conversation each token goes through the model once,
and what all prompts begin with only once for all of them. Each token of a reply needs a step of its own, which the
conversations that run at once share; but for the last one, which is computed with the next prompt, if there is one.
Two bounds follow, in requests a second.

*Attainable*: llama.cpp does nothing but that, in the best way that was measured here. Prompts are computed as fast as
512 tokens of one prompt in one batch; replies in steps of as many conversations as is best, each of which holds as many
tokens as in the race. Between steps nothing happens: no request is read, no token chosen, no state moved. What stands
in the way is llama.cpp itself, for these matrices on this processor; a server that calls it can come no nearer.

*Roof*: prompts and steps take no longer than their operations at the best rate that was seen anywhere, and steps no
longer than their bytes either (the weights once, and the keys and values of all its conversations) as fast as this
machine copies memory, whichever is more. It says what stands in llama.cpp's way: where a measured step is far above
both, neither memory nor multiplying bounds it.

Memory is measured with numpy copying 256 MiB in each of as many threads as there are processors; a byte that is read
and written counts twice. Operations are two for each token and weight of the layers; a reply's token multiplies by the
words' matrix as well.

The best of seven each time, with flash attention and without. Beside other work the bounds are too low: a server may
then seem to come nearer than it does, or above.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec
import numpy as np
from gguf import GGUFReader

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.interface import Message
from systems.engines.llama import usable_cpus
from systems.models.find import resolve
from tests.benchmarks.conversations import LOADS, Load

MODELS = ("135m", "smollm2:q4_0")

PREFILL, STEPS, TIMES, COPIED_BYTES = 512, (1, 8, 16), 7, 256 << 20


class Least(NamedTuple):
    """What a load needs, in tokens: those of prompts and of replies that go through the model, over all its requests.

    ``held`` is what a conversation holds on average while it is answered, ``longest`` the most that one comes to.
    """

    requests: int
    prompt_tokens: int
    reply_tokens: int
    held: int
    longest: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine does with one model: seconds of a step by how many conversations are in it, and the rest."""

    prompt_tokens_s: float
    step_s: dict[int, float]
    copied_bytes_s: float
    weight_bytes: int
    layer_weights: int
    word_weights: int
    token_bytes: int

    @property
    def best_step(self) -> int:
        """How many conversations a step has in which a token costs least."""
        return min(self.step_s, key=lambda many: self.step_s[many] / many)

    def step_bytes_s(self, many: int, held: int) -> float:
        """Return the seconds of a step's bytes."""
        return (self.weight_bytes + many * held * self.token_bytes) / self.copied_bytes_s

    @property
    def operations_s(self) -> float:
        """Operations a second: the best rate that was seen, in a prompt or in a step."""
        steps = (self.step_operations(many) / step_s for many, step_s in self.step_s.items())
        return max(2 * self.layer_weights * self.prompt_tokens_s, *steps)

    def step_operations(self, many: int) -> int:
        """Return how many operations a step has."""
        return 2 * many * (self.layer_weights + self.word_weights)

    def step_roof_s(self, many: int, held: int) -> float:
        """Return the seconds of a step that nothing else holds up."""
        return max(self.step_bytes_s(many, held), self.step_operations(many) / self.operations_s)

    def attainable(self, least: Least) -> float:
        """Return the requests a second if nothing is done but what llama.cpp must, at the rates measured."""
        return least.requests / (
            least.prompt_tokens / self.prompt_tokens_s
            + least.reply_tokens * self.step_s[self.best_step] / self.best_step
        )

    def roof(self, least: Least) -> float:
        """Return the requests a second if steps too were bound by nothing but bytes or operations."""
        token_s = min(self.step_roof_s(many, least.held) / many for many in self.step_s)
        prompt_s = 2 * self.layer_weights / self.operations_s
        return least.requests / (least.prompt_tokens * prompt_s + least.reply_tokens * token_s)


def least(model: Model, load: Load) -> Least:
    """Count what ``load`` needs at the least, replies being as the scripts have them."""
    prompts: list[list[int]] = []  # the last of each conversation
    held = 0
    for conversation in load.conversations():
        messages = list(conversation.begun)
        for question, reply in conversation.turns:
            messages.append(Message("user", question))
            prompt = model.text.prompt(messages)
            held += len(prompt) + load.out // 2
            said = b"".join(piece for _, piece in model.text.script(reply)[: load.out])
            messages.append(Message("assistant", said.decode("utf-8", "replace")))
        prompts.append(prompt)
    shared = _common(prompts) if len(prompts) > 1 else 0
    requests = load.users * load.turns
    # All replies of a conversation but the last one are within its last prompt, and were computed in steps.
    stepped = load.out - 1
    replied_before = load.users * (load.turns - 1) * stepped
    return Least(
        requests=requests,
        prompt_tokens=sum(map(len, prompts)) - replied_before - (load.users - 1) * shared,
        reply_tokens=requests * stepped,
        held=held // requests,
        longest=max(map(len, prompts)) + load.out,
    )


def measured(model: Model, path: Path, users: int, held: int) -> Rates:
    """Measure ``model`` on this machine where each of at most ``users`` conversations holds ``held`` tokens."""
    prompt_s: list[float] = []
    steps: dict[int, list[float]] = {many: [] for many in sorted({*STEPS, users}) if many <= users}
    for flash_attention in (True, False):
        context = Context(
            model,
            sequences=users,
            length=max(held + 8, PREFILL),
            batch=PREFILL,
            threads=usable_cpus(),
            key_value_type="f16",
            flash_attention=flash_attention,
        )
        prompt_s.append(min(_prompt(context) for _ in range(TIMES)))
        context.clear(0)
        _fill(context, held)
        for many in steps:
            steps[many].append(min(_step(context, many, held) for _ in range(TIMES)))
        context.close()
    words = model.library.llama_model_n_embd(model.pointer) * model.words
    # Where they are two, the table in which words are looked up is not multiplied by.
    matrices = 2 if any(each.name == "output.weight" for each in GGUFReader(path).tensors) else 1
    return Rates(
        prompt_tokens_s=PREFILL / min(prompt_s),
        step_s={many: min(found) for many, found in steps.items()},
        copied_bytes_s=copied_bytes_s(),
        weight_bytes=path.stat().st_size,
        layer_weights=model.library.llama_model_n_params(model.pointer) - matrices * words,
        word_weights=words,
        token_bytes=model.bytes_a_token("f16"),
    )


def copied_bytes_s() -> float:
    """Return the bytes a second that this machine reads and writes while it copies memory."""
    count = usable_cpus()
    pairs = [(np.ones(COPIED_BYTES, np.uint8), np.empty(COPIED_BYTES, np.uint8)) for _ in range(count)]
    took: list[float] = []
    with ThreadPoolExecutor(count) as threads:
        for _ in range(TIMES):
            began = perf_counter()
            list(threads.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))
            took.append(perf_counter() - began)
    return 2 * COPIED_BYTES * count / min(took)


def lines(rates: Rates, needs: Least) -> Iterator[str]:
    """Yield what to print of one model and load."""
    yield (
        f"prompt {rates.prompt_tokens_s:.0f} tokens/s  {rates.operations_s / 1e9:.0f} thousand million operations/s  "
        f"copying {rates.copied_bytes_s / 1e9:.1f} GB/s"
    )
    for many, step_s in rates.step_s.items():
        bytes_s, operations_s = rates.step_bytes_s(many, needs.held), rates.step_operations(many) / rates.operations_s
        yield (
            f"step of {many:2d} holding {needs.held} each  {step_s * 1000:.1f} ms ({many / step_s:.0f} tokens/s)  "
            f"its bytes {bytes_s * 1000:.1f} ms  its operations {operations_s * 1000:.1f} ms"
        )
    yield (
        f"a request needs at least {needs.prompt_tokens / needs.requests:.1f} tokens of prompts and "
        f"{needs.reply_tokens / needs.requests:.1f} of replies"
    )
    yield (
        f"attainable {rates.attainable(needs):.2f} requests/s (steps of {rates.best_step})  "
        f"roof {rates.roof(needs):.2f} requests/s"
    )


def _prompt(context: Context) -> float:
    context.clear(0)
    began = perf_counter()
    [place] = context.decode([Piece(0, _tokens(PREFILL), last=True)]).values()
    context.logits(place)
    return perf_counter() - began


def _fill(context: Context, held: int) -> None:
    """Let every conversation hold so many tokens."""
    for start in range(0, held, PREFILL):
        context.decode([Piece(0, _tokens(min(PREFILL, held - start)), last=False)])
    state = context.save(0)
    for sequence in range(1, context.sequences):
        context.restore(sequence, state, held)


def _step(context: Context, many: int, held: int) -> float:
    for sequence in range(many):
        context.cut(sequence, held)
    pieces = [Piece(sequence, _tokens(1), last=True) for sequence in range(many)]
    began = perf_counter()
    for place in context.decode(pieces).values():
        context.logits(place)
    return perf_counter() - began


def _tokens(count: int) -> list[int]:
    return [100 + place % 3000 for place in range(count)]


def _common(prompts: list[list[int]]) -> int:
    """Return with how many tokens all of them begin."""
    first, last = min(prompts), max(prompts)
    alike = [one == other for one, other in zip(first, last, strict=False)]
    return [*alike, False].index(False)


def main() -> None:
    """Measure, and print the bounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--loads", nargs="+", choices=list(LOADS), default=list(LOADS))
    given = parser.parse_args()
    for name in given.models:
        path = resolve(name).path
        model = Model(path, use_mmap=True, repack=True)
        for each in given.loads:
            needs = least(model, LOADS[each])
            print(f"{name}, {each}:")
            for line in lines(measured(model, path, LOADS[each].users, needs.held), needs):
                print(f"  {line}", flush=True)
        model.close()


if __name__ == "__main__":
    main()
