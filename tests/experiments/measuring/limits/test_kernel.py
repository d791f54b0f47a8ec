"""Finding our groups, entering them, naming them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.errors import CannotEnforce
from experiments.measuring.limits.kernel import JOIN_FAILED, Kernel, as_text, checked_name, joining, shown
from systems.errors import BadInput

from .recorded import Recorded, legacy, unified

ECHO = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdout.buffer.write(repr(sys.argv[1:]).encode())"]


def test_our_group_is_found_where_the_mount_shows_it(tmp_path: Path) -> None:
    kernel = unified(tmp_path, "/user.slice/run.scope")
    assert kernel.unified() == (
        tmp_path / "sys/fs/cgroup",
        tmp_path / "sys/fs/cgroup/user.slice/run.scope",
    )


def test_a_container_sees_its_own_group_at_the_mount_point(tmp_path: Path) -> None:
    kernel = legacy(tmp_path, "/docker/abc", mount_root="/docker/abc")
    point = tmp_path / "sys/fs/cgroup/memory"
    assert kernel.hierarchy("memory") == (point, point)


@pytest.mark.parametrize("membership", ["/../other", "/nowhere"])
def test_a_group_that_cannot_be_seen_is_not_found(tmp_path: Path, membership: str) -> None:
    kernel = unified(tmp_path)
    kernel.put({"proc/self/cgroup": f"0::{membership}\n"})
    assert kernel.unified() is None


def test_mount_points_are_unescaped(tmp_path: Path) -> None:
    kernel = Recorded(tmp_path)
    kernel.put({"proc/self/mountinfo": "31 23 0:28 / /mnt/a\\040b rw shared:9 - cgroup2 none rw\n"})
    assert [mount.point for mount in kernel.mounts()] == ["/mnt/a b"]


@pytest.mark.parametrize("name", [b"t\xe9l\xe9", b"two\xc2\x85lines", b"a\\040b\xff"])
def test_other_mounts_may_be_called_anything(tmp_path: Path, name: bytes) -> None:
    kernel = unified(tmp_path)
    usual = (tmp_path / "proc/self/mountinfo").read_bytes()
    (tmp_path / "proc/self/mountinfo").write_bytes(b"30 23 0:27 / /mnt/" + name + b" rw - ext4 /dev/sdb1 rw\n" + usual)
    assert kernel.unified() == (tmp_path / "sys/fs/cgroup", tmp_path / "sys/fs/cgroup")
    assert next(os.fsencode(mount.point) for mount in kernel.mounts()) == b"/mnt/" + name.replace(b"\\040", b" ")


def test_a_group_whose_name_is_not_utf_8_is_found_and_can_be_entered(tmp_path: Path) -> None:
    group = os.fsdecode(b"/b\xf6x")
    kernel = unified(tmp_path)
    (tmp_path / "proc/self/cgroup").write_bytes(b"0::/b\xf6x\n")
    kernel.put({"cgroup.procs": ""}, f"/sys/fs/cgroup{group}")
    found = kernel.unified()
    assert found is not None
    done = subprocess.run(joining([found[1]], [*ECHO, "inside"]), capture_output=True, check=True)
    assert done.stdout == b"['inside']"
    assert (found[1] / "cgroup.procs").read_text().strip().isdigit()
    assert shown(found[1]).endswith("/b\ufffdx")
    assert as_text(found[1]) is None  # what is told in JSON must be text


def test_a_machine_without_any_of_these_files_has_no_groups(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    assert (kernel.unified(), kernel.hierarchy("memory"), kernel.swap_bytes()) == (None, None, 0)


def test_processors_are_those_we_may_run_on_and_that_are_switched_on(tmp_path: Path) -> None:
    kernel = Recorded(tmp_path)
    kernel.put({"proc/self/status": "Name:\tx\nCpus_allowed_list:\t0-2,5,7-8\n"})
    assert kernel.processors() == {0, 1, 2, 5, 7, 8}
    kernel.put({"sys/devices/system/cpu/online": "0-6\n"})
    assert kernel.processors() == {0, 1, 2, 5}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=4))
def test_a_wrapped_command_receives_its_arguments_unchanged(
    tmp_path_factory: pytest.TempPathFactory, arguments: list[str]
) -> None:
    group = tmp_path_factory.mktemp("a group's $(name)")
    done = subprocess.run(joining([group], [*ECHO, *arguments]), capture_output=True, check=True)
    assert done.stdout.decode() == repr(arguments)
    assert int((group / "cgroup.procs").read_text()) > 1


def test_a_wrapped_command_that_cannot_enter_runs_nothing(tmp_path: Path) -> None:
    done = subprocess.run(joining([tmp_path / "gone"], ECHO), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (JOIN_FAILED, b"")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "a\n"])
def test_a_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        checked_name(name)


def test_a_group_that_holds_processes_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "cgroup.procs").write_text("4711\n")
    with pytest.raises(CannotEnforce, match="another run"):
        Kernel(tmp_path).make_group(tmp_path / "group")


def test_an_empty_group_left_by_an_earlier_run_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "group" / "trial").mkdir(parents=True)
    Kernel(tmp_path).make_group(tmp_path / "group")
    assert list((tmp_path / "group").iterdir()) == []
