"""Kill -9 of the runner at random points of a run: nothing is lost, nothing is doubled, nothing stays behind."""

import os
import random
import signal
import subprocess

import pytest

from experiments.measuring import records
from tests.experiments.conftest import FOURGIG
from tests.experiments.measuring.test_interruption import left_behind, wait_until

KILLS = int(os.environ.get("FOURGIG_KILLS", "3"))
"""How often; FOURGIG_KILLS=100 takes some ten minutes."""

WAYS = ",".join(f"naps-{number}" for number in range(8))


def _on(out):
    """Return the arguments that begin a run in ``out``, or go on with the one there."""
    if (out / "run.json").exists():
        return ["--resume", str(out)]
    return ["probe", "--engine", "simulated", "--blocks", "2", "--out", str(out)]


@pytest.mark.parametrize("seed", [7])
@pytest.mark.long
def test_killed_at_random_points_a_run_loses_nothing_and_leaves_nothing(
    outside_package, fourgig, enforcement, tmp_path, seed
):
    rng = random.Random(seed)
    out, kept = tmp_path / "killed", []
    for kill in range(KILLS):
        process = subprocess.Popen(
            [FOURGIG, "run", *_on(out), *enforcement],
            env={**outside_package, "PROBE": WAYS, "COLUMNS": "200"},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(rng.uniform(0.2, 6.0))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        try:
            wait_until(lambda: left_behind(tmp_path) == ([], [], set()))
        except AssertionError:
            raise AssertionError(f"after kill {kill}: {left_behind(tmp_path)}") from None
        found = [record.key for record in records.read(out / "trials.jsonl")]
        assert found[: len(kept)] == kept, f"after kill {kill}"
        kept = found
        if len(kept) == 16:
            out, kept = tmp_path / f"killed-{kill}", []
    done = fourgig("run", *_on(out), *enforcement, PROBE=WAYS)
    assert done.returncode == 0, done.stderr
    found = [record.key for record in records.read(out / "trials.jsonl")]
    assert found[: len(kept)] == kept
    assert len(found) == len(set(found)) == 16
