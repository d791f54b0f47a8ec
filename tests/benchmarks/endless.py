"""How often a reply of the real model never ends, by repeat penalty.

    python -m tests.benchmarks.endless [--penalties 1.0 1.05 1.1 1.2] [--seeds 1] [--most 400] [--model smollm2]

Each of the settled everyday messages is asked by itself, after the agent's own system prompt, and sampled as the model
is advised to be (temperature 0.2, top-p 0.9), but for the penalty. A reply that is as long as it may be has not ended.
That it *goes round* means that its last forty characters stand in it at least three times. Shares come with Wilson's
95 % interval.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from rich.progress import track
from scipy.stats import binomtest

from experiments.measuring import code
from experiments.workloads.everyday import read
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import Call, Generation, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.models.find import resolve
from systems.turn.layouts import LAYOUTS
from tests.benchmarks.everyday import CONVERSATIONS

_TAIL, _TIMES = 40, 3


def goes_round(reply: str) -> bool:
    """Return whether ``reply`` ends with what it has said before, again and again."""
    tail = reply[-_TAIL:]
    return len(tail) == _TAIL and sum(reply.startswith(tail, at) for at in range(len(reply))) >= _TIMES


def _share(count: int, of: int) -> str:
    low, high = binomtest(count, of).proportion_ci(method="wilson")
    return f"{count:3d} of {of} ({count / of:.3f} [{low:.3f}, {high:.3f}])"


def main() -> None:
    """Ask, and print a line a penalty."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.endless")
    parser.add_argument("--penalties", type=float, nargs="+", default=[1.0, 1.05, 1.1, 1.2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--most", type=int, default=400, help="tokens")
    parser.add_argument("--model", default="smollm2")
    given = parser.parse_args()
    messages = [turn.say for talk in read(CONVERSATIONS / "settled.json") for turn in talk.turns]
    system = Message("system", LAYOUTS[AsynchronousSettings().layout].system_prompt)
    engine = LlamaEngine(LlamaSettings(model_path=str(resolve(given.model).path), threads=2))
    engine.load()
    replies: dict[float, list[Generation]] = {penalty: [] for penalty in given.penalties}
    todo = [(penalty, seed, text) for penalty in given.penalties for seed in given.seeds for text in messages]
    for penalty, seed, text in track(todo, "asking"):
        sampling = Sampling(temperature=0.2, top_k=40, top_p=0.9, min_p=0.0, repeat_penalty=penalty, seed=seed)
        said = [system, Message("user", text)]
        replies[penalty].append(engine.generate(Call(messages=said, max_tokens=given.most, sampling=sampling)))
    engine.close()
    print(
        f"Replies of {given.model} that do not end within {given.most} tokens, by repeat penalty; seeds {given.seeds}"
    )
    print(f"code version {code.version('asynchronous', 'memory')}; {datetime.now(UTC):%Y-%m-%d}\n")
    for penalty, said_so in replies.items():
        cut = [each for each in said_so if each.finish_reason == "length"]
        tokens = sum(each.generated_tokens for each in said_so) / len(said_so)
        print(
            f"penalty {penalty:4.2f}: not ended {_share(len(cut), len(said_so))}; of these going round "
            f"{sum(goes_round(each.text) for each in cut)}; {tokens:.0f} tokens a reply at the mean"
        )


if __name__ == "__main__":
    main()
