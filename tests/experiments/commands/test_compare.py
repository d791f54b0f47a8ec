"""``fourgig compare`` as a person runs it: few blocks are shown, other machines are refused by what differs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.measuring.records import Part
from tests.experiments.analysis import synthetic

Fourgig = Callable[..., "subprocess.CompletedProcess[str]"]


def run_of(folder: Path, seconds: float, **info: Any) -> Path:
    made = [
        synthetic.record(
            synthetic.spec("load", "baseline", block, condition={"users": 1}),
            Part(role="client", requests=[synthetic.row(seconds * (1 + block / 10))]),
        )
        for block in range(2)
    ]
    return synthetic.write(folder, made, blocks=2, **info)


def test_two_blocks_give_indicative_ratios_and_no_regression(fourgig: Fourgig, tmp_path: Path) -> None:
    done = fourgig("compare", run_of(tmp_path / "a", 1.0), run_of(tmp_path / "b", 2.0))
    assert done.returncode == 0, done.stderr
    assert "Indicative: fewer than 6 blocks" in done.stdout
    assert "× 2.00" in done.stdout and "2.00 … 2.00, 2 blocks" in done.stdout
    assert "Nothing can be judged" in done.stdout


def test_another_machine_is_refused_by_what_differs(fourgig: Fourgig, tmp_path: Path) -> None:
    machines = ({"cpu_model": "one"}, {"cpu_model": "another"})
    before, after = (run_of(tmp_path / str(at), 1.0, environment=facts) for at, facts in enumerate(machines))
    done = fourgig("compare", before, after)
    assert done.returncode == 6
    assert "cpu_model: one against another" in done.stderr
    assert "Traceback" not in done.stderr
