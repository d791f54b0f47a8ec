"""A wall clock that is set during a run: what is measured does not depend on it, and the report stays sensible."""

import os
import random
import re
import subprocess
import sys
from datetime import datetime
from itertools import pairwise

import msgspec
import pytest

from experiments.analysis.run import load_run
from experiments.measuring import records
from experiments.measuring.records import Outcome
from experiments.report import sections
from tests.experiments.analysis import synthetic

# Every interpreter that finds it on its path sees a clock that jumps by hours, several times a second.
STEPPING = """
import datetime
import time

real, real_ns = time.time, time.time_ns


def off():
    return (0, 3600, -7200, 86400, -3600)[int(time.monotonic() * 7) % 5]


class Stepped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)


time.time = lambda: real() + off()
time.time_ns = lambda: real_ns() + off() * 10**9
"""
# The class of dates cannot be exchanged for all: libraries in C know it by its address.
COMMAND = """
import sitecustomize
from experiments.commands import cli
from experiments.measuring import trial

trial.datetime = sitecustomize.Stepped
cli.main()
"""


NEW = ("probe", "--engine", "simulated", "--out", "run")


@pytest.fixture
def stepped(outside_package, enforcement, tmp_path):
    """Return a function that runs the command where the wall clock jumps, in a process that no other test used."""
    site = tmp_path / "stepping"
    site.mkdir()
    (site / "sitecustomize.py").write_text(STEPPING)
    environment = {**outside_package, "PYTHONPATH": f"{site}{os.pathsep}{outside_package['PYTHONPATH']}"}

    def run(*arguments, probe):
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "run", *arguments, *enforcement],
            cwd=tmp_path,
            env={**environment, "PROBE": probe},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return records.read(tmp_path / "run" / "trials.jsonl")

    return run


def test_no_trial_is_lost_to_it_and_records_stay_in_order(stepped, tmp_path):
    found = stepped(*NEW, "--blocks", "2", probe="fine,naps,hangs,timed-1")
    outcomes = {(one.spec.block, one.spec.subject): one.outcome for one in found}
    assert outcomes == {
        (block, subject): Outcome.TIMED_OUT if subject == "hangs" else Outcome.OK
        for block in (0, 1)
        for subject in ("fine", "naps", "hangs", "timed-1")
    }
    assert [one.spec.block for one in found] == sorted(one.spec.block for one in found)
    # The clock did jump, and nothing that was measured followed it.
    starts = [datetime.fromisoformat(one.started_at).timestamp() for one in found]
    assert max(abs(after - before) for before, after in pairwise(starts)) > 1_800
    assert all(0 < one.outside.duration_s < 1_800 for one in found)
    assert all(one.outside.duration_s > 1.9 for one in found if one.outcome is Outcome.TIMED_OUT)
    page = (tmp_path / "run" / "report.html").read_text()
    [inside] = re.findall(r"<dt>time inside trials</dt><dd>(.*?)</dd>", page)
    assert "-" not in inside
    assert all(int(share) <= 100 for share in re.findall(r"(\d+)%", inside))


@pytest.mark.long
def test_a_run_goes_on_where_it_was(stepped):
    before = stepped(*NEW, "--blocks", "1", probe="fine,naps")
    after = stepped("--resume", "run", "--blocks", "2", probe="fine,naps")
    assert after[:2] == before
    assert [(one.spec.block, one.outcome) for one in after[2:]] == [(1, Outcome.OK)] * 2


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (("12:00:00", "12:01:00", "12:02:00"), "100% of 3 min"),
        (("12:00:00", "13:01:00", "13:02:00"), "5% of 63 min"),
        (("12:00:00", "11:01:00", "11:02:00"), "5% of 60 min"),
        (("12:00:00", "12:00:00", "12:00:00"), "3 min; of how long cannot be told"),
        (("12:00:30", "12:01:00", "12:00:00"), "3 min; of how long cannot be told"),
    ],
)
def test_the_time_inside_trials_is_a_share_or_not_told(tmp_path, starts, expected):
    some = list(synthetic.isolation(1, random.Random(1)))[:3]
    made = [
        msgspec.structs.replace(
            one, started_at=f"2000-01-01T{start}Z", outside=msgspec.structs.replace(one.outside, duration_s=60.0)
        )
        for one, start in zip(some, starts, strict=True)
    ]
    run = load_run(synthetic.write(tmp_path / "run", made))
    [inside] = [fact.values[0] for fact in sections.machine(run) if fact.name == "time inside trials"]
    assert inside.startswith(expected)
