"""The measurement itself: each way in turn, and another than the usual one only where it is clearly better.

What is measured is what questions are made of: conversations that hold 300 tokens each say one token in every step, and
now and then one of them reads a question of 40. A machine is seldom quiet: every way is tried several times, the ways
alternate, and of a better one both the shortest time and the middle one are shorter by a twentieth. Short steps are
measured some together, and none right after the number of threads was changed: starting threads takes as long as a
step. Where what was measured twice took another time the second time, nothing is chosen.

A first look at some tokens says how fast the model is, and so what can be waited for. Where not even that comes in
time, everything stays as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeVar

import msgspec

from systems.engines.batched.context import Model
from systems.engines.calibration.case import CalibrationCase, EngineChoice
from systems.engines.calibration.conversations import HELD, LENGTH, LOOK, PROMPT, QUESTION, HeldConversations
from systems.engines.calibration.machine import cores, waited_s
from systems.errors import EngineBusy, EngineError, ModelError

W = TypeVar("W")

Work = Callable[[], object]

_REPLY = 32  # tokens

_CLEARLY = 0.95  # the share of the usual way's time that a better one takes at most

_FEWEST, _MOST = 3, 9  # rounds that count
_ENOUGH_S = 3.0  # of one comparison that has its fewest rounds
_TOKENS_TOGETHER = 8  # of steps whose time is measured as one
_LONGEST_S = 10.0  # of one comparison that is begun at all
_LOOK_S = 20.0  # until the model is loaded and looked at

# How long the replies that run may stand still for a part of another's prompt, and the shortest part.
_STALLED_S, _SHORTEST_CHUNK = 1.0, 32

_MICRO_BATCHES = (128, 64)

# Where every thread waits for more than this share of the time until others leave it a CPU, what is measured is them.
_DISTURBED = 0.1
# So does a machine that takes so many times as long for the same: somebody beside it has what it counts as its own.
_ANOTHER_PACE = 1.5


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A choice and what led to it: ``milliseconds`` has the shortest time of all that was tried, by what and how.

    Where nothing could be tried, ``unmeasured`` says why in words, and the choice is the usual one.
    """

    choice: EngineChoice
    milliseconds: dict[str, dict[str, float]] = {}
    unmeasured: str = ""

    @property
    def said(self) -> str:
        """What was chosen, and the shortest times of what was tried."""
        choice = self.choice
        threads = count_of(choice.threads)
        if choice.prefill_threads != choice.threads:
            threads += f", {choice.prefill_threads} for prompts"
        tried = [
            f"{what}: {', '.join(f'{how} {took:.3g} ms' for how, took in ways.items())}"
            for what, ways in self.milliseconds.items()
        ]
        return "\n".join(
            [
                f"{_attention(choice.flash_attention)}, {threads}, micro-batch of {choice.micro_batch_tokens}, "
                f"chunk of {choice.chunk_tokens}",
                *([f"as usual: {self.unmeasured}"] if self.unmeasured else []),
                *tried,
            ]
        )


def measured(case: CalibrationCase) -> Calibration:
    """Load the model of ``case``, measure some seconds, and choose.

    Raises `EngineBusy` where other processes use the same CPUs, `ModelError`, and `EngineError`. With a large model,
    what would take long to compare stays as usual; and with one that takes long to be looked at, everything.
    """
    until = perf_counter() + _LOOK_S

    def in_time() -> bool:
        return perf_counter() < until

    try:
        with (
            closing(
                Model(Path(case.model_path), use_mmap=case.use_mmap, repack=case.repack, going_on=in_time)
            ) as model,
            ExitStack() as used,
        ):
            measurement = _Measurement(case, model, used)
            measurement.look(in_time)
            return measurement.made()
    except _TooSlow:
        pass
    except ModelError:
        if in_time():
            raise
    return Calibration(choice=case.usual, unmeasured=f"within {_LOOK_S:g} s it was not loaded and looked at")


class _TooSlow(Exception):
    """The model was not looked at in time."""


class _Measurement:
    """Compares one thing after the other, each with what was chosen before."""

    def __init__(self, case: CalibrationCase, model: Model, used: ExitStack) -> None:
        self._case, self._model, self._used = case, model, used
        self._count = _conversations(case, model)
        self._steps = max(1, _TOKENS_TOGETHER // self._count)
        self._step_s = 0.0
        self._choice = case.usual
        self._tried: dict[str, dict[str, float]] = {}
        self._best = self._conversations(flash_attention=self._choice.flash_attention)
        self._second_a_token = 0.0

    def look(self, in_time: Callable[[], bool]) -> None:
        """See how fast the model is. Raises `_TooSlow`, `EngineBusy`, `EngineError`."""
        with self._undisturbed():
            try:
                self._second_a_token = self._best.look(in_time) / LOOK
            except EngineError as error:
                if in_time():
                    raise
                too_slow = error
            else:
                return
        raise _TooSlow from too_slow

    def made(self) -> Calibration:
        """Return what comes of it."""
        if HELD * self._second_a_token <= _LONGEST_S:
            with self._undisturbed():
                self._second_a_token = self._best.fill() / HELD
            if self._case.may_choose_attention:
                self._choose_attention()
            if not self._case.threads_are_set:
                self._choose_threads()
            self._choose_micro_batch()
        self._choose_chunk()
        return Calibration(choice=self._choice, milliseconds=self._tried)

    def _choose_attention(self) -> None:
        """Choose by what a turn takes: a question, and the reply's share of the steps."""
        usual = self._choice.flash_attention
        if not self._affordable(2 * (self._count * self._steps + QUESTION)):
            return
        other = self._conversations(flash_attention=not usual)
        other.fill()
        ways = {usual: self._best, not usual: other}
        steps, questions = self._turns(
            {on: way.step for on, way in ways.items()}, {on: way.question for on, way in ways.items()}, _attention
        )
        turns = {
            on: [
                step * _REPLY / self._count + question for step, question in zip(steps[on], questions[on], strict=True)
            ]
            for on in ways
        }
        chosen = best(turns, usual)
        self._best, self._step_s = ways[chosen], min(steps[chosen])
        self._set(flash_attention=chosen)

    def _choose_threads(self) -> None:
        most = self._case.threads
        # All; one a core, where two share its units; one left to others; half.
        counts = sorted({most, min(most, cores()), max(1, most - 1), max(1, most // 2)}, reverse=True)
        if len(counts) == 1 or not self._affordable(len(counts) * (self._count * (self._steps + 2) + QUESTION)):
            return

        def with_threads(count: int) -> None:
            self._best.context.threads = self._best.context.prefill_threads = count
            self._best.step()

        steps, questions = self._turns(
            dict.fromkeys(counts, self._best.step), dict.fromkeys(counts, self._best.question), count_of, with_threads
        )
        pace = min(steps[most]) / self._step_s if self._step_s else 1.0
        if not 1 / _ANOTHER_PACE < pace < _ANOTHER_PACE:
            raise EngineBusy("The machine's pace changes: which way it likes best cannot be seen now.")
        self._set(threads=best(steps, most), prefill_threads=best(questions, most))
        self._best.context.threads = self._choice.threads
        self._best.context.prefill_threads = self._choice.prefill_threads

    def _choose_micro_batch(self) -> None:
        usual = self._choice.micro_batch_tokens
        sizes = [usual, *(size for size in _MICRO_BATCHES if size < usual)]
        if len(sizes) == 1 or not self._affordable(len(sizes) * PROMPT):
            return
        with self._undisturbed():
            took = timed({size: partial(self._best.prompt, min(size, PROMPT)) for size in sizes})
        self._show(took, f"a prompt of {PROMPT} tokens", _parts)
        chosen = best(took, usual)
        self._second_a_token = min(took[chosen]) / PROMPT
        self._set(micro_batch_tokens=chosen)

    def _choose_chunk(self) -> None:
        chunk = self._choice.chunk_tokens
        while chunk > _SHORTEST_CHUNK and chunk * self._second_a_token > _STALLED_S:
            chunk //= 2
        self._set(chunk_tokens=chunk)

    def _conversations(self, *, flash_attention: bool) -> HeldConversations:
        made = HeldConversations(self._case, self._model, self._count, flash_attention=flash_attention)
        return self._used.enter_context(closing(made))

    def _set(self, **chosen: bool | int) -> None:
        self._choice = msgspec.structs.replace(self._choice, **chosen)

    def _affordable(self, tokens: int) -> bool:
        """Return whether the fewest rounds, each of so many ``tokens``, and one before them can be waited for."""
        return (_FEWEST + 1) * tokens * self._second_a_token <= _LONGEST_S

    def _turns(
        self,
        steps: Mapping[W, Work],
        questions: Mapping[W, Work],
        named: Callable[[W], str],
        ready: Callable[[W], object] = lambda _: None,
    ) -> tuple[dict[W, list[float]], dict[W, list[float]]]:
        """Return the seconds of steps and of questions, measured in the same rounds, each when its way is ``ready``."""

        def several(step: Work) -> None:
            for _ in range(self._steps):
                step()

        ways: dict[tuple[W, bool], Work] = {(way, True): partial(several, work) for way, work in steps.items()}
        ways |= {(way, False): work for way, work in questions.items()}
        with self._undisturbed():
            took = timed(ways, lambda way: ready(way[0]))
        found = [
            {way: [seconds / count for seconds in took[way, is_step]] for way in steps}
            for is_step, count in ((True, self._steps), (False, 1))
        ]
        self._show(found[0], f"a step of {self._count}", named)
        self._show(found[1], f"a question of {QUESTION} tokens", named)
        return found[0], found[1]

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Measure. Raises `EngineBusy` if others had the CPUs meanwhile."""
        began, waited = perf_counter(), waited_s()
        yield
        if waited_s() - waited > _DISTURBED * (perf_counter() - began) * self._case.threads:
            raise EngineBusy("Other processes use the CPUs: which way this machine likes best cannot be seen now.")

    def _show(self, took: Mapping[W, Sequence[float]], what: str, named: Callable[[W], str]) -> None:
        tried = self._tried.setdefault(what, {})
        for way, seconds in took.items():
            tried.setdefault(named(way), round(min(seconds) * 1000, 2))


def timed(ways: Mapping[W, Work], ready: Callable[[W], object] = lambda _: None) -> dict[W, list[float]]:
    """Return how long each way took, in seconds, in rounds of one after the other; a first round does not count.

    What makes a way ``ready`` does not count either.
    """
    took: dict[W, list[float]] = {way: [] for way in ways}
    for way, work in ways.items():
        ready(way)
        work()
    began = perf_counter()
    for round_ in range(_MOST):
        if round_ >= _FEWEST and perf_counter() - began > _ENOUGH_S:
            break
        for way, work in ways.items():
            ready(way)
            started = perf_counter()
            work()
            took[way].append(perf_counter() - started)
    return took


def best(took: Mapping[W, Sequence[float]], usual: W) -> W:
    """Return the way that is clearly better than the usual one, and of several the best; the usual one if none is."""
    better = [
        way
        for way, seconds in took.items()
        if min(seconds) <= _CLEARLY * min(took[usual]) and median(seconds) <= _CLEARLY * median(took[usual])
    ]
    return min(better, key=lambda way: min(took[way]), default=usual)


def _conversations(case: CalibrationCase, model: Model) -> int:
    """Return in how many conversations it is measured: two contexts of them take half the memory at most."""
    each = LENGTH * model.bytes_a_token(case.key_value)
    count = case.conversations
    while count > 1 and 4 * count * each > case.memory_bytes:
        count //= 2
    return count


def _attention(on: bool) -> str:
    return "flash attention" if on else "without flash attention"


def count_of(threads: int) -> str:
    """Return so many threads in words."""
    return f"{threads} threads" if threads > 1 else "1 thread"


def _parts(size: int) -> str:
    return f"{min(size, PROMPT)} at once"
