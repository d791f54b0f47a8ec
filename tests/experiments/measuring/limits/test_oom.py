"""Whose limit a kill is blamed on, from the kernel's own counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.measuring.limits import kills
from experiments.measuring.limits.cgroup_v2 import CgroupV2, V2Reader
from experiments.measuring.limits.enclosing import Enclosing
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.profiles import Profile

from .recorded import unified

RUN = "sys/fs/cgroup/fourgig-r1"


def events(oom: int, oom_kill: int) -> str:
    return f"low 0\nhigh 0\nmax 912\noom {oom}\noom_kill {oom_kill}\noom_group_kill 0\n"


def test_a_group_nobody_was_killed_in_has_no_kill(profile: Profile) -> None:
    assert kills.of(GroupMemory(), profile) is None
    assert kills.of(GroupMemory(oom_kills=0, limit_ooms=3, peak_bytes=profile.memory_bytes), profile) is None


@pytest.mark.parametrize(
    ("local", "own"), [(events(1, 1), True), (events(0, 1), False), (None, True)], ids=["own", "above", "before 5.2"]
)
def test_on_v2_the_group_whose_limit_it_was_counts_the_shortage(
    tmp_path: Path, profile: Profile, local: str | None, own: bool
) -> None:
    kernel = unified(tmp_path)
    trial = CgroupV2(kernel).open_run("r1", profile).trial("t1")
    kernel.put({"memory.events": events(1, 1)}, f"{RUN}/t1")  # with those of the groups below
    if local is not None:
        kernel.put({"memory.events.local": local}, f"{RUN}/t1")
    kill = kills.of(trial.memory(), profile)
    assert kill is not None
    assert kill.at_its_limit is own
    assert ("at the limit of 4 GiB (4gb)" in kill.reason) is own


def test_without_such_a_count_the_peak_tells(profile: Profile) -> None:
    for peak, own in ((2**30, False), (profile.memory_bytes - 4096, True), (None, True)):
        kill = kills.of(GroupMemory(oom_kills=2, peak_bytes=peak), profile)
        assert kill is not None
        assert kill.at_its_limit is own
    far = kills.of(GroupMemory(oom_kills=2, peak_bytes=2**30), profile)
    assert far is not None
    assert "held at most 1 GiB" in far.reason


def test_an_enclosing_limit_that_is_the_profile_may_be_carried_by_a_group_above_ours(
    tmp_path: Path, profile: Profile
) -> None:
    kernel = unified(tmp_path, "/box/inner", superuser=False)
    kernel.put({"memory.max": f"{profile.memory_bytes}\n", "memory.events.local": events(4, 0)}, "sys/fs/cgroup/box")
    mine = "sys/fs/cgroup/box/inner"
    kernel.put({"memory.current": "1000\n", "cpu.max": "200000 100000\n", "memory.events": events(0, 0)}, mine)
    trial = Enclosing(kernel).open_run("r1", profile).trial("t1")
    kernel.put({"memory.events": events(0, 1)}, mine)
    elsewhere = kills.of(trial.memory(), profile)
    assert elsewhere is not None
    assert not elsewhere.at_its_limit
    kernel.put({"memory.events.local": events(5, 0)}, "sys/fs/cgroup/box")
    own = kills.of(trial.memory(), profile)
    assert own is not None
    assert own.at_its_limit


def test_a_group_that_tells_nothing_of_its_limit_is_unknown_there(tmp_path: Path) -> None:
    assert V2Reader(unified(tmp_path), tmp_path).memory().limit_ooms is None
