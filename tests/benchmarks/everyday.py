"""How well a real model answers sixty everyday messages, by layout and sampling, in the agent and alone.

    python -m tests.benchmarks.everyday [SPLIT] [--models smollm2,...] [--arms alone,list,...] [--samplings greedy,...]
                                        [--seeds 1,2,3] [--replies FILE] [--held]

The conversations are those of tests/conversations/everyday, six of ten messages: layout and sampling are chosen by the
``settled`` ones, the ``held-out`` ones are asked once that is done. *Alone* is the same model, with the newest ten
messages of the conversation and nothing else. The agent is the asynchronous one as it comes, with nothing cached; what
was said in an earlier conversation is in its memory. An arm is "alone" or a layout, which "/1" gives one memory at most
a turn, not three. Replies are at most 24 tokens.

A cell is a model, an arm, a sampling and a seed; its replies are appended to the file as soon as it is done, and a cell
that is there is not asked again. The table is of all cells of the split that the file holds. Shares come with Wilson's
95 % interval. The difference to the model alone is the mean of that of each conversation (and seed), with Student's
interval or the bootstrap's: messages of one conversation are not independent.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import msgspec
from scipy.stats import binomtest

from experiments.analysis.intervals import Estimate
from experiments.grading.everyday import EverydayGrade, grade
from experiments.measuring import code
from experiments.workloads.everyday import KINDS, REMEMBERING, EverydayTalk, read
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.interface import Call, Message, Sampling
from systems.interface import Request
from systems.memory.filling import fill
from systems.models.find import resolve
from systems.turn.layouts import LAYOUTS

CONVERSATIONS = Path(__file__).parents[1] / "conversations" / "everyday"
ALONE = "alone"
SAMPLINGS = {
    "greedy": Sampling(temperature=0.0, repeat_penalty=1.0),
    **{
        f"0.2/0.9/{penalty}": Sampling(temperature=0.2, top_k=40, top_p=0.9, min_p=0.0, repeat_penalty=penalty)
        for penalty in (1.0, 1.1, 1.2)
    },
}
"""Temperature, top-p and repeat penalty; greedy has no penalty. Nothing is left to the model's own."""

_TOKENS = 24
_HISTORY = 10  # messages: the agent's default


class Cell(msgspec.Struct, frozen=True):
    """The replies to the messages of one split, in order: a list a conversation."""

    split: str
    model: str
    arm: str
    sampling: str
    seed: int
    replies: list[list[str]]

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What is asked only once."""
        return self.split, self.model, self.arm, self.sampling, self.seed


async def _converse(conversations: Sequence[EverydayTalk], reply: Callable[..., object]) -> list[list[str]]:
    async def one(conversation: EverydayTalk) -> list[str]:
        return [await reply(conversation.name, turn.say) for turn in conversation.turns]  # type: ignore[misc]

    return list(await asyncio.gather(*map(one, conversations)))


async def _alone(engine: BatchedEngine, conversations: Sequence[EverydayTalk]) -> list[list[str]]:
    histories: dict[str, list[Message]] = {each.name: [] for each in conversations}

    async def reply(session: str, text: str) -> str:
        history = histories[session]
        asked = Message("user", text)
        call = Call(messages=[*history[-_HISTORY:], asked], max_tokens=_TOKENS, conversation=session)
        said = (await engine.reply(call)).text
        history += [asked, Message("assistant", said)]
        return said

    engine.load()
    try:
        return await _converse(conversations, reply)
    finally:
        engine.close()


async def _agent(engine: BatchedEngine, arm: str, conversations: Sequence[EverydayTalk]) -> list[list[str]]:
    layout, _, memories = arm.partition("/")
    with tempfile.TemporaryDirectory() as folder:
        for each in conversations:
            fill(Path(folder), each.name, each.before)
        settings = msgspec.convert(
            {"layout": layout, "cache_capacity": 0, **({"memories": int(memories)} if memories else {})},
            AsynchronousSettings,
        )
        agent = Asynchronous(settings, engine, Path(folder))

        async def reply(session: str, text: str) -> str:
            request = Request(id=text, session=session, text=text, max_tokens=_TOKENS)
            return (await agent.answer(request)).text

        await agent.start()
        try:
            return await _converse(conversations, reply)
        finally:
            await agent.close()


def ask(
    path: Path, arm: str, sampling: Sampling, threads: int, conversations: Sequence[EverydayTalk]
) -> list[list[str]]:
    """Return what the model at ``path`` replies, alone or in the agent as ``arm`` says."""
    engine = BatchedEngine(
        BatchedSettings(model_path=str(path), threads=threads, slots=len(conversations), sampling=sampling)
    )
    return asyncio.run(_alone(engine, conversations) if arm == ALONE else _agent(engine, arm, conversations))


def _share(grades: Sequence[bool]) -> str:
    low, high = binomtest(sum(grades), len(grades)).proportion_ci(method="wilson")
    return f"{sum(grades) / len(grades):.2f} [{low:.2f}, {high:.2f}]"


def _needs_no_memory(grades: Sequence[EverydayGrade]) -> list[bool]:
    return [each.right for each in grades if each.kind not in REMEMBERING]


def _table(cells: Sequence[Cell], conversations: Sequence[EverydayTalk]) -> Iterator[str]:
    """Yield a line a model, arm and sampling, the seeds together."""
    grades: dict[tuple[str, str, str], list[list[EverydayGrade]]] = {}
    for cell in cells:
        graded = [grade(each, replies) for each, replies in zip(conversations, cell.replies, strict=True)]
        grades.setdefault((cell.model, cell.arm, cell.sampling), []).extend(graded)
    head = ["model", "arm", "sampling", "n", "needs no memory", "less alone", "told earlier", *KINDS, "faults"]
    yield _line(head)
    for (model, arm, sampling), each in grades.items():
        together = [one for conversation in each for one in conversation]
        faults = Counter(one.fault for one in together if one.fault is not None)
        by_kind = {kind: [one.right for one in together if one.kind == kind] for kind in KINDS}
        yield _line(
            [
                *(model, arm, sampling, str(len(together))),
                _share(_needs_no_memory(together)),
                _difference(each, grades.get((model, ALONE, sampling), [])) if arm != ALONE else "–",
                _share([one.right for one in together if one.kind in REMEMBERING]),
                *(f"{sum(right) / len(right):.2f}" for right in by_kind.values()),
                ", ".join(f"{fault} {count}" for fault, count in faults.most_common()),
            ]
        )


def _line(cells: Sequence[str]) -> str:
    widths = [11, 15, 12, 4, 18, 21, 18, *(10 for _ in KINDS), 0]
    return " ".join(f"{cell:{width}s}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _difference(ours: Sequence[Sequence[EverydayGrade]], theirs: Sequence[Sequence[EverydayGrade]]) -> str:
    """Return by how much the share of right replies, where no memory is needed, is greater in ``ours``."""
    if len(ours) != len(theirs):
        return "–"
    shares = [[sum(right) / len(right) for right in map(_needs_no_memory, each)] for each in (ours, theirs)]
    estimate = Estimate([one - other for one, other in zip(*shares, strict=True)])
    low, high = estimate.interval()
    return f"{estimate.mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def _held(path: Path) -> list[Cell]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [msgspec.json.decode(line, type=Cell) for line in lines]


def main() -> None:
    """Ask what the file does not hold yet, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.everyday")
    parser.add_argument("split", choices=("settled", "held-out"), nargs="?", default="held-out")
    parser.add_argument("--models", default="smollm2")
    parser.add_argument("--arms", default=",".join([ALONE, *LAYOUTS]))
    parser.add_argument("--samplings", default=",".join(SAMPLINGS))
    parser.add_argument("--seeds", default="1", help="greedy has no use for more than the first")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--replies", type=Path, default=Path("results/everyday.jsonl"), help="ignored by git")
    parser.add_argument("--held", action="store_true", help="ask nothing: print what the file holds")
    given = parser.parse_args()
    conversations = read(CONVERSATIONS / f"{given.split}.json")
    cells = [cell for cell in _held(given.replies) if cell.split == given.split]
    done = {cell.key for cell in cells}
    seeds = [int(seed) for seed in given.seeds.split(",")]
    wanted = product(given.models.split(","), given.samplings.split(","), given.arms.split(","))
    for model, sampling, arm in () if given.held else wanted:
        for seed in seeds[:1] if SAMPLINGS[sampling].temperature == 0 else seeds:
            if (given.split, model, arm, sampling, seed) not in done:
                chosen = msgspec.structs.replace(SAMPLINGS[sampling], seed=seed)
                replies = ask(resolve(model).path, arm, chosen, given.threads, conversations)
                cells.append(Cell(given.split, model, arm, sampling, seed, replies))
                with given.replies.open("ab") as file:
                    file.write(msgspec.json.encode(cells[-1]) + b"\n")
    print(f"How well everyday messages are answered: the {given.split} conversations, seeds {given.seeds}")
    print(f"code version {code.version('asynchronous', 'memory')}; {datetime.now(UTC):%Y-%m-%d}\n")
    print(*_table(cells, conversations), sep="\n")


if __name__ == "__main__":
    main()
