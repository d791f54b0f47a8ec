"""A container whose own limit is the profile, on recorded trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits.enclosing import Enclosing, usable_memory
from experiments.measuring.profiles import Profile

from .recorded import SWAPS, Recorded, legacy, unified

V2 = "sys/fs/cgroup/box"


@pytest.fixture
def container(tmp_path: Path, profile: Profile) -> Recorded:
    kernel = unified(tmp_path, "/box", superuser=False)
    kernel.put(
        {
            "memory.max": f"{profile.memory_bytes}\n",
            "memory.swap.max": "0\n",
            "cpu.max": "200000 100000\n",
            "memory.current": "1000\n",
            "memory.peak": "9000\n",
            "memory.stat": "anon 700\nfile 300\nworkingset_refault_file 5\n",
            "memory.events": "oom_kill 3\n",
            "cpu.stat": "usage_usec 4000000\n",
        },
        V2,
    )
    return kernel


def test_a_limit_equal_to_the_profile_is_usable_and_says_it_is_shared(container: Recorded, profile: Profile) -> None:
    availability = Enclosing(container).availability(profile)
    assert availability.usable
    assert "shares" in availability.reason


@pytest.mark.parametrize(
    ("name", "text"), [("memory.max", "max"), ("memory.max", "2147483648"), ("cpu.max", "max 100000")]
)
def test_another_limit_is_not_the_profile(
    container: Recorded, profile: Profile, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / V2 / name).write_text(text)
    availability = Enclosing(container).availability(profile)
    assert not availability.usable
    assert "--memory 4294967296 --memory-swap 4294967296 --cpus 2" in availability.remedy
    with pytest.raises(CannotEnforce):
        Enclosing(container).open_run("r1", profile)


def test_affinity_confines_as_well_as_a_quota(container: Recorded, profile: Profile, tmp_path: Path) -> None:
    (tmp_path / V2 / "cpu.max").write_text("max 100000\n")
    container.put({"proc/self/status": "Cpus_allowed_list:\t0,2\n"})
    assert Enclosing(container).availability(profile).usable


def test_swap_matters_only_where_there_is_some(container: Recorded, profile: Profile, tmp_path: Path) -> None:
    (tmp_path / V2 / "memory.swap.max").write_text("max\n")
    assert Enclosing(container).availability(profile).usable
    container.put({"proc/swaps": SWAPS + "/swapfile file 2097148 0 -2\n"})
    assert "swap" in Enclosing(container).availability(profile).reason


def test_counters_are_differences_and_an_old_peak_is_not_ours(
    container: Recorded, profile: Profile, tmp_path: Path
) -> None:
    trial = Enclosing(container).open_run("r1", profile).trial("t1")
    container.put({"memory.events": "oom_kill 4\n", "memory.stat": "anon 1\nworkingset_refault_file 12\n"}, V2)
    container.put({"cpu.stat": "usage_usec 5500000\n"}, V2)
    memory = trial.memory()
    assert (memory.oom_kills, memory.refaults, memory.peak_bytes) == (1, 7, None)
    assert trial.cpu_seconds() == 1.5
    assert trial.pids() == []


def test_a_v1_container_is_recognized_and_its_peak_reset(tmp_path: Path, profile: Profile) -> None:
    kernel = legacy(tmp_path, "/docker/abc", mount_root="/docker/abc")
    memory = "sys/fs/cgroup/memory"
    kernel.put({"memory.limit_in_bytes": "4294967296\n", "memory.memsw.limit_in_bytes": "4294967296\n"}, memory)
    kernel.put({"memory.max_usage_in_bytes": "9999\n", "memory.usage_in_bytes": "10\n"}, memory)
    kernel.put({"cpu.cfs_quota_us": "200000\n"}, "sys/fs/cgroup/cpu,cpuacct")
    assert Enclosing(kernel).availability(profile).usable
    assert Enclosing(kernel).open_run("r1", profile).trial("t1").memory().peak_bytes == 0


def test_what_a_process_may_use_is_the_tightest_of_its_limits_and_the_machine(
    container: Recorded, profile: Profile
) -> None:
    container.put({"proc/meminfo": f"MemTotal: {16 * 2**20} kB\n"})
    assert usable_memory(container) == profile.memory_bytes
    container.put({"memory.max": "max\n"}, V2)
    assert usable_memory(container) == 16 * 2**30
    container.put({"memory.max": f"{2**40}\n"}, V2)
    assert usable_memory(container) == 16 * 2**30


def test_a_machine_that_says_nothing_of_its_memory_has_none_known(tmp_path: Path) -> None:
    assert usable_memory(Recorded(tmp_path)) is None
