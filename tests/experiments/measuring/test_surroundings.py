"""What is around a run (others' limits, fewer processors, busy neighbours) is never taken for the system's own."""

import html
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from experiments.analysis.run import load_run
from experiments.measuring import meanwhile, placement, plan, profiles, records, runner, trial
from experiments.measuring.limits.kernel import Kernel, joining
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.limits.select import backends, judge
from experiments.measuring.probes import processes
from experiments.measuring.probes.host import Noise
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.runs import RunFolder, read_info
from experiments.report import headline
from systems.errors import ExitCode
from tests.experiments.analysis import synthetic
from tests.experiments.conftest import FOURGIG
from tests.experiments.forking import Forked

PYTHON = [sys.executable, "-I", "-S", "-c"]
HOLDS = "import sys; held = b'x' * (100 << 20); print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def group_of():
    """Return a function that makes a cgroup v1 group below our own, which is removed in the end."""
    kernel, made = Kernel(), []

    def make(controller):
        found = kernel.hierarchy(controller)
        if found is None or not kernel.may_write(found[1]):
            pytest.skip(f"no cgroup v1 hierarchy of {controller} can be written here")
        group = found[1] / f"fourgig-around-{os.getpid()}"
        kernel.make_group(group)
        made.append(group)
        return group

    yield make
    kernel.remove_groups(made)


@pytest.fixture
def run_inside(outside_package, tmp_path):
    """Return a function that runs the study of ways to end inside a group, and gives the records by subject."""

    def run(groups, ways, *arguments):
        done = subprocess.run(
            joining(groups, [str(FOURGIG), "run", "probe", "--engine", "simulated", "--out", "run", *arguments]),
            env={**outside_package, "PROBE": ways, "COLUMNS": "200"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, {one.spec.subject: one for one in records.read(tmp_path / "run" / "trials.jsonl")}

    return run


@contextmanager
def neighbours(group: Path, count: int):
    """Let so many processes hold 100 MiB each in ``group``: the kernel kills whoever is larger first."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(
                subprocess.Popen(joining([group], [*PYTHON, HOLDS]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            stack.callback(process.stdin.close)
            assert process.stdout.readline() == b"ready\n"
        yield


@pytest.mark.needs_root
@pytest.mark.needs_limits
@pytest.mark.long
def test_a_kill_at_the_limit_of_an_enclosing_group_voids_the_trial_and_spares_the_profile(group_of, run_inside):
    enclosing = group_of("memory")
    (enclosing / "memory.limit_in_bytes").write_text(str(1280 * 2**20))
    with neighbours(enclosing, 7):
        done, found = run_inside(
            [enclosing], "allocates,client_feeds,client_dies,fine", "--blocks", "1", "--profile", "1gb"
        )
    assert done.returncode == 0, done.stderr
    assert found["fine"].outcome is Outcome.OK
    assert found["allocates"].outside.group.oom_kills >= 1
    assert found["allocates"].outside.group.peak_bytes < 0.9 * 2**30
    assert found["allocates"].outcome is Outcome.INVALID
    assert "an enclosing group or the whole machine was out of memory" in found["allocates"].reason
    # The client is outside the trial's group, and no part of what is measured.
    assert found["client_feeds"].outside.group.oom_kills == 0
    assert found["client_feeds"].outcome is Outcome.INVALID
    assert "outside the limits for want of memory: client: killed by SIGKILL" in found["client_feeds"].reason
    assert found["client_dies"].outcome is Outcome.CRASHED


@pytest.fixture
def on_one_processor(outside_package, tmp_path):
    """Return a function that runs the command to its end where there is one processor."""
    usual = os.sched_getaffinity(0)
    forked = Forked({**outside_package, "PROBE": "fine", "COLUMNS": "200"})

    def run(*arguments):
        os.sched_setaffinity(0, {min(usual)})  # what is started here has no more
        try:
            return forked.run(FOURGIG, list(arguments), {}, tmp_path, within_s=300)
        finally:
            os.sched_setaffinity(0, usual)

    yield run
    forked.close()


@pytest.mark.long
def test_fewer_processors_than_the_profile_has_stop_a_run_or_are_on_every_page_of_it(on_one_processor, tmp_path):
    says = "only 1 of the profile's 2 processors may be used"
    arguments = ("run", "probe", "--engine", "simulated", "--blocks", "1", "--out", "run")
    stopped = on_one_processor(*arguments)
    assert stopped.returncode == ExitCode.CANNOT_ENFORCE
    assert says in stopped.stderr
    assert "taskset" in stopped.stderr
    assert not (tmp_path / "run").exists()
    looked = on_one_processor("doctor")
    assert looked.returncode == ExitCode.CANNOT_ENFORCE
    assert says in looked.stdout

    done = on_one_processor(*arguments, "--allow-unenforced")
    assert done.returncode == 0, done.stderr
    [record] = records.read(tmp_path / "run" / "trials.jsonl")
    assert (record.outcome, record.enforced, record.spec.labels) == (Outcome.OK, False, (says,))
    assert read_info(tmp_path / "run").lacking == (says,)
    page = html.unescape((tmp_path / "run" / "report.html").read_text())
    assert f"The limits were NOT enforced: {says}" in page
    assert says in page.split("Measures", 1)[1]
    assert f"profile 4gb, NOT enforced ({says})" in headline.section(load_run(tmp_path / "run"))
    assert on_one_processor("run", "--resume", "run").returncode == ExitCode.CANNOT_ENFORCE
    assert on_one_processor("run", "--resume", "run", "--allow-unenforced").returncode == 0


@pytest.mark.needs_root
@pytest.mark.needs_limits
@pytest.mark.long
def test_half_a_processor_around_us_stops_a_run(group_of, run_inside):
    enclosing = group_of("cpu")
    (enclosing / "cpu.cfs_quota_us").write_text("50000")
    stopped, found = run_inside([enclosing], "fine", "--blocks", "1")
    assert (stopped.returncode, found) == (ExitCode.CANNOT_ENFORCE, {})
    assert "a quota of 0.5 of the profile's 2 processors" in stopped.stderr
    done, found = run_inside([enclosing], "fine", "--blocks", "1", "--allow-unenforced")
    assert done.returncode == 0, done.stderr
    assert not found["fine"].enforced
    assert found["fine"].outside.group.peak_bytes  # what can be held is


@pytest.mark.needs_root
@pytest.mark.needs_limits
@pytest.mark.long
def test_less_memory_around_us_than_the_profile_has_stops_a_run(group_of, run_inside):
    enclosing = group_of("memory")
    (enclosing / "memory.limit_in_bytes").write_text(str(2 * 2**30))
    stopped, _ = run_inside([enclosing], "fine", "--blocks", "1")
    assert stopped.returncode == ExitCode.CANNOT_ENFORCE
    assert "limited to 2 GiB of memory, the profile has 4 GiB; loosen the enclosing limit" in stopped.stderr
    done, found = run_inside([enclosing], "fine", "--blocks", "1", "--allow-unenforced")
    assert done.returncode == 0, done.stderr
    assert (found["fine"].enforced, found["fine"].backend) == (False, "none")
    assert "limited to 2 GiB of memory" in found["fine"].spec.labels[0]


@pytest.mark.needs_root
def test_a_mount_point_that_is_no_text_is_nobody_s_death(outside_package, tmp_path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a mount of one's own needs root and unshare")
    point = os.fsencode(tmp_path) + b"/t\xe9l\xe9"
    os.mkdir(point)  # noqa: PTH102 - a name that is no text
    hide = 'mount --make-rprivate / && mount -t tmpfs none "$0" && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hide, point, FOURGIG, "doctor"],
        env={**outside_package, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "limits" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture
def taken_for_ours(tmp_path, monkeypatch):
    """Return a function that runs one trial with a helper that nobody waits for.

    It returns the record, the processor seconds that were not taken for noise, and those that were waited for.
    """
    for name in ("crew_system", "crew_helper", "echo_system"):
        shutil.copy(Path(__file__).parents[1] / f"{name}.py", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    ours = []

    class Watched(Noise):
        def stop(self, ours_s):
            ours.append(ours_s)
            return super().stop(ours_s)

    monkeypatch.setattr(meanwhile, "Noise", Watched)

    def run(backend):
        profile, found, waited_for = profiles.load("1gb"), [], []
        planned = plan.make(
            preset="smoke",
            study_names=["load"],
            system_names=["crew_system:Leaves"],
            engine=EngineSpec(name="simulated"),
            profile=profile,
            blocks=1,
            seed=1,
            only={"work": "inference"},
        )
        with RunFolder(tmp_path / "run") as folder:
            runner.run(
                planned.trials,
                folder,
                backend,
                profile,
                f"ours-{os.getpid()}",
                models={},
                voids_noise=False,
                on_start=lambda _: waited_for.append(processes.waited_for_seconds()),
                on_finish=found.append,
            )
        waited_for.append(processes.waited_for_seconds())
        assert found[0].outcome is Outcome.OK, found[0].reason
        return found[0], ours[0], waited_for[1] - waited_for[0]

    return run


def test_neither_a_daemon_inside_the_limits_nor_the_client_outside_is_a_noisy_neighbour(taken_for_ours):
    profile = profiles.load("1gb")
    backend = next((each for each in backends() if each.availability(profile).usable), None)
    if backend is None or backend.name == "enclosing":
        pytest.skip("no backend of this machine makes groups")
    record, ours_s, _ = taken_for_ours(backend)
    client = record.part("client")
    assert client.cpu_seconds > 0
    inside_s = record.outside.looks["served"].cpu_seconds
    inside, beside = placement.split(profile.cpus, os.sched_getaffinity(0))
    expected_s = inside_s + (client.cpu_seconds if inside == beside else 0.0)
    # The system's own end comes after the last look.
    assert expected_s <= ours_s < expected_s + inside_s


@pytest.mark.long
def test_a_client_on_processors_of_its_own_is_none_of_the_time_on_the_subject_s(taken_for_ours, monkeypatch):
    monkeypatch.setattr(trial, "_placement", lambda _: ((0,), (1,)))
    if not {0, 1} <= os.sched_getaffinity(0):
        pytest.skip("it needs processors 0 and 1")
    record, ours_s, waited_for_s = taken_for_ours(Unenforced())
    client = record.part("client")
    assert client.cpu_seconds > 0
    # The janitor is waited for as well, after the trial.
    assert waited_for_s - client.cpu_seconds - 0.2 < ours_s <= waited_for_s - client.cpu_seconds


def test_a_trial_under_another_profile_than_the_run_s_that_the_machine_has_not_is_void_and_says_so(tmp_path):
    profile = profiles.load("1gb")
    if not judge(profile).enforced:
        pytest.skip("1gb is not to be had here")
    huge = msgspec.structs.replace(profile, name="huge", memory_bytes=2**50)
    spec = msgspec.structs.replace(synthetic.spec("load", "baseline"), profile=huge, engine=None)
    found = []
    with RunFolder(tmp_path / "run") as folder:
        runner.run(
            [spec],
            folder,
            judge(profile).backend,
            profile,
            f"huge-{os.getpid()}",
            models={},
            voids_noise=False,
            on_start=lambda _: None,
            on_finish=found.append,
        )
    [record] = found
    assert (record.outcome, record.enforced) == (Outcome.INVALID, False)
    assert "huge is not that of the run, and not to be had: the machine has" in record.reason
