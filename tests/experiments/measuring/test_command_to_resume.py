"""The command that goes on with a run has every option without which it would be refused."""

import random
import shlex
from pathlib import Path

import msgspec
import pytest

from experiments.measuring.records import EngineSpec
from experiments.measuring.resuming import command_to_resume
from experiments.measuring.runs import read_info
from tests.experiments.analysis import synthetic

MADE = EngineSpec(name="llama", model="made", model_shape="tiny", model_sha256="0" * 64)
OWN = EngineSpec(name="llama", model="my model", model_sha256="1" * 64)
FILES = {"0" * 64: Path("/cache/made.gguf"), "1" * 64: Path("/home/me/my model.gguf")}


@pytest.mark.parametrize(
    ("engine", "enforced", "models", "options"),
    [
        (MADE, True, FILES, []),
        (OWN, True, FILES, ["--model", "/home/me/my model.gguf"]),
        (OWN, True, {}, []),
        (EngineSpec(name="simulated"), False, {}, ["--allow-unenforced"]),
    ],
)
def test_a_model_file_is_named_and_a_run_without_limits_says_so_again(tmp_path, engine, enforced, models, options):
    made = read_info(synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1)))))
    info = msgspec.structs.replace(made, engine=engine, enforced=enforced)
    line = command_to_resume(Path("a run"), info, "--blocks", 12, models=models)
    assert shlex.split(line)[1:] == ["run", "--resume", "a run", "--blocks", "12", *options]
