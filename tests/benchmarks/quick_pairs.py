"""Whether a trial of the preset quick takes longer with the real model than with random weights of the same shape.

    python -m tests.benchmarks.quick_pairs FOLDER [PAIRS] [WORKLOAD]

Runs ``fourgig run load --preset quick --part inference --blocks 1`` with either model, in pairs of one seed each, in
the order random, real, real, random, and so on; the runs go into FOLDER, and one that is there already is read. Each
model is asked as it is by default, the real one in English only; with a WORKLOAD (`generated-english`) both are asked
the same. For a quiet machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from experiments.measuring import records
from experiments.measuring.records import WORKLOAD, Outcome, Record
from experiments.measuring.runs import TRIALS
from experiments.metrics.cpu_per_request import cpu_per_request
from experiments.metrics.interface import Missing
from tests.benchmarks.quantisations import headline, ratio

PAIRS = 4
RANDOM, REAL = "135m:q4_0", "smollm2:q4_0"
TRIAL, REPLY, CPU, COMPUTED = "the whole trial, s", "until the last reply, s", "CPU a request, s", "tokens computed"

Cell = tuple[str, str]
"""Users and subject."""


def run(folder: Path, model: str, seed: int, workload: str) -> list[Record]:
    """Return the records of one run, which is made unless it is there."""
    path = folder / f"{model.partition(':')[0]}-{seed}"
    if not (path / TRIALS).exists():
        command = [
            sys.executable,
            "-c",
            "from experiments.commands.cli import main; main()",
            "run",
            "load",
            "--preset",
            "quick",
        ]
        command += ["--part", "inference", "--blocks", "1", "--seed", str(seed), "--model", model]
        subprocess.run([*command, "--workload", workload, "--out", str(path)], check=True, stdout=subprocess.DEVNULL)
    return records.read(path / TRIALS)


def seen(record: Record) -> dict[str, float]:
    """Return what is compared of a trial."""
    client, subject = record.part("client"), record.part()
    cpu = cpu_per_request(record)
    assert record.outcome is Outcome.OK, f"{record.spec.subject}: {record.outcome}, {record.reason}"
    assert client is not None
    assert subject is not None
    assert not isinstance(cpu, Missing), cpu
    counted = subject.counters
    return {
        TRIAL: record.outside.duration_s,
        REPLY: max(row.finished_s for row in client.requests),
        CPU: cpu,
        COMPUTED: counted["prompt_tokens"] - counted["reused_tokens"],
    }


def main() -> None:
    """Measure what is not measured yet, and print."""
    folder = Path(sys.argv[1])
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else PAIRS
    workload = sys.argv[3] if len(sys.argv) > 3 else WORKLOAD
    found: dict[str, dict[Cell, list[dict[str, float]]]] = {RANDOM: {}, REAL: {}}
    said: set[str] = set()
    for seed in range(1, pairs + 1):
        for model in (RANDOM, REAL)[:: 1 if seed % 2 else -1]:
            for record in run(folder, model, seed, workload):
                if record.spec.twin:
                    continue
                cell = str(record.spec.condition["users"]), record.spec.subject
                found[model].setdefault(cell, []).append(seen(record))
                said.add(f"{model} {record.spec.workload}")
    headline(
        "Whether a trial of the preset quick takes longer with the real model than with random weights of its shape"
    )
    print(f"{pairs} pairs; {', '.join(sorted(said))}; {REAL} over {RANDOM}, geometric mean and 95 % interval\n")
    for cell, real in sorted(found[REAL].items()):
        made = found[RANDOM][cell]
        for what in (TRIAL, REPLY, CPU, COMPUTED):
            ours, theirs = [each[what] for each in real], [each[what] for each in made]
            medians = f"medians {median(theirs):.4g}, {median(ours):.4g}"
            print(f"{cell[0]:>3} users {cell[1]:22} {what:24} {ratio(ours, theirs):26} {medians}", flush=True)


if __name__ == "__main__":
    main()
