"""cgroup v2 on recorded trees: where groups can be made, what is written, what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits.cgroup_v2 import CgroupV2, V2Reader
from experiments.measuring.profiles import Profile

from .recorded import Recorded, unified

TOP = "sys/fs/cgroup"


def test_root_makes_its_groups_at_the_top_and_leaves_it_as_it_was(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path)
    run = CgroupV2(kernel).open_run("r1", profile)
    assert (tmp_path / TOP / "cgroup.subtree_control").read_text() == "cpu memory"
    assert run.clean_up_paths() == [str(tmp_path / TOP / "fourgig-r1")]
    run.close()
    run.close()
    assert (tmp_path / TOP / "cgroup.subtree_control").read_text() == ""
    assert (tmp_path / TOP / "cgroup.procs").read_text() == "4711\n"
    assert not (tmp_path / TOP / "fourgig-r1").exists()


def test_only_the_controllers_we_enabled_are_disabled(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path)
    (tmp_path / TOP / "cgroup.subtree_control").write_text("memory pids\n")
    CgroupV2(kernel).open_run("r1", profile).close()
    assert (tmp_path / TOP / "cgroup.subtree_control").read_text() == "memory pids"


def test_root_in_a_session_uses_the_top_too(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path, "/user.slice/session-3.scope")
    run = CgroupV2(kernel).open_run("r1", profile)
    assert run.clean_up_paths() == [str(tmp_path / TOP / "fourgig-r1")]
    run.close()


def test_root_in_a_container_cannot_use_a_top_that_holds_processes(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path)
    kernel.put({"cgroup.events": "populated 1\n"}, TOP)
    run = CgroupV2(kernel).open_run("r1", profile)
    assert (tmp_path / TOP / "cgroup.procs").read_text() == ""
    run.close()
    assert (tmp_path / TOP / "cgroup.procs").read_text() == "4711\n"


def test_a_delegated_unit_moves_its_processes_into_a_leaf_and_back(tmp_path: Path, profile: Profile) -> None:
    unit = tmp_path / TOP / "user.slice" / "run.scope"
    kernel = unified(tmp_path, "/user.slice/run.scope", superuser=False)
    run = CgroupV2(kernel).open_run("r1", profile)
    assert (unit / "fourgig-harness" / "cgroup.procs").read_text() == "4711\n"
    assert (unit / "cgroup.procs").read_text() == ""
    assert run.clean_up_paths() == [str(unit / "fourgig-r1")]
    run.close()
    assert (unit / "cgroup.procs").read_text() == "4711\n"
    assert (unit / "cgroup.subtree_control").read_text() == ""
    assert not (unit / "fourgig-harness").exists()


def test_a_unit_that_cannot_be_emptied_is_an_obstacle_and_all_is_put_back(tmp_path: Path, profile: Profile) -> None:
    class Refilled(Recorded):
        """A shell in the unit starts a program whenever one was moved out."""

        def members(self, directory: Path) -> list[int]:
            return [*super().members(directory), *([4712] if directory.name == "run.scope" else [])]

    unified(tmp_path, "/run.scope", superuser=False)
    with pytest.raises(CannotEnforce, match="resource busy"):
        CgroupV2(Refilled(tmp_path, superuser=False)).open_run("r1", profile)
    unit = tmp_path / TOP / "run.scope"
    assert sorted((unit / "cgroup.procs").read_text().split()) == ["4711", "4712"]
    assert (unit / "cgroup.subtree_control").read_text() == ""
    assert not (unit / "fourgig-r1").exists()


@pytest.mark.parametrize("given", ["memory pids", "cpu pids", ""])
def test_an_ordinary_user_who_was_not_given_a_controller_is_told(tmp_path: Path, profile: Profile, given: str) -> None:
    # Older versions of systemd give a user no processor time; a threaded group can have no memory controller.
    kernel = unified(tmp_path, "/user.slice/run.scope", superuser=False)
    (tmp_path / TOP / "user.slice" / "run.scope" / "cgroup.controllers").write_text(f"{given}\n")
    availability = CgroupV2(kernel).availability(profile)
    assert not availability.usable
    assert "memory and cpu" in availability.reason
    assert "Delegate=yes" in availability.remedy


def test_a_kernel_that_cannot_kill_a_group_as_one_still_limits_it(tmp_path: Path, profile: Profile) -> None:
    class Older(Recorded):
        def make_group(self, directory: Path) -> None:
            super().make_group(directory)
            for name in ("memory.oom.group", "memory.swap.max"):
                (directory / name).unlink()

    unified(tmp_path, "/run.scope", superuser=False)
    CgroupV2(Older(tmp_path, superuser=False)).open_run("r1", profile).trial("t1")
    group = tmp_path / TOP / "run.scope" / "fourgig-r1" / "t1"
    assert (group / "memory.max").read_text() == str(profile.memory_bytes)


def test_the_leaf_of_a_killed_run_is_used_again(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path, "/run.scope/fourgig-harness", superuser=False)
    (tmp_path / TOP / "run.scope" / "cgroup.subtree_control").write_text("cpu memory")
    run = CgroupV2(kernel).open_run("r2", profile)
    assert run.clean_up_paths() == [str(tmp_path / TOP / "run.scope" / "fourgig-r2")]
    run.close()


def test_a_run_of_the_same_name_is_refused_and_left_alone(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path)
    trial = CgroupV2(kernel).open_run("r1", profile).trial("t1")
    kernel.put({"fourgig-r1/t1/cgroup.procs": "99\n"}, TOP)
    with pytest.raises(CannotEnforce, match="another run"):
        CgroupV2(kernel).open_run("r1", profile)
    assert trial.pids() == [99]


def test_a_trial_is_limited_in_memory_swap_and_processors(tmp_path: Path, profile: Profile) -> None:
    run = CgroupV2(unified(tmp_path)).open_run("r1", profile)
    run.trial("t1")
    group = tmp_path / TOP / "fourgig-r1" / "t1"
    written = {
        name: (group / name).read_text() for name in ("memory.max", "memory.swap.max", "memory.oom.group", "cpu.max")
    }
    assert written == {
        "memory.max": "4294967296",
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "cpu.max": "200000 100000",
    }


def test_without_the_right_to_write_it_says_how_to_get_it(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path, superuser=False, read_only=("/sys/fs/cgroup",))
    availability = CgroupV2(kernel).availability(profile)
    assert not availability.usable
    assert "Delegate=yes" in availability.remedy
    with pytest.raises(CannotEnforce, match="ours to manage"):
        CgroupV2(kernel).open_run("r1", profile)


def test_a_hierarchy_without_the_controllers_names_those_missing(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path)
    (tmp_path / TOP / "cgroup.controllers").write_text("cpu hugetlb\n")
    availability = CgroupV2(kernel).availability(profile)
    assert not availability.usable
    assert "memory" in availability.reason


@pytest.mark.parametrize("around", [4 * 2**30, 2**30])
def test_an_enclosing_limit_that_leaves_no_room_is_an_obstacle(tmp_path: Path, profile: Profile, around: int) -> None:
    kernel = unified(tmp_path, "/run.scope", superuser=False)
    (tmp_path / TOP / "run.scope" / "memory.max").write_text(f"{around}\n")
    assert not CgroupV2(kernel).availability(profile).usable


def test_asking_leaves_nothing_behind(tmp_path: Path, profile: Profile) -> None:
    kernel = unified(tmp_path, "/run.scope", superuser=False)
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert CgroupV2(kernel).availability(profile).usable
    assert before == {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}


def test_memory_is_told_apart(tmp_path: Path) -> None:
    kernel = Recorded(tmp_path)
    kernel.put(
        {
            "memory.current": "734003200\n",
            "memory.peak": "751034368\n",
            "memory.stat": "anon 104857600\nfile 620756992\nworkingset_refault_anon 1\nworkingset_refault_file 37\n",
            "memory.events": "low 0\nhigh 0\nmax 812\noom 2\noom_kill 1\noom_group_kill 1\n",
            "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n",
            "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0 total=500000\n",
        }
    )
    reader = V2Reader(kernel, tmp_path)
    memory = reader.memory()
    assert (memory.current_bytes, memory.peak_bytes) == (734003200, 751034368)
    assert (memory.anonymous_bytes, memory.file_bytes) == (104857600, 620756992)
    assert (memory.refaults, memory.oom_kills) == (38, 1)
    assert reader.cpu_seconds() == 2.5
    assert reader.pressure() == {"memory.some": 1.5, "memory.full": 0.5}


def test_what_an_older_kernel_does_not_count_is_unknown(tmp_path: Path) -> None:
    kernel = Recorded(tmp_path)
    kernel.put({"memory.current": "1\n", "memory.stat": "anon 1\nfile 0\n"})
    memory = V2Reader(kernel, tmp_path).memory()
    assert (memory.peak_bytes, memory.refaults, memory.oom_kills) == (None, None, None)
    assert V2Reader(kernel, tmp_path).pressure() is None
