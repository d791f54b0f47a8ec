"""A folder is a system by being there: what each of the lab's must hold, and what is said of one that is amiss."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import msgspec
import pytest

from experiments.measuring import code, plan, requirements
from experiments.measuring.profiles import load
from experiments.measuring.records import EngineSpec
from systems import registry
from systems.errors import BadInput, UnknownName
from systems.frameworks import environments, folders, page
from systems.frameworks.describing import AdapterSettings
from tests.systems.frameworks import making

MOST_LINES = 60

every = pytest.mark.parametrize("name", folders.built_in())


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making.own_places(tmp_path, monkeypatch)


@every
def test_an_adapter_is_short_and_has_what_the_contract_names(name: str) -> None:
    folder = folders.get(name).folder
    source = (folder / folders.ADAPTER).read_text("utf-8")
    [agent] = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Agent"]
    methods = {node.name for node in agent.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert {"__init__", "start", "answer", "close"} <= methods
    for path in folder.glob("*.py"):
        lines = path.read_text("utf-8").splitlines()
        assert len(lines) <= MOST_LINES
        assert not [line for line in lines if re.match(r"\s*(?:import|from) (?:systems|experiments)\b", line)]


@every
def test_every_requirement_names_one_version(name: str) -> None:
    lines = folders.get(name).requirements.read_text("utf-8").splitlines()
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]

    assert [line for line in wanted if not re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[\w.]+", line)] == []
    package = folders.get(name).says.package
    assert not package or any(re.match(rf"{re.escape(package)}(\[|==)", line) for line in wanted)


@every
def test_a_folder_says_what_it_must(name: str) -> None:
    framework = folders.get(name)
    says = framework.says
    docstring = ast.get_docstring(ast.parse((framework.folder / "__init__.py").read_text("utf-8")))

    assert docstring and "\n" not in docstring
    assert says.summary.endswith(".") and says.memory.endswith(".")
    assert says.homepage.startswith("https://")
    assert all(says.switched_off.values())
    assert "PYTHONPATH" not in says.environment
    held = {path.name for path in framework.folder.iterdir()} - {"__pycache__", folders.IN_PROCESS}
    assert held == {*folders.FILES, "__init__.py"}


@every
def test_it_is_a_system_whose_variants_set_what_it_has(name: str) -> None:
    description = registry.systems.get(name)

    assert name in registry.systems.built_in_names()
    assert description.name == name
    assert description.asks_address and not description.blocks
    assert issubclass(description.settings, AdapterSettings)
    for variants in description.variants.values():
        for settings in variants.values():
            msgspec.convert(dict(settings), description.settings)


@every
def test_another_version_changes_the_requirements_and_nothing_else(name: str, tmp_path: Path) -> None:
    framework = folders.get(name)
    pinned = re.findall(r"==(\S+)", framework.requirements.read_text("utf-8"))
    others = [path.read_text("utf-8") for path in framework.files() if path != framework.requirements]
    assert [version for version in pinned if any(version in text for text in others)] == []

    changed = folders.read(Path(shutil.copytree(framework.folder, tmp_path / framework.folder.name)))
    text = changed.requirements.read_text("utf-8")
    changed.requirements.write_text(re.sub(r"==\S+", "==0.0.1", text), "utf-8")
    assert changed.says == framework.says
    assert (environments.place(changed) == environments.place(framework)) is (not pinned)


def test_a_model_that_answers_in_process_is_there_where_its_file_is(tmp_path: Path) -> None:
    framework = making.system(tmp_path / "own")
    description = registry.systems.get("odd")
    assert "in_process" not in description.setting_names
    assert description.varied("model") == {}

    (framework.folder / folders.IN_PROCESS).write_text("")
    description = registry.systems.get("odd")
    assert description.varied("model") == {"in-process": {"in_process": True}}
    assert msgspec.structs.asdict(description.settings())["in_process"] is False
    (framework.folder / folders.SAYS).write_text(making.SAYS.format(name="odd", more="[settings]\nin_process = true"))
    with pytest.raises(BadInput, match="sets in_process anew"):
        registry.systems.get("odd")


def planned(*systems: str) -> plan.Plan:
    return plan.make(
        preset="smoke",
        study_names=("load",),
        system_names=("baseline", *systems),
        engine=EngineSpec(name="simulated"),
        profile=load("4gb"),
        blocks=1,
        seed=1,
    )


def test_without_its_interpreter_its_trials_are_skipped_with_the_command_that_makes_it() -> None:
    made = planned("bare")

    assert {each.reason for each in made.skipped} == {"bare: it is not installed: `fourgig systems install bare`"}
    assert {each.subject for each in made.skipped} == {"bare"}
    assert {trial.system for trial in made.trials} == {"baseline"}
    assert code.version_of_run(["bare"], ["load"])  # which a run with nothing else of it asks, too


def test_a_folder_in_a_place_of_ones_own_is_a_system_and_no_built_in_one(tmp_path: Path) -> None:
    framework = making.system(tmp_path / "own", "my-agent", more="[settings]\ndepth = 3")

    assert framework.is_added
    assert "my-agent" in registry.systems.names()
    assert "my-agent" not in registry.systems.built_in_names()
    description = registry.systems.get("my-agent")
    assert description.environment["PYTHONPATH"] == str(framework.folder)
    assert msgspec.structs.asdict(description.settings()) == {"window": 0, "instructions": "", "depth": 3}
    assert requirements.lacking("my-agent") == "my-agent: it is not installed: `fourgig systems install my-agent`"


def test_other_requirements_are_another_interpreter(tmp_path: Path) -> None:
    places = {
        environments.place(making.system(tmp_path / "own", requirements=text)) for text in ("", "a==1\n", "a==2\n")
    }

    assert len(places) == 3


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("stream = true", "unknown field `stream`"),
        ("[settings]\nwindow = 3", "sets window anew"),
        ("[settings]\n'no name' = 3", "cannot be one"),
        ("[[variants]]\nname = 'a'", "settings"),
        ("= 3", "does not say what a system is"),
    ],
)
def test_a_file_that_is_amiss_is_one_sentence_that_names_it(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        making.system(tmp_path / "own", more=more)
        registry.systems.get("odd")
    assert "system.toml" in str(caught.value)


def test_a_folder_without_one_of_its_files_is_told(tmp_path: Path) -> None:
    framework = making.system(tmp_path / "own")
    framework.requirements.unlink()

    with pytest.raises(BadInput, match=r"has no file requirements\.txt"):
        registry.systems.get("odd")


def test_a_file_that_calls_its_system_otherwise_than_its_folder_is_refused(tmp_path: Path) -> None:
    framework = making.system(tmp_path / "own")
    (framework.folder / folders.SAYS).write_text(making.SAYS.format(name="other", more=""))

    with pytest.raises(BadInput, match="calls its system 'other'"):
        folders.get("odd")


@pytest.mark.parametrize("name", ["../odd", "od/d", "", "Odd", "langgrap"])
def test_what_is_no_folder_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName):
        folders.get(name)


def test_the_page_has_what_the_folders_say() -> None:
    """`python -m systems.frameworks.page` writes it anew."""
    text = page.PAGE.read_text("utf-8")
    assert page.written(text) == text
