"""What each way of retrieval finds in the conversations of tests/conversations, which people wrote.

    python -m tests.benchmarks.written

Recall@10: of the turns that hold the answer, the share that is among the ten found, as ``fourgig recall`` has it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from experiments.grading.archives import ALL, ask, means
from experiments.grading.stores import VARIANTS
from experiments.measuring import code
from experiments.workloads import archives

CONVERSATIONS = Path(__file__).parents[1] / "conversations"


def main() -> None:
    """Print a line a file and store."""
    print("What each way of retrieval finds in conversations that people wrote: recall@10")
    print(f"code version {code.version(None, 'memory')}; {datetime.now(UTC):%Y-%m-%d}")
    print("\n$ python -m tests.benchmarks.written")
    for part in ("settled", "held-out"):
        for path in sorted((CONVERSATIONS / part).glob("*.json")):
            found = archives.read(path)
            asked = sum(len(one.questions) for one in found)
            print(f"\n{part}/{path.name}: {sum(len(one.turns) for one in found)} turns, {asked} questions")
            for name in VARIANTS:
                kinds = means(ask(found, name, ()))
                by_kind = "  ".join(f"{kind} {each['recall@10']:.3f}" for kind, each in kinds.items() if kind != ALL)
                print(f"{name:20s} {kinds[ALL]['recall@10']:.3f}   {by_kind}", flush=True)


if __name__ == "__main__":
    main()
