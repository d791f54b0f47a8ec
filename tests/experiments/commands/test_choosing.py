"""A part of a study, or what concerns one factor: run, recorded, resumed, and refused where nothing fits."""

import msgspec
import pytest
from typer.testing import CliRunner

from experiments.commands import planning
from experiments.commands.asking import Asked
from experiments.commands.cli import app
from experiments.measuring import profiles, records, requirements
from experiments.measuring.records import WORKLOAD, EngineSpec
from experiments.measuring.runs import read_info
from systems.errors import BadInput

SIMULATED = ("--engine", "simulated")
WAYS = "naps-1,client_left"


def subjects(out):
    return [record.spec.subject for record in records.read(out / "trials.jsonl")]


def test_a_part_is_run_and_a_resumed_run_keeps_to_it(fourgig, tmp_path, enforcement):
    out = tmp_path / "run"
    chosen = ("--part", "alone", "--only", "n=1")
    done = fourgig("run", "probe", *SIMULATED, *chosen, "--blocks", "1", "--out", out, *enforcement, PROBE=WAYS)
    assert done.returncode == 0, done.stderr
    assert subjects(out) == ["naps-1"]
    info = read_info(out)
    assert (info.part, info.only, info.planned) == ("alone", {"n": "1"}, 1)
    again = fourgig("run", "--resume", out, "--blocks", "2", *enforcement, PROBE=WAYS)
    assert again.returncode == 0, again.stderr
    assert subjects(out) == ["naps-1", "naps-1"]


@pytest.mark.parametrize(
    "chosen", [("--only", "subject=naps-1"), ("--only", "part=alone"), ("--part", "alone", "--only", "part=alone")]
)
def test_a_dry_run_shows_only_what_is_chosen(fourgig, chosen):
    done = fourgig("run", "probe", *SIMULATED, *chosen, "--dry-run", PROBE=WAYS)
    assert done.returncode == 0, done.stderr
    assert "naps-1" in done.stdout
    assert "client_left" not in done.stdout


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (("--part", "alnoe"), ("'alnoe'", "alone", "asked")),
        (("--only", "n=7"), ("n=7", "1")),
        (("--only", "m=1"), ("'m'", "n")),
        (("--only", "subject=nobody"), ("nobody", "naps-1", "client_left")),
        (("--only", "n"), ("'n'", "FACTOR=LEVEL")),
        (("--only", "n=1", "--only", "n=7"), ("n=7", "1")),
        (("--only", "m="), ("'m'", "n")),
        (("--only", "n=1", "--arms"), ("no A/A arms", "standard")),
        (("--part", "alone", "--only", "part=asked"), ("--part alone", "part=asked", "exclude each other")),
        (("--part", "alone", "--only", "subject=client_left"), ("client_left", "naps-1")),
    ],
)
def test_what_fits_nothing_is_refused_with_what_there_is(fourgig, chosen, says):
    done = fourgig("run", "probe", *SIMULATED, *chosen, "--dry-run", PROBE=WAYS)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for words in says:
        assert words in done.stderr


def test_a_resumed_run_cannot_be_narrowed(fourgig, tmp_path, enforcement):
    out = tmp_path / "run"
    done = fourgig("run", "probe", *SIMULATED, "--blocks", "1", "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    for chosen, named in ((("--part", "alone"), "--part"), (("--only", "n=1"), "--only")):
        refused = fourgig("run", "--resume", out, *chosen)
        assert refused.returncode == 2
        assert f"leave out {named}" in refused.stderr


def test_the_lists_name_every_part(fourgig):
    studies, parts = fourgig("list", "studies").stdout, fourgig("list", "parts").stdout
    assert "alone, asked" in studies
    assert "A subject with a client." in parts


@pytest.mark.parametrize(("typed", "offered"), [("load --only use", "users="), ("load --only users=5", "users=50")])
def test_the_tab_key_knows_factors_and_levels(typed, offered):
    words = f"fourgig run {typed}"
    environment = {"_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"}
    done = CliRunner().invoke(app, [], prog_name="fourgig", env=environment)
    assert offered in done.stdout.split()


def test_the_tab_key_knows_the_parts_of_the_study(fourgig):
    typed = {"_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": "fourgig run probe --part a", "COMP_CWORD": "4"}
    assert fourgig(**typed).stdout.split() == ["alone", "asked"]


def test_no_model_is_made_for_trials_that_run_none(fourgig, tmp_path, enforcement):
    out, cache = tmp_path / "run", tmp_path / "cache"
    done = fourgig("run", "probe", "--blocks", "1", "--out", out, *enforcement, FOURGIG_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    assert read_info(out).engine.model is None
    assert not (cache / "models").exists()


ASKED = Asked(
    preset="wide",
    studies=("memory",),
    systems=("baseline",),
    profile=profiles.load("4gb"),
    blocks=1,
    seed=0,
    engine=EngineSpec(name="llama"),
    model=None,
    settings={},
    part=None,
    only={},
    workload=WORKLOAD,
)


def test_only_the_models_that_the_chosen_trials_use_are_made():
    every = planning.draft(ASKED, None)
    assert len(every.shapes) > 1
    one = planning.draft(msgspec.structs.replace(ASKED, only={"subject": every.shapes[0]}), None)
    assert (one.model, one.shapes) == (None, every.shapes[:1])


@pytest.mark.long
def test_a_resumed_run_neither_wins_nor_loses_the_model_that_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(requirements, "READER", tmp_path / "reader.gguf")
    answers = msgspec.structs.replace(ASKED, part="answers", shapes={"135m": EngineSpec(name="llama", model="135m")})
    begun_without = planning.draft(answers, tmp_path)
    (tmp_path / "reader.gguf").touch()
    assert "reader" in planning.draft(ASKED, None).shapes
    again = planning.draft(answers, tmp_path)
    assert [spec.key for spec in again.plan.trials] == [spec.key for spec in begun_without.plan.trials]

    begun_with = msgspec.structs.replace(answers, shapes={"reader": EngineSpec(name="llama", model="reader")})
    (tmp_path / "reader.gguf").unlink()
    with pytest.raises(BadInput, match="begun with the model reader"):
        planning.draft(begun_with, tmp_path)
