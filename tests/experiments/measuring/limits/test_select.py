"""Which backend is chosen, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits.kernel import Kernel
from experiments.measuring.limits.select import backends, choose, judge
from experiments.measuring.profiles import Profile

from .recorded import Recorded, legacy, unified


def test_backends_are_tried_in_the_documented_order() -> None:
    assert [each.name for each in backends()] == ["cgroup-v2", "systemd-scope", "cgroup-v1", "enclosing"]


def test_the_first_usable_one_is_chosen(tmp_path: Path, profile: Profile) -> None:
    assert choose(profile, allow_unenforced=False, kernel=unified(tmp_path)).name == "cgroup-v2"


def test_cgroup_v1_is_chosen_where_there_is_nothing_newer(tmp_path: Path, profile: Profile) -> None:
    assert choose(profile, allow_unenforced=True, kernel=legacy(tmp_path)).name == "cgroup-v1"


def test_with_none_the_message_tells_every_way_to_get_one(tmp_path: Path, profile: Profile) -> None:
    with pytest.raises(CannotEnforce) as caught:
        choose(profile, allow_unenforced=False, kernel=Kernel(tmp_path))
    for way in ("Delegate=yes", "as root", "docker run --memory 4294967296", "--allow-unenforced"):
        assert way in str(caught.value)
    assert "\n" not in str(caught.value)


def test_with_none_and_leave_to_go_on_the_backend_says_it_enforces_nothing(tmp_path: Path, profile: Profile) -> None:
    backend = choose(profile, allow_unenforced=True, kernel=Kernel(tmp_path))
    assert (backend.name, backend.enforced) == ("none", False)
    run = backend.open_run("r1", profile)
    trial = run.trial("t1")
    assert trial.command(["python"]) == ["python"]
    assert trial.memory().peak_bytes is None
    assert trial.pids() == []
    trial.remove()
    run.close()
    assert run.clean_up_paths() == []


def test_every_backend_has_an_answer_on_this_machine(profile: Profile) -> None:
    assert all(each.reason for each in judge(profile).surveyed)


def with_memory(kernel: Recorded, gibibytes: float = 16.0) -> Recorded:
    kernel.put({"proc/meminfo": f"MemTotal: {int(gibibytes * 2**20)} kB\n"})
    return kernel


def taskset(kernel: Recorded) -> None:
    kernel.put({"proc/self/status": "Cpus_allowed_list:\t3\n"})


def switched_off(kernel: Recorded) -> None:
    kernel.put({"sys/devices/system/cpu/online": "0\n"})


def small_machine(kernel: Recorded) -> None:
    with_memory(kernel, 3.8)


def half_a_processor_on_v2(kernel: Recorded) -> None:
    kernel.put({"cpu.max": "50000 100000\n"}, "/sys/fs/cgroup/box")


def half_a_processor_on_v1(kernel: Recorded) -> None:
    kernel.put({"cpu.cfs_quota_us": "50000\n"}, "/sys/fs/cgroup/cpu,cpuacct/box")


def small_box_on_v2(kernel: Recorded) -> None:
    kernel.put({"memory.max": f"{2**31}\n", "memory.current": "1\n"}, "/sys/fs/cgroup/box")


def small_box_on_v1(kernel: Recorded) -> None:
    kernel.put({"memory.limit_in_bytes": f"{2**31}\n"}, "/sys/fs/cgroup/memory/box")


def cpuset_on_v2(kernel: Recorded) -> None:
    kernel.put({"cpuset.cpus.effective": "2\n"}, "/sys/fs/cgroup/box")


SHORT = [
    (unified, taskset, "only 1 of the profile's 2 processors may be used"),
    (legacy, taskset, "only 1 of the profile's 2 processors may be used"),
    (unified, switched_off, "only 1 of the profile's 2 processors may be used"),
    (unified, cpuset_on_v2, "only 1 of the profile's 2 processors may be used"),
    (unified, half_a_processor_on_v2, "a quota of 0.5 of the profile's 2 processors"),
    (legacy, half_a_processor_on_v1, "a quota of 0.5 of the profile's 2 processors"),
    (unified, small_machine, "the machine has 3.8 GiB of memory for a profile of 4 GiB"),
    (legacy, small_machine, "the machine has 3.8 GiB of memory for a profile of 4 GiB"),
    (unified, small_box_on_v2, "limited to 2 GiB of memory, the profile has 4 GiB"),
    (legacy, small_box_on_v1, "limited to 2 GiB of memory, the profile has 4 GiB"),
]


@pytest.mark.parametrize(("made", "shortened", "says"), SHORT, ids=lambda each: getattr(each, "__name__", ""))
def test_a_limit_without_the_machine_behind_it_is_not_enforced(
    tmp_path: Path,
    profile: Profile,
    made: Callable[..., Recorded],
    shortened: Callable[[Recorded], None],
    says: str,
) -> None:
    kernel = with_memory(made(tmp_path, "/box", superuser=False))
    assert judge(profile, kernel).enforced
    shortened(kernel)
    judgement = judge(profile, kernel)
    assert not judgement.enforced
    assert says in "; ".join(judgement.lacking)
    with pytest.raises(CannotEnforce) as caught:
        choose(profile, allow_unenforced=False, kernel=kernel)
    assert says in str(caught.value)
    assert judgement.shortages[0].remedy in str(caught.value)
    assert "--allow-unenforced" in str(caught.value)
    choose(profile, allow_unenforced=True, kernel=kernel)


def test_what_can_be_enforced_is_where_the_rest_is_allowed_to_lack(tmp_path: Path, profile: Profile) -> None:
    kernel = with_memory(legacy(tmp_path, "/box"))
    half_a_processor_on_v1(kernel)
    assert choose(profile, allow_unenforced=True, kernel=kernel).name == "cgroup-v1"


def test_an_enclosing_limit_that_equals_the_profile_with_half_a_processor_is_not_the_profile(
    tmp_path: Path, profile: Profile
) -> None:
    kernel = with_memory(unified(tmp_path, "/box", superuser=False, read_only=("/sys/fs/cgroup/box",)))
    files = {"memory.max": f"{profile.memory_bytes}\n", "memory.current": "1\n", "cpu.max": "200000 100000\n"}
    kernel.put(files, "/sys/fs/cgroup/box")
    assert (judge(profile, kernel).backend.name, judge(profile, kernel).enforced) == ("enclosing", True)
    half_a_processor_on_v2(kernel)
    assert (judge(profile, kernel).backend.name, judge(profile, kernel).enforced) == ("enclosing", False)
