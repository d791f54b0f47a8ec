"""What systemd is asked for, with a manager that answers from a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits.systemd_scope import SystemdScope
from experiments.measuring.profiles import Profile

from .recorded import V2_FILES, Recorded, unified

MANAGER = "/user.slice/user-1000.slice/user@1000.service"


class Manager:
    """A user's systemd: starts slices as folders, applies memory limits, remembers what it was asked."""

    def __init__(self, kernel: Recorded, state: str = "running", *, applies: bool = True, starts: bool = True) -> None:
        self.kernel, self.state, self.applies, self.starts = kernel, state, applies, starts
        self.asked: list[list[str]] = []
        self._limits: dict[str, str] = {}

    def __call__(self, argv: list[str]) -> tuple[int, str]:
        self.asked.append(argv)
        assert argv[:2] == ["systemctl", "--user"]
        verb, *rest = argv[2:]
        if verb == "is-system-running":
            return (0 if self.state == "running" else 1), self.state
        if verb == "set-property":
            self._limits[rest[1]] = rest[2].partition("=")[2]
        elif verb == "start" and self.starts:
            self.kernel.put(V2_FILES, f"/sys/fs/cgroup{self._group(rest[0])}")
            if self.applies and rest[0] in self._limits:
                self.kernel.put({"memory.max": self._limits[rest[0]]}, f"/sys/fs/cgroup{self._group(rest[0])}")
        elif verb == "show":
            assert rest[1] == "--"  # or systemctl takes the root slice, "-.slice", for an option
            return 0, f"ControlGroup={self._group(rest[2])}"
        return 0, ""

    def _group(self, unit: str) -> str:
        if unit == "-.slice":
            return MANAGER
        parts = unit.removesuffix(".slice").split("-")
        return MANAGER + "".join(f"/{'-'.join(parts[: n + 1])}.slice" for n in range(len(parts)))


@pytest.fixture
def kernel(tmp_path: Path) -> Recorded:
    kernel = unified(tmp_path, "/user.slice/user-1000.slice/session-2.scope", superuser=False)
    kernel.put(V2_FILES, f"/sys/fs/cgroup{MANAGER}")
    return kernel


@pytest.mark.parametrize("state", ["running", "degraded"])
def test_a_manager_that_answers_is_usable(kernel: Recorded, profile: Profile, state: str) -> None:
    assert SystemdScope(kernel, Manager(kernel, state)).availability(profile).usable


@pytest.mark.parametrize("answer", [(1, "offline"), (127, "systemctl is not installed"), (1, "")])
def test_a_manager_that_does_not_answer_is_not(kernel: Recorded, profile: Profile, answer: tuple[int, str]) -> None:
    backend = SystemdScope(kernel, lambda _: answer)
    assert "does not answer" in backend.availability(profile).reason
    with pytest.raises(CannotEnforce):
        backend.open_run("r1", profile)


def test_a_manager_without_the_controllers_says_how_to_delegate_them(kernel: Recorded, profile: Profile) -> None:
    kernel.put({"cgroup.controllers": "memory pids\n"}, f"/sys/fs/cgroup{MANAGER}")
    availability = SystemdScope(kernel, Manager(kernel)).availability(profile)
    assert "cpu" in availability.reason
    assert "Delegate" in availability.remedy


def test_the_processes_of_a_trial_share_one_limited_slice(kernel: Recorded, profile: Profile) -> None:
    manager = Manager(kernel)
    run = SystemdScope(kernel, manager).open_run("2024-a", profile)
    trial = run.trial("t-1")
    unit = "fourgig-2024_a-t_1.slice"
    limits = ["MemoryMax=4294967296", "MemorySwapMax=0", "CPUQuota=200%"]
    assert ["systemctl", "--user", "set-property", "--runtime", unit, *limits] in manager.asked
    command = trial.command(["python", "-c", "a b"])
    assert command[:3] == ["systemd-run", "--user", "--scope"]
    assert command[5:7] == [f"--slice={unit}", "--"]
    assert command[-3:] == ["python", "-c", "a b"]
    trial.remove()
    run.close()
    assert ["systemctl", "--user", "revert", unit] in manager.asked


def test_a_slice_that_came_up_without_its_limit_is_refused(kernel: Recorded, profile: Profile) -> None:
    run = SystemdScope(kernel, Manager(kernel, applies=False)).open_run("r1", profile)
    with pytest.raises(CannotEnforce, match="without its memory limit"):
        run.trial("t1")


def test_a_run_of_the_same_name_is_refused(kernel: Recorded, profile: Profile) -> None:
    backend = SystemdScope(kernel, Manager(kernel))
    backend.open_run("r1", profile).trial("t1")
    kernel.put({"cgroup.procs": "99\n"}, f"/sys/fs/cgroup{MANAGER}/fourgig.slice/fourgig-r1.slice")
    backend.run = Manager(kernel, starts=False)
    with pytest.raises(CannotEnforce, match="another run"):
        backend.open_run("r1", profile)
