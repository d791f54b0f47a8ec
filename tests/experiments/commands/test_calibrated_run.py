"""A whole run whose engine was calibrated: its trials have what was chosen, and its report says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from experiments.measuring import records
from experiments.measuring.records import Outcome
from experiments.measuring.runs import read_info
from systems.engines.calibration import keeping
from systems.engines.calibration.case import SMALLEST_BYTES, EngineChoice
from systems.engines.calibration.measuring import Calibration
from systems.engines.llama import LlamaSettings

CHOICE = EngineChoice(flash_attention=True, threads=1, prefill_threads=2, micro_batch_tokens=64, chunk_tokens=128)


@pytest.mark.long
def test_a_run_has_what_its_calibration_chose_in_every_trial_and_in_its_report(
    fourgig, tmp_path: Path, tiny_model: Path, enforcement: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Path(shutil.copy(tiny_model, tmp_path / "large.gguf"))
    os.truncate(model, SMALLEST_BYTES)  # what follows the weights is a hole
    cache, out = tmp_path / "cache", tmp_path / "run"
    monkeypatch.setenv("FOURGIG_CACHE", str(cache))
    # It is kept already, as after an earlier run: how busy this machine is does not matter.
    monkeypatch.setattr(keeping, "measured", lambda _: Calibration(choice=CHOICE))
    keeping.choice_for(LlamaSettings(model_path=str(model)).case(2))

    part = ("isolation", "--part", "inference", "--preset", "smoke", "--systems", "asynchronous")
    done = fourgig("run", *part, "--model", model, "--out", out, *enforcement, FOURGIG_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    [record] = records.read(out / "trials.jsonl")
    assert record.outcome is Outcome.OK, record.reason
    assert record.spec.engine is not None
    chosen = {"flash_attention": True, "threads": 1, "prefill_threads": 2}
    assert record.spec.engine.settings == chosen
    [calibrated] = read_info(out).calibrated
    assert (calibrated.engine, calibrated.cpus, calibrated.chosen) == ("llama", 2, chosen)
    page = (out / "report.html").read_text()
    assert "on 2 processors: flash_attention True, threads 1, prefill_threads 2" in page
