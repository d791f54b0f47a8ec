"""cgroup v1 on recorded trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits.cgroup_v1 import CgroupV1, V1Reader
from experiments.measuring.profiles import Profile

from .recorded import SWAPS, V1_CPU_FILES, Recorded, legacy

MEMORY = "sys/fs/cgroup/memory"
CPU = "sys/fs/cgroup/cpu,cpuacct"


def test_groups_are_made_below_our_own_in_both_hierarchies(tmp_path: Path, profile: Profile) -> None:
    run = CgroupV1(legacy(tmp_path, "/box")).open_run("r1", profile)
    assert run.clean_up_paths() == [
        str(tmp_path / MEMORY / "box/fourgig-r1"),
        str(tmp_path / CPU / "box/fourgig-r1"),
    ]
    run.close()
    run.close()
    assert not any((tmp_path / "sys").rglob("fourgig-*"))


def test_a_trial_is_limited_in_memory_swap_and_processors(tmp_path: Path, profile: Profile) -> None:
    trial = CgroupV1(legacy(tmp_path)).open_run("r1", profile).trial("t1")
    memory, cpu = tmp_path / MEMORY / "fourgig-r1/t1", tmp_path / CPU / "fourgig-r1/t1"
    assert (memory / "memory.limit_in_bytes").read_text() == "4294967296"
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == "4294967296"
    assert (cpu / "cpu.cfs_quota_us").read_text() == "200000"
    command = trial.command(["python"])
    assert command[-4:] == [str(memory / "cgroup.procs"), str(cpu / "cgroup.procs"), "--", "python"]


def test_charging_is_hierarchical(tmp_path: Path, profile: Profile) -> None:
    CgroupV1(legacy(tmp_path)).open_run("r1", profile)
    assert (tmp_path / MEMORY / "fourgig-r1/memory.use_hierarchy").read_text() == "1"


def test_processor_time_may_be_counted_in_a_hierarchy_of_its_own(tmp_path: Path, profile: Profile) -> None:
    kernel = legacy(tmp_path)
    mounts = (tmp_path / "proc/self/mountinfo").read_text().replace("rw,cpu,cpuacct", "rw,cpu")
    mounts += "37 31 0:34 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
    kernel.put({"proc/self/mountinfo": mounts, "proc/self/cgroup": "4:memory:/\n3:cpu:/\n2:cpuacct:/\n"})
    kernel.put(V1_CPU_FILES, "/sys/fs/cgroup/cpuacct")
    run = CgroupV1(kernel).open_run("r1", profile)
    trial = run.trial("t1")
    (tmp_path / "sys/fs/cgroup/cpuacct/fourgig-r1/t1/cpuacct.usage").write_text("1500000000\n")
    assert trial.cpu_seconds() == 1.5
    assert len(run.clean_up_paths()) == 3


def test_without_the_right_to_write_it_is_not_usable(tmp_path: Path, profile: Profile) -> None:
    kernel = legacy(tmp_path, read_only=(f"/{MEMORY}",))
    availability = CgroupV1(kernel).availability(profile)
    assert (availability.usable, availability.remedy) == (False, "run it as root")
    with pytest.raises(CannotEnforce, match="may not be written"):
        CgroupV1(kernel).open_run("r1", profile)


def test_a_limit_set_above_what_we_can_see_is_an_obstacle(tmp_path: Path, profile: Profile) -> None:
    kernel = legacy(tmp_path)
    (tmp_path / MEMORY / "memory.stat").write_text("cache 0\nhierarchical_memory_limit 1073741824\n")
    availability = CgroupV1(kernel).availability(profile)
    assert not availability.usable
    assert "1 GiB" in availability.reason


def test_swap_that_the_kernel_does_not_account_for_is_an_obstacle(tmp_path: Path, profile: Profile) -> None:
    kernel = legacy(tmp_path)
    (tmp_path / MEMORY / "memory.memsw.limit_in_bytes").unlink()
    assert CgroupV1(kernel).availability(profile).usable
    kernel.put({"proc/swaps": SWAPS + "/dev/sda2 partition 2097148 0 -2\n"})
    assert "swapoff" in CgroupV1(kernel).availability(profile).remedy


def test_memory_is_told_apart_and_a_full_page_cache_is_no_kill(tmp_path: Path) -> None:
    kernel = Recorded(tmp_path)
    kernel.put(
        {
            "memory.usage_in_bytes": "67104768\n",
            "memory.max_usage_in_bytes": "67108864\n",
            "memory.failcnt": "9147\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
            "memory.stat": (
                "cache 1\nrss 2\ntotal_cache 60817408\ntotal_rss 6389760\n"
                "total_workingset_refault_anon 0\ntotal_workingset_refault_file 653\n"
            ),
        }
    )
    memory = V1Reader(kernel, tmp_path, None).memory()
    assert (memory.current_bytes, memory.peak_bytes) == (67104768, 67108864)
    assert (memory.anonymous_bytes, memory.file_bytes) == (6389760, 60817408)
    assert (memory.refaults, memory.oom_kills) == (653, 0)
    assert V1Reader(kernel, tmp_path, None).cpu_seconds() is None
