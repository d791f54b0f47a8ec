"""A run is gone on with where what it measures and what it measures in are the same, and refused where they are not."""

import os
import subprocess
import sys

import msgspec
import pytest

from experiments.analysis import environments
from experiments.measuring import own_code, variables
from experiments.measuring.runs import read_info
from systems.elsewhere import system as elsewhere
from systems.errors import BadInput
from tests.experiments.conftest import FOURGIG

AGENT = """
from echo_system import Echo
from agent_helper import GREETING

class Agent(Echo):
    summary = GREETING
"""


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder, module):
    return {path.relative_to(folder).as_posix() for path in own_code.files(module)}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Return an empty folder from which modules are imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_what_a_module_imports_from_beside_it_is_its_own(folder):
    write(
        folder,
        aa_agent="import os, numpy, aa_helper\nfrom systems import errors",
        aa_helper="def later():\n    from aa_kit.tools import deep",
        aa_kit__tools__deep="import broken_beside",
        broken_beside="def broken(:",
        unrelated="",
    )
    (folder / "aa_kit" / "__init__.py").touch()
    assert names(folder, "aa_agent") == {
        *("aa_agent.py", "aa_helper.py", "aa_kit/__init__.py", "aa_kit/tools/deep.py", "broken_beside.py"),
    }


def test_the_whole_package_is_a_module_s_own_however_deep_it_is(folder):
    write(folder, bb__agents__fast="", bb__util="import bb_beside", bb_beside="", unrelated="")
    for package in ("bb", "bb/agents"):
        (folder / package / "__init__.py").touch()
    files = names(folder, "bb.agents.fast")
    assert files == {"bb/__init__.py", "bb/agents/__init__.py", "bb/agents/fast.py", "bb/util.py", "bb_beside.py"}


def test_where_packages_are_installed_only_the_same_distribution_is_beside(monkeypatch, tmp_path):
    site = tmp_path / "site-packages"
    write(site, cc_agent="import cc_kin, cc_other", cc_kin="", cc_other="")
    for name, modules in (("cc", ("cc_agent", "cc_kin")), ("other", ("cc_other",))):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "top_level.txt").write_text("\n".join(modules))
    monkeypatch.syspath_prepend(site)
    assert names(site, "cc_agent") == {"cc_agent.py", "cc_kin.py"}


def test_a_module_that_is_nowhere_is_one_sentence():
    with pytest.raises(BadInput, match="cannot be found"):
        own_code.files("nowhere_to_be_found.agent")


def test_variables_that_change_measurements_are_told_without_folders_and_secrets():
    found = variables.that_matter(
        {
            "PYTHONMALLOC": "malloc",
            "MALLOC_ARENA_MAX": "1",
            "OMP_NUM_THREADS": "2",
            "LD_PRELOAD": "/home/somebody/lib/libjemalloc.so.2:/usr/lib/libother.so",
            "LLAMA_API_KEY": "secret",
            "LLAMA_ARG_HF_TOKEN": "secret",
            "GGML_NUMA": "\udcff",
            "HOME": "/home/somebody",
            "PATH": "/usr/bin",
        }
    )
    assert found == {
        "GGML_NUMA": "?",
        "LD_PRELOAD": "libjemalloc.so.2 libother.so",
        "MALLOC_ARENA_MAX": "1",
        "OMP_NUM_THREADS": "2",
        "PYTHONMALLOC": "malloc",
    }


def test_runs_under_other_variables_are_not_compared_where_both_tell_them(finished, tmp_path):
    info = read_info(finished(tmp_path / "run"))

    def under(**found):
        return msgspec.structs.replace(info, environment={**info.environment, "variables": found})

    assert environments.differences(under(), under(OMP_NUM_THREADS="1")) == ["variable OMP_NUM_THREADS: none against 1"]
    assert environments.differences(under(A="1"), under(A="1")) == []
    earlier = {name: value for name, value in info.environment.items() if name != "variables"}
    untold = msgspec.structs.replace(info, environment=earlier)
    assert environments.differences(untold, under(OMP_NUM_THREADS="1")) == []


@pytest.mark.long
def test_a_run_is_refused_where_a_helper_or_a_variable_changed_and_not_for_what_it_does_not_use(
    outside_package, enforcement, tmp_path
):
    write(tmp_path / "own", agent_of_mine=AGENT, agent_helper="GREETING = 'hello'")
    info = tmp_path / "own" / "unrelated-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unrelated\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fourgig.systems]\nunrelated = nowhere:Agent\n")
    path = f"{outside_package['PYTHONPATH']}{os.pathsep}{tmp_path / 'own'}"
    out = tmp_path / "run"

    def run(*arguments, **changed):
        return subprocess.run(
            [str(FOURGIG), "run", *map(str, arguments), *enforcement],
            env={**outside_package, "PYTHONPATH": path, **changed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    begun = ("probe", "--systems", "agent_of_mine:Agent", "--engine", "simulated", "--blocks", "1", "--out", out)
    done = run(*begun)
    assert done.returncode == 0, done.stderr
    kept = read_info(out).environment
    assert {name for name in kept if name.startswith("outside.")} == {"outside.outside", "outside.agent_of_mine"}

    write(tmp_path / "own", agent_helper="GREETING = 'good morning'")
    edited = run("--resume", out, "--blocks", "2")
    assert edited.returncode == 6
    assert "agent_of_mine" in edited.stderr
    write(tmp_path / "own", agent_helper="GREETING = 'hello'")

    other = run("--resume", out, "--blocks", "2", PYTHONMALLOC="malloc")
    assert other.returncode == 6
    assert "variable PYTHONMALLOC: none against malloc" in other.stderr

    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unrelated\nVersion: 2.0\n")
    same = run("--resume", out, "--blocks", "2")
    assert same.returncode == 0, same.stderr


def test_what_another_interpreter_imports_from_beside_a_system_is_part_of_its_code(monkeypatch, tmp_path):
    methods = "".join(f"    def {name}(self): pass\n" for name in ("start", "answer", "close"))
    agent = f"import dd_helper\nclass Agent:\n    def __init__(self, settings, engine_url, data_dir): pass\n{methods}"
    write(tmp_path, dd_agent=agent, dd_helper="", unrelated="")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def examined():
        return elsewhere.examine("dd", sys.executable, "dd_agent:Agent")

    before = examined()
    write(tmp_path, unrelated="1")
    assert examined() == before
    write(tmp_path, dd_helper="1")
    assert examined() != before
