"""What memory is read from: the group with the least room, else this process."""

from pathlib import Path

import pytest

from systems.mechanisms.memory_in_use import Meter
from systems.tiered.pressure.kernel import Stalls, kernel_pressure

MIB = 2**20


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def unified() -> dict[str, str]:
    return {
        "proc/self/cgroup": "0::/outer/inner\n",
        "proc/self/mountinfo": "30 20 0:26 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n",
        "proc/self/status": "Name:\tx\nRssAnon:\t2048 kB\nRssFile:\t9999 kB\nRssShmem:\t1024 kB\n",
        "proc/meminfo": "MemTotal: 4096 kB\n",
        "sys/fs/cgroup/outer/memory.max": "max\n",
        "sys/fs/cgroup/outer/memory.stat": f"anon {80 * MIB}\nfile {500 * MIB}\n",
        "sys/fs/cgroup/outer/inner/memory.max": "max\n",
        "sys/fs/cgroup/outer/inner/memory.stat": f"anon {60 * MIB}\nfile {MIB}\n",
    }


def test_of_groups_inside_one_another_the_one_with_least_room_counts_without_page_cache(tmp_path):
    files = unified()
    files["sys/fs/cgroup/outer/memory.max"] = str(100 * MIB)
    files["sys/fs/cgroup/outer/inner/memory.max"] = str(90 * MIB)
    assert Meter(root=tree(tmp_path, files)).read() == (80 * MIB, 100 * MIB, "group")


def test_shared_memory_and_what_the_kernel_keeps_for_a_group_count(tmp_path):
    files = unified()
    files["sys/fs/cgroup/outer/inner/memory.max"] = str(90 * MIB)
    files["sys/fs/cgroup/outer/inner/memory.stat"] = (
        f"anon {60 * MIB}\nfile {9 * MIB}\nshmem {3 * MIB}\nkernel {5 * MIB}\nslab_reclaimable {4 * MIB}\n"
    )
    assert Meter(root=tree(tmp_path, files)).read().used == 64 * MIB


def test_the_first_version_counts_the_groups_below(tmp_path):
    files = {
        "proc/self/cgroup": "4:memory:/mine\n0::/\n",
        "proc/self/mountinfo": "30 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
        "proc/meminfo": "MemTotal: 4096 kB\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/mine/memory.limit_in_bytes": str(64 * MIB),
        "sys/fs/cgroup/memory/mine/memory.stat": f"rss 1\ntotal_rss {40 * MIB}\ntotal_cache {9 * MIB}\ntotal_shmem 4\n",
    }
    assert Meter(root=tree(tmp_path, files)).read() == (40 * MIB + 4, 64 * MIB, "group")


def test_a_container_that_sees_its_group_as_the_root_finds_its_limit(tmp_path):
    files = unified()
    files["proc/self/mountinfo"] = "30 20 0:26 /outer/inner /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
    files["proc/self/cgroup"] = "0::/elsewhere\n"
    files["sys/fs/cgroup/memory.max"] = str(90 * MIB)
    files["sys/fs/cgroup/memory.stat"] = f"anon {60 * MIB}\n"
    assert Meter(root=tree(tmp_path, files)).read().limit == 90 * MIB


@pytest.mark.parametrize(("setting", "limit"), [(None, 4 * MIB), (8 * MIB, 8 * MIB)])
def test_without_a_limited_group_this_process_counts_against_the_setting_or_the_machine(tmp_path, setting, limit):
    assert Meter(setting, tree(tmp_path, unified())).read() == (3 * MIB, limit, "process")


def test_this_machine_can_be_read():
    reading = Meter().read()
    assert 0 < reading.used < reading.limit


def test_the_kernels_stalls_have_levels_by_their_share_of_the_time(tmp_path):
    path = tmp_path / "memory.pressure"
    stalls = Stalls(path)
    levels = []
    for at_s, total_us in enumerate((0, 10_000, 60_000, 260_000, 760_000, 760_000)):
        path.write_text(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total_us}\nfull avg10=0.00 total=0\n")
        levels.append(stalls.level(float(at_s)))
    assert levels == [0, 0, 1, 2, 3, 0]


def test_a_group_that_tells_no_pressure_has_no_kernel_pressure(tmp_path):
    assert kernel_pressure(tree(tmp_path, unified())) is None
