"""Which backend is chosen, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits.kernel import Kernel
from experiments.measuring.limits.select import backends, choose, survey
from experiments.measuring.profiles import Profile

from .recorded import legacy, unified


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
    assert all(each.reason for each in survey(profile))
