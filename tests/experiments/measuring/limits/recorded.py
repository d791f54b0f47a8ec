"""A control-group tree in a folder: files as a kernel showed them, groups made by giving them the usual files."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from experiments.measuring.limits.kernel import Kernel

V2_FILES = {
    "cgroup.procs": "",
    "cgroup.events": "populated 0\nfrozen 0\n",
    "cgroup.controllers": "cpu memory pids\n",
    "cgroup.subtree_control": "",
    "memory.max": "max\n",
    "memory.swap.max": "max\n",
    "memory.oom.group": "0\n",
    "cpu.max": "max 100000\n",
}
V1_MEMORY_FILES = {
    "cgroup.procs": "",
    "cgroup.event_control": "",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
    "memory.memsw.limit_in_bytes": "9223372036854771712\n",
    "memory.use_hierarchy": "0\n",
}
V1_CPU_FILES = {
    "cgroup.procs": "",
    "cpu.cfs_quota_us": "-1\n",
    "cpu.cfs_period_us": "100000\n",
    "cpuacct.usage": "0\n",
}
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class Recorded(Kernel):
    """Answers from the folder. ``superuser`` and ``read_only`` say what rights the recorded process had."""

    def __init__(self, root: Path, *, superuser: bool = True, read_only: tuple[str, ...] = ()) -> None:
        super().__init__(root)
        self._superuser = superuser
        self._read_only = tuple(str(self.at(path)) for path in read_only)

    def put(self, files: dict[str, str], below: str = "/") -> None:
        for name, text in files.items():
            path = self.at(f"{below}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def is_superuser(self) -> bool:
        return self._superuser

    def may_write(self, path: Path) -> bool:
        return str(path) not in self._read_only and str(path.parent) not in self._read_only

    def make_group(self, directory: Path) -> None:
        super().make_group(directory)
        if "memory/" in str(directory):
            files = V1_MEMORY_FILES
        elif "cpu" in str(directory.relative_to(self.root)):
            files = V1_CPU_FILES
        else:
            files = V2_FILES
        for name, text in files.items():
            (directory / name).write_text(text)

    def write(self, path: Path, text: str) -> None:
        if path.name == "cgroup.procs":
            for other in path.parents[1].rglob("cgroup.procs"):
                other.write_text("".join(f"{pid}\n" for pid in other.read_text().split() if pid != text))
            path.write_text(path.read_text() + f"{text}\n")
        elif path.name == "cgroup.subtree_control":
            is_root = not path.with_name("cgroup.events").exists()
            if "+" in text and not is_root and self.members(path.parent):
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))  # "no internal processes"
            now = set(path.read_text().split())
            for change in text.split():
                (now.add if change[0] == "+" else now.discard)(change[1:])
            path.write_text(" ".join(sorted(now)))
        else:
            assert path.exists()  # the kernel's files cannot be made by writing them
            path.write_text(text)

    def remove_empty(self, directory: Path) -> None:
        assert not (directory / "cgroup.procs").read_text()
        shutil.rmtree(directory)

    def remove_groups(self, directories: list[Path]) -> None:
        for directory in directories:
            shutil.rmtree(directory, ignore_errors=True)

    def empty_groups(self, directories: list[Path]) -> None:
        for directory in directories:
            for members in directory.rglob("cgroup.procs"):
                members.write_text("")


def unified(root: Path, membership: str = "/", *, superuser: bool = True, **rights: tuple[str, ...]) -> Recorded:
    """A machine with only cgroup v2, whose process 4711 is in ``membership``; the root has no events file."""
    kernel = Recorded(root, superuser=superuser, **rights)
    kernel.put(
        {
            "proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
            "proc/self/cgroup": f"0::{membership}\n",
            "proc/self/status": "Name:\tpython\nCpus_allowed_list:\t0-3\n",
            "proc/swaps": SWAPS,
        }
    )
    here = ""
    for part in ("", *membership.strip("/").split("/")):
        here = f"{here}/{part}" if part else here
        kernel.put(V2_FILES, f"/sys/fs/cgroup{here}")
    for name in ("cgroup.events", "memory.max", "memory.swap.max", "cpu.max"):
        kernel.at(f"/sys/fs/cgroup/{name}").unlink()
    kernel.at(f"/sys/fs/cgroup{membership}/cgroup.procs").write_text("4711\n")
    return kernel


def legacy(
    root: Path, membership: str = "/", *, mount_root: str = "/", superuser: bool = True, **rights: tuple[str, ...]
) -> Recorded:
    """A machine with cgroup v1: memory in one hierarchy, cpu and cpuacct together in another."""
    kernel = Recorded(root, superuser=superuser, **rights)
    kernel.put(
        {
            "proc/self/mountinfo": (
                f"35 31 0:32 {mount_root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                f"36 31 0:33 {mount_root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            ),
            "proc/self/cgroup": f"4:memory:{membership}\n2:cpu,cpuacct:{membership}\n1:name=systemd:/\n",
            "proc/self/status": "Cpus_allowed_list:\t0-3\n",
            "proc/swaps": SWAPS,
        }
    )
    below = "" if mount_root == membership else membership.rstrip("/")
    kernel.put(V1_MEMORY_FILES, f"/sys/fs/cgroup/memory{below}")
    kernel.put(V1_CPU_FILES, f"/sys/fs/cgroup/cpu,cpuacct{below}")
    return kernel
