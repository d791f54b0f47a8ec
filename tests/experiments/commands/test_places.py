"""Machines on which a folder is missing, full, read-only or oddly named: a sentence that names what to set, and a code.

The real thing where this machine allows it: a user without an entry, and mounts of a name space of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from experiments.measuring import records, runs
from experiments.measuring.records import Outcome
from systems.errors import ExitCode
from tests.experiments.commands import hostile
from tests.experiments.conftest import FOURGIG
from tests.experiments.forking import Forked

RUN = ("run", "hostile", "--engine", "simulated", "--blocks", "1", "--allow-unenforced")
NO_ENTRY = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
OWN_MOUNTS = ("unshare", "--mount", "sh", "-c")

Fourgig = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**hostile.install(tmp_path_factory.mktemp("hostile") / "site"), "SUBJECT": "fine"}


@pytest.fixture(scope="module")
def forked(outside: dict[str, str]) -> Iterator[Forked]:
    forked = Forked(outside)
    yield forked
    forked.close()


@pytest.fixture
def fourgig(outside: dict[str, str], forked: Forked, tmp_path: Path) -> Fourgig:
    """Return a function that runs the command in an empty folder; what is None in the environment is taken out.

    One that is put into odd surroundings is started as a person would.
    """
    home = tmp_path / "cwd"
    home.mkdir()

    def run(
        *arguments: object,
        before: tuple[str, ...] = (),
        folder: Path | bytes = home,
        **environment: str | bytes | None,
    ) -> subprocess.CompletedProcess[str]:
        usual = {name: value for name, value in environment.items() if isinstance(value, str)}
        plain = not before and folder == home and not any(isinstance(word, bytes) for word in arguments)
        if plain and len(usual) == len(environment):
            return forked.run(FOURGIG, list(map(str, arguments)), usual, home, within_s=300)
        surroundings: dict[str, str | bytes] = {**outside}
        for name, value in environment.items():
            surroundings.pop(name, None)
            if value is not None:
                surroundings[name] = value
        words = [*before, FOURGIG, *arguments]
        return subprocess.run(
            [word if isinstance(word, bytes) else str(word) for word in words],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd=folder,
            env=surroundings,
            timeout=300,
            check=False,
        )

    return run


def one_sentence(done: subprocess.CompletedProcess[str], code: ExitCode, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def allowed(*command: str) -> bool:
    return subprocess.run([*command], capture_output=True, check=False).returncode == 0


HOMELESS: Mapping[str, None] = {"HOME": None, "FOURGIG_CACHE": None, "XDG_CACHE_HOME": None, "XDG_DATA_HOME": None}


def test_without_a_home_what_needs_the_cache_names_the_variable(fourgig: Fourgig) -> None:
    if not allowed(*NO_ENTRY, "true"):
        pytest.skip("this machine lets nobody be a user without an entry")
    for arguments in (RUN, ("model", "make", "tiny")):
        one_sentence(
            fourgig(*arguments, before=NO_ENTRY, **HOMELESS),
            ExitCode.CANNOT_WRITE,
            "no home folder",
            "set FOURGIG_CACHE",
        )
    one_sentence(
        fourgig("serve", "--engine", "simulated", before=NO_ENTRY, **HOMELESS), ExitCode.BAD_INPUT, "no home", "--data"
    )


@pytest.mark.long
def test_without_a_home_what_needs_no_cache_works(fourgig: Fourgig, tmp_path: Path) -> None:
    if not allowed(*NO_ENTRY, "true"):
        pytest.skip("this machine lets nobody be a user without an entry")
    model = tmp_path / "made.gguf"
    assert fourgig("model", "make", "tiny", "--out", model, before=NO_ENTRY, **HOMELESS).returncode == 0
    for arguments in (
        ("list", "studies"),
        (*RUN, "--dry-run"),
        ("run", "load", "--dry-run", "--allow-unenforced", "--model", model),
    ):
        done = fourgig(*arguments, before=NO_ENTRY, **HOMELESS)
        assert done.returncode == 0, done.stderr
    one_sentence(fourgig("run", "load", "--dry-run", "--model", "~/a.gguf", before=NO_ENTRY, **HOMELESS), 2, "whole")


@pytest.mark.parametrize(
    "cache",
    [
        "a-file",
        *(pytest.param(each, marks=pytest.mark.long) for each in ("a-file/below", "/proc/none", b"\xff")),
    ],
)
def test_a_cache_that_cannot_be_made_names_the_variable(fourgig: Fourgig, tmp_path: Path, cache: str | bytes) -> None:
    (tmp_path / "cwd" / "a-file").touch()
    for arguments in (RUN, ("model", "make", "tiny")):
        one_sentence(fourgig(*arguments, FOURGIG_CACHE=cache), ExitCode.CANNOT_WRITE, "set FOURGIG_CACHE")
    assert not (tmp_path / "cwd" / "results").exists()
    assert fourgig(*RUN, "--dry-run", FOURGIG_CACHE=cache).returncode == 0


@pytest.mark.long
def test_a_cache_that_is_full_but_read_only_serves(fourgig: Fourgig, tmp_path: Path) -> None:
    if not allowed(*OWN_MOUNTS, "true"):
        pytest.skip("this machine lets nobody mount")
    cache = tmp_path / "cache"
    assert fourgig(*RUN, FOURGIG_CACHE=str(cache)).returncode == 0
    read_only = f'mount --bind {cache} {cache} && mount -o remount,ro,bind {cache} && exec "$@"'
    done = fourgig(*RUN, before=(*OWN_MOUNTS, read_only, "sh"), FOURGIG_CACHE=str(cache))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "shm",
    [
        "mount -t tmpfs -o ro none /dev/shm",
        pytest.param("mount --bind /proc /dev/shm", marks=pytest.mark.long),
    ],
)
def test_a_model_is_made_without_shared_memory(fourgig: Fourgig, tmp_path: Path, shm: str) -> None:
    if not allowed(*OWN_MOUNTS, shm):
        pytest.skip("this machine lets nobody mount")
    made = tmp_path / "made.gguf"
    done = fourgig("model", "make", "tiny", "--out", made, before=(*OWN_MOUNTS, f'{shm} && exec "$@"', "sh"))
    assert done.returncode == 0, done.stderr
    assert made.exists()


@pytest.mark.long
def test_a_full_disk_stops_a_report_and_a_model_with_a_sentence(fourgig: Fourgig, tmp_path: Path) -> None:
    if not allowed(*OWN_MOUNTS, "true"):
        pytest.skip("this machine lets nobody mount")
    assert fourgig(*RUN, "--out", "run").returncode == 0
    small = tmp_path / "small"
    small.mkdir()
    full = f'mount -t tmpfs -o size=64k none {small} && cp -r run/run.json run/trials.jsonl {small} && exec "$@"'
    before = (*OWN_MOUNTS, full, "sh")
    one_sentence(fourgig("report", small, before=before), ExitCode.CANNOT_WRITE, "No space left")
    made = fourgig("model", "make", "tiny", "--out", small / "a.gguf", before=before)
    one_sentence(made, ExitCode.CANNOT_WRITE, "Not enough disk space")


@pytest.mark.long
def test_a_name_that_is_not_utf8_is_told(fourgig: Fourgig, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path / "\udcff")
    Path(os.fsdecode(odd)).mkdir()
    one_sentence(fourgig(*RUN, folder=odd), ExitCode.BAD_INPUT, "run's folder", "$'", "\\377", "--out")
    one_sentence(fourgig(*RUN, "--out", odd), ExitCode.BAD_INPUT, "argument", "not UTF-8")
    one_sentence(fourgig(*RUN, TMPDIR=odd), ExitCode.BAD_INPUT, "set TMPDIR")
    one_sentence(fourgig("chat", USER=b"\xff"), ExitCode.BAD_INPUT, "--session")
    # Where nothing has to be recorded, the folder does.
    assert fourgig(*RUN, "--out", tmp_path / "run", folder=odd).returncode == 0
    assert fourgig("list", "studies", folder=odd).returncode == 0


def test_a_folder_that_is_gone_is_told(fourgig: Fourgig, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = fourgig("doctor", before=("sh", "-c", f'rmdir {gone} && exec "$@"', "sh"), folder=gone)
    one_sentence(done, ExitCode.BAD_INPUT, "current folder")


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_setting_that_no_record_can_hold_is_refused(fourgig: Fourgig, number: str) -> None:
    done = fourgig(*RUN, "--set", f"simulated.token_s={number}")
    assert done.returncode == ExitCode.BAD_INPUT
    assert done.stderr.count("\n") == 1 and "token_s" in done.stderr


@pytest.mark.parametrize("answer", ["nan", "inf", "-inf"])
def test_a_part_with_a_number_that_is_none_is_one_record_with_a_reason(
    fourgig: Fourgig, tmp_path: Path, answer: str
) -> None:
    done = fourgig(*RUN, "--out", tmp_path / "run", ANSWER=answer)
    [record] = records.read(tmp_path / "run" / "trials.jsonl")
    assert record.outcome is Outcome.CRASHED
    assert f"the subject's part says {answer} at values.answer" in record.reason
    assert done.returncode == ExitCode.NOTHING_MEASURED


def test_a_trial_whose_name_no_record_can_hold_is_not_planned(fourgig: Fourgig) -> None:
    one_sentence(fourgig(*RUN, SUBJECT=b"\xff"), ExitCode.BAD_INPUT, "hostile", "not UTF-8")


@pytest.mark.long
def test_blank_lines_among_the_records_are_passed_over(fourgig: Fourgig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert fourgig(*RUN, "--out", folder).returncode == 0
    trials = folder / "trials.jsonl"
    trials.write_bytes(b"\n \r\n" + trials.read_bytes() + b"\n\t\n")
    assert fourgig("report", folder).returncode == 0
    again = fourgig("run", "--resume", folder, "--blocks", "2", "--allow-unenforced")
    assert again.returncode == 0, again.stderr
    assert "1 of 2 trials to run" in again.stderr
    assert len(records.read(trials)) == 2


def test_a_line_that_is_not_utf8_is_told_by_its_number(fourgig: Fourgig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert fourgig(*RUN, "--out", folder).returncode == 0
    with (folder / "trials.jsonl").open("ab") as lines:
        lines.write(b'{"key": "\xff"}\n')
    one_sentence(fourgig("report", folder), ExitCode.BAD_RUN, "line 2 is not a record")
    (folder / "run.json").write_bytes(b'{"run_id": "\xff"}')
    one_sentence(fourgig("report", folder), ExitCode.BAD_RUN, "not a run description")


def test_a_resume_of_which_all_is_skipped_says_what_is_so(fourgig: Fourgig, tmp_path: Path) -> None:
    new = fourgig(*RUN, "--out", tmp_path / "none", MISSING="it lacks a moon")
    assert new.returncode == ExitCode.NOTHING_MEASURED
    assert "it lacks a moon" in new.stderr and "nothing was measured" in new.stderr
    assert fourgig(*RUN, "--out", tmp_path / "run").returncode == 0
    again = fourgig("run", "--resume", tmp_path / "run", "--allow-unenforced", MISSING="it lacks a moon")
    assert again.returncode == 0, again.stderr
    assert "nothing was added to the 1 trials that are recorded, of which 1 ended ok" in again.stderr
    assert "nothing was measured" not in again.stderr


FROZEN = """
import sys
from datetime import datetime
import experiments.commands.run as command
class Frozen(datetime):
    @classmethod
    def now(cls, zone=None):
        return cls(2026, 1, 1, 12, tzinfo=zone)
command.datetime = Frozen
from experiments.commands.cli import main
main()
"""


@pytest.mark.long
def test_runs_that_begin_in_the_same_second_have_names_of_their_own(outside: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", FROZEN, *RUN]
    started = [
        subprocess.Popen([*command, *more], cwd=tmp_path, env=outside, stderr=subprocess.PIPE)
        for more in ((), (), ("--out", "elsewhere"))
    ]
    for process in started:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    folders = [*(tmp_path / "results").iterdir(), tmp_path / "elsewhere"]
    assert {folder.name for folder in folders} == {"20260101-120000-quick", "20260101-120000-quick-2", "elsewhere"}
    assert len({runs.read_info(folder).run_id for folder in folders}) == 3


def test_of_many_that_want_one_name_each_gets_another(tmp_path: Path) -> None:
    together = Barrier(8)

    def claim(_: int) -> Path:
        together.wait()
        return runs.claim(tmp_path / "results", "run")

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim, range(8)))
    assert len(set(claimed)) == 8 and all(path.is_dir() for path in claimed)
    assert runs.free(tmp_path / "results", "run") == tmp_path / "results" / "run-9"


def test_two_that_make_one_model_at_once_leave_one_whole_file(outside: dict[str, str], tmp_path: Path) -> None:
    environment = {**outside, "FOURGIG_CACHE": str(tmp_path / "cache")}
    command = [FOURGIG, "model", "make", "tiny"]
    makers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    said = {maker.communicate(timeout=300)[0] for maker in makers}
    assert [maker.returncode for maker in makers] == [0, 0, 0]
    assert len(said) == 1
    assert len(list((tmp_path / "cache" / "models").iterdir())) == 1
