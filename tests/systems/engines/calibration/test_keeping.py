"""A calibration is measured once a machine, whatever befalls the cache; where it cannot be, nothing changes."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.calibration import keeping, measuring
from systems.engines.calibration.case import EngineChoice
from systems.engines.calibration.keeping import choice_for, of_this_machine
from systems.engines.calibration.measuring import Calibration
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.errors import EngineBusy

CHOICE = EngineChoice(flash_attention=True, threads=1, prefill_threads=2, micro_batch_tokens=64, chunk_tokens=128)

# What another process does, on a machine that nobody else uses, where the fewest rounds are enough.
CALIBRATES = """
from systems.engines.calibration import measuring
measuring.waited_s = lambda: 0.0
measuring._ENOUGH_S = 0.0
measuring._ANOTHER_PACE = float("inf")
from systems.engines.calibration.__main__ import main
main()
"""


@pytest.fixture
def measurements(monkeypatch):
    """Return a list that gets every case that is measured, as which ``CHOICE`` is always found."""
    done = []

    def measured(case):
        done.append(case)
        return Calibration(choice=CHOICE)

    monkeypatch.setattr(keeping, "measured", measured)
    return done


def files(cache: Path) -> list[Path]:
    return sorted((cache / "calibrations").glob("*.json"))


def test_a_case_is_measured_once(cache, case, measurements):
    assert choice_for(case()) == choice_for(case()) == CHOICE
    assert len(measurements) == len(files(cache)) == 1


@pytest.mark.parametrize(
    "other",
    [{"conversations": 1}, {"threads": 1}, {"threads_are_set": True}, {"key_value": "q8_0"}, {"repack": False}],
)
def test_what_was_measured_for_one_case_is_not_used_for_another(cache, case, measurements, other):
    choice_for(case())
    choice_for(case(**other))
    assert len(measurements) == len(files(cache)) == 2


@pytest.mark.parametrize("what", ["processor", "build", "usable_cpus"])
def test_another_machines_calibration_is_neither_used_nor_lost(cache, case, measurements, monkeypatch, what):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(keeping, what, lambda: 99)
        choice_for(case())
    choice_for(case())
    assert len(measurements) == len(files(cache)) == 2
    shown = of_this_machine()
    assert len(shown) == (2 if what == "usable_cpus" else 1)


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b'{"schema_version": 1}', b"null"],
    ids=["empty", "cut", "no text", "no object", "half", "nothing"],
)
def test_a_broken_file_is_measured_anew_and_written_again(cache, case, measurements, broken):
    choice_for(case())
    (file,) = files(cache)
    whole = file.read_bytes()
    file.write_bytes(broken)
    assert of_this_machine() == []
    assert choice_for(case()) == CHOICE
    assert len(measurements) == 2
    assert file.read_bytes() == whole


@pytest.mark.parametrize("name", ["schema_version", "model"])
def test_a_file_that_says_it_is_something_else_is_not_used(cache, case, measurements, name):
    choice_for(case())
    (file,) = files(cache)
    said = json.loads(file.read_bytes())
    (said if name == "schema_version" else said["holds_for"])[name] = 1 if name == "schema_version" else "other.gguf"
    file.write_text(json.dumps(said))
    assert choice_for(case()) == CHOICE
    assert len(measurements) == 2


def test_where_the_cache_cannot_be_written_every_load_measures(tmp_path, case, measurements, monkeypatch):
    monkeypatch.setenv("FOURGIG_CACHE", "/proc/nowhere")
    assert choice_for(case()) == choice_for(case()) == CHOICE
    assert len(measurements) == 2
    assert of_this_machine() == []


def test_where_there_is_no_place_for_a_cache_every_load_measures(case, measurements, monkeypatch):
    for variable in ("FOURGIG_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert choice_for(case()) == CHOICE
    assert of_this_machine() == []


def calibrating(case, before: str = "", **options) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", before + CALIBRATES]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(case))
    process.stdin.close()
    process.stdin = None
    return process


def said(process: subprocess.Popen[bytes]) -> EngineChoice:
    out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    return msgspec.json.decode(out, type=EngineChoice)


def test_on_a_full_disk_the_choice_is_used_and_nothing_is_left(cache, case):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    choice = said(calibrating(case(), full))
    assert choice.threads in {1, 2}
    assert [path.name for path in (cache / "calibrations").iterdir()] == [".lock"]


def test_two_processes_at_once_measure_once(cache, case):
    first, second = calibrating(case()), calibrating(case())
    assert said(first) == said(second)
    (file,) = files(cache)
    assert msgspec.json.decode(file.read_bytes(), type=keeping.KeptCalibration).calibration.choice == said_in(file)
    assert {path.name for path in (cache / "calibrations").iterdir()} == {file.name, ".lock"}


def said_in(file: Path) -> EngineChoice:
    return msgspec.convert(json.loads(file.read_bytes())["calibration"]["choice"], EngineChoice)


def test_whoever_waited_takes_what_the_other_measured(cache, case, measurements, monkeypatch):
    lock = keeping._lock

    def meanwhile(descriptor, until_s):
        with monkeypatch.context() as alone:
            alone.setattr(keeping, "_lock", lambda *_: None)
            keeping.found(case())
        lock(descriptor, until_s)

    monkeypatch.setattr(keeping, "_lock", meanwhile)
    assert choice_for(case()) == CHOICE
    assert len(measurements) == 1


def test_a_process_that_measures_for_long_is_not_waited_for(cache, case, measurements, monkeypatch, caplog):
    monkeypatch.setattr(keeping, "_WAITS_S", 0.0)
    (cache / "calibrations").mkdir(parents=True)
    with (cache / "calibrations" / ".lock").open("w") as held, caplog.at_level(logging.WARNING, "systems"):
        fcntl.flock(held, fcntl.LOCK_EX)
        assert choice_for(case()) == case().usual
    assert measurements == []
    assert "not calibrated" in caplog.text
    assert choice_for(case()) == CHOICE


@pytest.mark.usefixtures("quiet")
@pytest.mark.long
def test_an_interrupted_calibration_leaves_nothing_and_the_next_load_measures(cache, case, monkeypatch):
    with monkeypatch.context() as interrupted:

        def timed(*_):
            raise KeyboardInterrupt

        interrupted.setattr(measuring, "timed", timed)
        with pytest.raises(KeyboardInterrupt):
            choice_for(case())
    assert files(cache) == []
    monkeypatch.setattr(keeping, "measured", lambda _: Calibration(choice=CHOICE))
    assert choice_for(case()) == CHOICE
    assert len(files(cache)) == 1


def test_a_busy_machine_keeps_nothing(cache, case, monkeypatch):
    def measured(_case):
        raise EngineBusy("Other processes use the CPUs.")

    monkeypatch.setattr(keeping, "measured", measured)
    assert choice_for(case()) == case().usual
    assert files(cache) == []


def test_a_small_model_is_not_worth_it(cache, case, measurements, tiny_model, tmp_path):
    for path in (tiny_model, tmp_path / "none.gguf"):
        small = case(model_path=str(path))
        assert choice_for(small) == small.usual
    assert measurements == []


def engine(kind: str, model: Path, **settings):
    if kind == "llama":
        return LlamaEngine(LlamaSettings(model_path=str(model), context_tokens=256, **settings))
    return BatchedEngine(BatchedSettings(model_path=str(model), slots=2, context_tokens=256, **settings))


@pytest.mark.parametrize("kind", ["llama", "batched"])
def test_an_engine_calibrates_at_its_first_load_and_answers(cache, large_model, measurements, kind):
    for _ in range(2):
        loaded = engine(kind, large_model)
        loaded.load()
        try:
            assert loaded.generate(Call(messages=[Message("user", "Hello")], max_tokens=3)).generated_tokens <= 3
        finally:
            loaded.close()
    assert [case.conversations for case in measurements] == [1 if kind == "llama" else 2]


@pytest.mark.parametrize("kind", ["llama", "batched"])
def test_an_engine_that_shall_not_calibrate_does_not(cache, large_model, measurements, kind):
    loaded = engine(kind, large_model, calibrate=False)
    loaded.load()
    loaded.close()
    assert measurements == []
    assert not cache.exists()


@pytest.mark.parametrize("kind", ["llama", "batched"])
def test_a_calibration_changes_nothing_of_what_a_reply_is_known_by(large_model, kind):
    ways = [{"calibrate": False}, {}, {"flash_attention": True, "threads": 1, "prefill_threads": 2}]
    assert len({engine(kind, large_model, **settings).identity for settings in ways}) == 1


@pytest.mark.parametrize(("name", "value"), [("threads", 100_000), ("prefill_threads", 0), ("chunk_tokens", -1)])
def test_a_kept_choice_that_no_engine_can_have_is_measured_anew(cache, case, measurements, name, value):
    choice_for(case())
    [file] = files(cache)
    kept = json.loads(file.read_bytes())
    kept["calibration"]["choice"][name] = value
    file.write_text(json.dumps(kept))
    assert choice_for(case()) == CHOICE
    assert len(measurements) == 2


def test_a_model_of_any_name_is_calibrated(cache, case, measurements, tmp_path):
    odd = tmp_path / os.fsdecode(b"m\xff.gguf")
    odd.write_bytes(Path(case().model_path).read_bytes())
    assert choice_for(case(model_path=str(odd))) == CHOICE


@pytest.mark.parametrize("kind", ["llama", "batched"])
def test_a_choice_that_cannot_be_kept_on_disk_is_not_measured_again_after_an_unloading(
    large_model, measurements, monkeypatch, tmp_path, kind
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path / "file"))
    loaded = engine(kind, large_model)
    for _ in range(2):
        loaded.load()
        loaded.close()
    assert len(measurements) == 1
