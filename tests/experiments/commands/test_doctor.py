"""What the doctor finds on recorded machines, and on this one; and the description of the machine."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path

import pytest

from experiments.commands import doctor
from experiments.commands.doctor import Finding, examine, exit_code
from experiments.measuring.limits.kernel import Kernel
from experiments.measuring.probes.host import Noise, environment
from experiments.measuring.profiles import Profile
from systems.engines.calibration import keeping
from systems.engines.calibration.case import CalibrationCase, EngineChoice
from systems.engines.calibration.measuring import Calibration
from systems.errors import ExitCode

PROFILE = Profile(name="4gb", description="", memory_bytes=4 * 2**30, swap_bytes=0, cpus=2)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_WATCHED_S", 0.0)


def machine(root: Path, **files: str) -> Kernel:
    """A machine without control groups; the keys are paths with ``__`` for ``/``."""
    usual = {
        "proc__meminfo": "MemTotal:        8000000 kB\n",
        "proc__self__status": "Cpus_allowed_list:\t0-3\n",
        "proc__swaps": "Filename Type Size Used Priority\n",
        "proc__loadavg": "0.10 0.20 0.30 1/100 4711\n",
        "proc__stat": "cpu  100 0 50 900 0 0 0 0 0 0\n",
    }
    for name, text in (usual | files).items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Kernel(root)


def finding(name: str, kernel: Kernel, folder: Path | None = None) -> Finding:
    return next(each for each in examine(PROFILE, kernel, folder) if each.name == name)


def test_a_machine_without_limits_is_told_how_to_get_them(tmp_path: Path) -> None:
    kernel = machine(tmp_path)
    found = finding("limits", kernel)
    assert found.status == "bad"
    assert "docker run" in found.remedy
    assert exit_code(examine(PROFILE, kernel)) is ExitCode.CANNOT_ENFORCE


def test_a_machine_that_has_not_the_profile_s_memory_may_go_on_without_it_and_one_with_another_fault_may_not(
    tmp_path: Path,
) -> None:
    small = machine(tmp_path, proc__meminfo="MemTotal: 3900000 kB\n")
    assert exit_code(examine(PROFILE, small)) is ExitCode.CANNOT_ENFORCE
    assert exit_code(examine(PROFILE, small, tmp_path / "missing")) is ExitCode.UNFIT


def test_notes_are_no_faults() -> None:
    noted = [Finding(name="limits", status="good", found=""), Finding(name="swap", status="note", found="")]
    assert exit_code(noted) is ExitCode.DONE


def test_every_backend_says_why_it_cannot(tmp_path: Path) -> None:
    for backend in ("cgroup-v2", "systemd-scope", "cgroup-v1", "enclosing"):
        assert finding(f"limits: {backend}", machine(tmp_path)).found


@pytest.mark.parametrize(("kilobytes", "status"), [(16_000_000, "good"), (5_000_000, "note"), (3_900_000, "bad")])
def test_memory_for_the_profile_and_the_rest(tmp_path: Path, kilobytes: int, status: str) -> None:
    kernel = machine(tmp_path, proc__meminfo=f"MemTotal: {kilobytes} kB\n")
    assert finding("memory", kernel).status == status


@pytest.mark.parametrize(("allowed", "status"), [("0-3", "good"), ("0-1", "note"), ("0", "bad")])
def test_processors_for_the_profile_and_the_client(tmp_path: Path, allowed: str, status: str) -> None:
    kernel = machine(tmp_path, proc__self__status=f"Cpus_allowed_list:\t{allowed}\n")
    assert finding("processors", kernel).status == status


def test_swap_in_use_is_noted_with_its_remedy(tmp_path: Path) -> None:
    kernel = machine(tmp_path, proc__swaps="Filename Type Size Used Priority\n/swapfile file 2097148 0 -2\n")
    found = finding("swap", kernel)
    assert (found.status, found.found) == ("note", "2 GiB active")


def test_a_saving_governor_is_noted(tmp_path: Path) -> None:
    kernel = machine(tmp_path, sys__devices__system__cpu__cpu0__cpufreq__scaling_governor="powersave\n")
    assert finding("frequency", kernel).status == "note"


def test_a_folder_that_is_not_there_is_bad_news_and_no_traceback(tmp_path: Path) -> None:
    assert finding("disk", machine(tmp_path), tmp_path / "missing").status == "bad"


def test_a_missing_compiler_matters_only_before_llama_cpp_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _, path=None: None)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)
    assert finding("C++ compiler", machine(tmp_path)).status == "bad"
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: object())
    assert finding("C++ compiler", machine(tmp_path)).status == "good"


def test_what_needs_a_remedy_has_one_on_this_machine() -> None:
    for found in examine(PROFILE):
        assert found.found
        assert found.status != "bad" or found.remedy


def test_how_llama_cpp_is_used_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path))

    def told() -> dict[str, str]:
        found = examine(PROFILE, Kernel())
        return {finding.name: finding.found for finding in found if finding.name.startswith("llama.cpp")}

    assert "not calibrated yet" in told()["llama.cpp"]
    model = tmp_path / "some.gguf"
    model.write_bytes(bytes(20 << 20))
    choice = EngineChoice(flash_attention=True, threads=1, prefill_threads=2, micro_batch_tokens=64, chunk_tokens=128)
    monkeypatch.setattr(keeping, "measured", lambda _: Calibration(choice=choice))
    keeping.choice_for(CalibrationCase(model_path=str(model), conversations=16, threads=2))
    [(name, found)] = told().items()
    assert "some.gguf" in name
    assert "flash attention" in found

    [kept] = keeping.folder().glob("*.json")
    kept.unlink()
    late = Calibration(choice=choice, unmeasured="it took too long")
    monkeypatch.setattr(keeping, "measured", lambda _: late)
    keeping.choice_for(CalibrationCase(model_path=str(model), conversations=16, threads=2))
    [finding] = [each for each in examine(PROFILE, Kernel()) if each.name.startswith("llama.cpp")]
    assert finding.status == "note"
    assert "as usual: it took too long" in finding.found
    assert str(keeping.folder()) in finding.remedy


def test_noise_tells_our_own_time_from_others_and_from_steal(tmp_path: Path) -> None:
    kernel = machine(tmp_path)
    noise = Noise((0, 1), kernel)
    noise.start()
    ticks = 100 * 10  # ten seconds at the usual hundred ticks a second
    machine(tmp_path, proc__stat=f"cpu  {100 + ticks // 2} 0 50 {900 + ticks // 4} 0 0 0 {ticks // 4} 0 0\n")
    seen = noise.stop(2.0)
    assert seen["steal_share"] == pytest.approx(0.25)
    assert seen["others_cpu_share"] == pytest.approx(0.3, abs=0.05)
    assert "frequency_mhz" not in seen


def test_noise_on_this_machine_is_made_of_shares() -> None:
    noise = Noise(Kernel().processors())
    noise.start()
    seen = noise.stop(0.0)
    assert all(0 <= value <= 1 for name, value in seen.items() if name.endswith("_share"))


@pytest.mark.parametrize(
    ("cpus", "ours_s", "others", "steal"), [((0, 1), 0.0, 0.0, 0.0), ((2, 3), 0.0, 0.5, 0.25), ((2, 3), 0.6, 0.2, 0.25)]
)
def test_only_the_processors_that_count_are_looked_at(
    tmp_path: Path, cpus: tuple[int, ...], ours_s: float, others: float, steal: float
) -> None:
    idle = "".join(f"cpu{number} 500 0 0 900 0 0 0 0 0 0\n" for number in range(4))
    noise = Noise(cpus, machine(tmp_path, proc__stat=f"cpu  2000 0 0 3600 0 0 0 0 0 0\n{idle}"))
    noise.start()
    # A second later: the first two were idle, the third was busy, the fourth was stolen for half of it.
    machine(
        tmp_path,
        proc__stat="cpu  2100 0 0 3850 0 0 0 50 0 0\n"
        "cpu0 500 0 0 1000 0 0 0 0 0 0\ncpu1 500 0 0 1000 0 0 0 0 0 0\n"
        "cpu2 600 0 0 900 0 0 0 0 0 0\ncpu3 500 0 0 950 0 0 0 50 0 0\n",
    )
    seen = noise.stop(ours_s)
    assert seen["others_cpu_share"] == pytest.approx(others, abs=0.02)
    assert seen["steal_share"] == pytest.approx(steal)


def test_the_description_names_no_one_and_no_place() -> None:
    described = environment()
    text = " ".join(str(value) for value in described.values()).split()
    assert getpass.getuser() not in text
    assert socket.gethostname() not in text
    assert str(Path.home()) not in " ".join(text)
    assert described["python"]
    assert described["package.llama-cpp-python"]
