"""An interpreter is made whole, with everything noted, or not at all and with the reason."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import pytest

from systems.elsewhere import system as elsewhere
from systems.errors import BadInput, CannotWrite
from systems.frameworks import describing, environments, installing
from systems.frameworks.folders import Framework
from systems.frameworks.installing import CannotInstall, IndexNotReached
from tests.systems.frameworks import making
from tests.systems.models import packages

TINY = "tiny-agent==1.0\n"


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making.own_places(tmp_path, monkeypatch)
    packages.only(tmp_path / "index", monkeypatch)


def wheel(folder: Path, source: str) -> None:
    """Write the package tiny-agent 1.0, which has one module."""
    folder.mkdir(exist_ok=True)
    about = "tiny_agent-1.0.dist-info/"
    files = {
        "tiny_agent.py": source,
        f"{about}METADATA": "Metadata-Version: 2.1\nName: tiny_agent\nVersion: 1.0\n",
        f"{about}WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}RECORD": "",
    }
    with zipfile.ZipFile(folder / "tiny_agent-1.0-py3-none-any.whl", "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def is_gone(framework: Framework) -> bool:
    return not environments.place(framework).exists() and environments.found(framework) is None


def test_pip_brings_what_is_required_and_size_and_versions_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pip")
    wheel(tmp_path / "index", making.ECHO)
    framework = making.system(tmp_path, requirements=TINY, adapter="from tiny_agent import Agent")
    done: list[str] = []
    made = installing.install(framework, progress=lambda what, _: done.append(what))
    folder = environments.place(framework)

    assert made.packages == {"tiny-agent": "1.0"}
    assert made.installer.startswith("pip ")
    assert made.size_bytes == installing.size(folder) - (folder / environments.NOTE).stat().st_size > 0
    assert done[0] == "making an environment"
    assert environments.found(framework) == made
    description = describing.describe(framework)
    assert elsewhere.examine("odd", description.interpreter, description.implementation, description.environment)
    packages.unreachable(monkeypatch)
    assert installing.install(framework) == made  # it is here, and nobody is asked
    assert installing.remove(framework) > made.size_bytes
    assert is_gone(framework)
    with pytest.raises(IndexNotReached, match="cannot be reached"):
        installing.install(framework)
    assert is_gone(framework)


def test_a_requirement_that_nobody_has_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pip")
    framework = making.system(tmp_path, requirements="no-such-agent==7.1\n")

    with pytest.raises(CannotInstall, match=r"there is no package no-such-agent==7\.1\."):
        installing.install(framework)
    assert is_gone(framework)


def test_uv_does_it_where_it_is_on_the_path(tmp_path: Path) -> None:
    told = making.uv(tmp_path)
    framework = making.system(tmp_path, requirements=TINY)
    made = installing.install(framework)
    venv, pip, version = (told / "called").read_text().splitlines()

    assert made.installer == "uv 9.9.9"
    assert venv.startswith("venv ") and venv.endswith(str(environments.place(framework)))
    assert "--compile-bytecode" in pip and str(framework.requirements) in pip
    assert version == "--version"


@pytest.mark.parametrize(
    ("said", "kind", "why"),
    [
        ("OSError: [Errno 28] No space left on device", CannotWrite, "no space left"),
        ("failed to copy: Disk full (os error 28)", CannotWrite, "no space left"),
        ("error: error sending request for url (https://a.example/simple/x/)", IndexNotReached, "cannot be reached"),
        ("hint: Because nothing-here was not found in the package registry", CannotInstall, "no package nothing-here"),
        ("Because there is no version of crew==9 and you require crew==9", CannotInstall, "no package crew==9"),
        (
            "ERROR: Ignored the following versions that require a different python version: 9 Requires-Python >=3.99\n"
            "ERROR: No matching distribution found for crew==9",
            CannotInstall,
            "no package crew==9 for this Python: name another one with --python",
        ),
        ("error: Failed to build `crew==9`\n  caused by: no compiler", CannotInstall, "Failed to build `crew==9`"),
        ("", CannotInstall, "does not say why"),
    ],
)
def test_an_installer_that_fails_is_one_sentence(tmp_path: Path, said: str, kind: type, why: str) -> None:
    (making.uv(tmp_path) / "says").write_text(said)
    framework = making.system(tmp_path, requirements=TINY)

    with pytest.raises(kind, match=why) as caught:
        installing.install(framework)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert is_gone(framework)


def test_without_uv_and_pip_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(CannotInstall, match="pip install uv"):
        installing.install(making.system(tmp_path, requirements=TINY))


def test_one_that_requires_nothing_needs_no_installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    assert installing.install(making.system(tmp_path, requirements="# nothing\n")).packages == {}


def test_two_at_once_make_it_once(tmp_path: Path) -> None:
    told = making.uv(tmp_path)
    (told / "sleep").write_text("0.3")
    framework, made = making.system(tmp_path, requirements=TINY), []
    both = [threading.Thread(target=lambda: made.append(installing.install(framework))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert made[0] == made[1]
    assert (told / "called").read_text().count("pip install") == 1


def test_one_that_was_left_half_made_is_none_and_is_made_anew(tmp_path: Path) -> None:
    framework = making.system(tmp_path)
    folder = environments.place(framework)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("half")
    (folder / f"{environments.NOTE}.part").write_text("{")

    assert "not installed" in environments.missing(framework)
    installing.install(framework)
    assert environments.missing(framework) == ""
    assert not (folder / f"{environments.NOTE}.part").exists()


def test_one_whose_python_has_gone_is_none(tmp_path: Path) -> None:
    framework = making.system(tmp_path)
    installing.install(framework)
    (environments.place(framework) / "bin" / "python").unlink()

    assert environments.found(framework) is None


def test_other_requirements_take_the_place_of_the_earlier_ones(tmp_path: Path) -> None:
    before = making.system(tmp_path)
    installing.install(before)
    after = making.system(tmp_path, requirements="# others\n")
    earlier = [*environments.place(after).parent.glob("odd-*")]
    installing.install(after)

    assert [*environments.place(after).parent.glob("odd-*")] == [environments.place(after)] != earlier


def test_a_python_that_is_too_old_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"takes Python 3\.99 or newer.*--python"):
        installing.install(making.system(tmp_path, python="3.99"))
    for none in ("/nowhere/python", "/bin/true", "/bin/false", "/bin/echo"):
        with pytest.raises(BadInput, match="no Python that can be run"):
            installing.install(making.system(tmp_path), none)


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    framework = making.system(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path / "file"))

    with pytest.raises(CannotWrite, match="cannot be written"):
        installing.install(framework)
