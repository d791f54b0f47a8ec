"""Make a person's own agent a system: a folder in a place of their own, from a template or from a folder they bring."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from systems.errors import BadInput, CannotWrite
from systems.frameworks import folders
from systems.frameworks.folders import ADAPTER, NAME, REQUIREMENTS, SAYS, VARIABLE, Framework

_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# A line of a requirements file that names another file, a folder or a repository.
_OPTION = re.compile(r"(-r|--requirement|-c|--constraint|-e|--editable|-f|--find-links)(?:\s+|=|(?<=-[rcef]))(.+)")
_ARCHIVES = (".whl", ".zip", ".tar.gz")
# The name at the beginning of a requirement, or, of a repository, the one that its address ends with.
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:[\[(=<>~!@;,\s]|$)")
_NAMED_LAST = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")

_SAYS = """\
name = "{name}"
summary = "{summary}"
homepage = ""
package = "{package}"  # the distribution whose version a run's record names first
python = "3.11"  # the oldest that it takes
streams = false  # whether it passes on_token each piece of text as it comes
memory = "{memory}"

[environment]  # variables that are set before its interpreter starts

[switched_off]  # each variable or option that switches something off, and why
"""

# Of a class that meets the contract already.
_TAKEN = '''\
"""{name} as a system: its own class is all there is."""

from {module} import {kind} as Agent

__all__ = ["Agent"]
'''

_TEMPLATE = '''\
"""{name} as a system. It runs in an interpreter of its own, which has what requirements.txt names and not the lab."""

import json
import urllib.request


class Agent:
    """The lab calls `start` once, `answer` for each question and `close` at the end: plain methods, or async ones.

    Plain answers are asked for one at a time, async ones as many at once as there are users.
    """

    def __init__(self, settings, engine_url, data_dir):
        self.window = settings["window"]  # messages of history in a prompt; 0: as the agent does it by itself
        self.instructions = settings["instructions"]  # the system prompt
        self.engine_url = engine_url  # the base URL of an OpenAI endpoint; its model is "default", any key will do
        self.data_dir = data_dir  # a folder for its memory, empty when a trial begins
        self.histories = {{}}  # ... the agent's own memory belongs here

    def start(self):
        """Make the agent here: what it takes until it is ready is measured as its start."""

    def answer(self, request, on_token):
        """Ask the agent here, instead of the endpoint. `session` says whose turn it is, `text` what they ask."""
        history = self.histories.setdefault(request["session"], [])
        kept = history[-self.window :] if self.window else history
        system = [{{"role": "system", "content": self.instructions}}] if self.instructions else []
        question = {{"role": "user", "content": request["text"]}}
        body = {{"model": "default", "messages": [*system, *kept, question]}}
        if request["max_tokens"] is not None:
            body["max_tokens"] = request["max_tokens"]
        asked = urllib.request.Request(
            f"{{self.engine_url}}/chat/completions", json.dumps(body).encode(), {{"Content-Type": "application/json"}}
        )
        with urllib.request.urlopen(asked) as response:
            said = json.load(response)
        text, usage = said["choices"][0]["message"]["content"], said["usage"]
        history += [question, {{"role": "assistant", "content": text}}]
        return {{
            "text": text,
            "prompt_tokens": usage["prompt_tokens"],
            "generated_tokens": usage["completion_tokens"],
        }}

    def close(self):
        """Close what is open. What was answered must be saved by now."""
'''


def add(name: str, *, requirements: Sequence[str] = (), entry: str | None = None, here: Path) -> Framework:
    """Make the folder of the system ``name``, and return it.

    ``requirements`` are files of them, or single ones; files that they name are taken in. ``entry`` is a class that
    meets the contract, as "module:Class": a module or package of that name in the folder ``here`` is copied beside the
    adapter, any other must come with the requirements. Without one the adapter is a template that answers, and is to be
    filled.

    Raises `BadInput`, also for a name that is taken, and `CannotWrite`.
    """
    if entry is not None and not _ENTRY.fullmatch(entry):
        raise BadInput(f"{entry!r} names no class: write --entry module:Class.")
    if entry is not None and entry.partition(":")[0] == ADAPTER.removesuffix(".py"):
        raise BadInput(f"{ADAPTER} is the name of the adapter that is written: call your module something else.")
    wanted = _gathered(requirements)
    module, _, kind = (entry or "").partition(":")
    with _new(name) as folder:
        says = _SAYS.format(
            name=name,
            summary=f"{name}, as a person added it.",
            package=_first(wanted),
            memory="Not said yet: whose store keeps what was said, and where it lies.",
        )
        (folder / SAYS).write_text(says, "utf-8")
        (folder / REQUIREMENTS).write_text(wanted, "utf-8")
        adapter = _TAKEN.format(name=name, module=module, kind=kind) if entry else _TEMPLATE.format(name=name)
        (folder / ADAPTER).write_text(adapter, "utf-8")
        (folder / "__init__.py").write_text(f'"""{name} as a system."""\n', "utf-8")
        if entry:
            _copy(here, module.partition(".")[0], folder)
    return folders.get(name)


def bring(name: str, brought: Path) -> Framework:
    """Copy a folder that has the files of a system to where it is found as ``name``, and return it there.

    Raises `BadInput`, also for a name that is taken, and `CannotWrite`.
    """
    if not brought.is_dir():
        raise BadInput(f"There is no folder {brought}.")
    with _new(name) as folder:
        shutil.copytree(brought, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        try:
            folders.read(folder)
            (folder / REQUIREMENTS).write_text(_gathered([str(brought / REQUIREMENTS)]), "utf-8")
        except BadInput as error:
            raise BadInput(str(error).replace(str(folder), str(brought))) from error
    return folders.get(name)


def drop(framework: Framework) -> None:
    """Delete the folder of a system that a person added. Raises `BadInput` for one of the lab's, and `CannotWrite`."""
    if not framework.is_added:
        raise BadInput(f"{framework.name} comes with the lab: only its interpreter can be removed.")
    try:
        shutil.rmtree(framework.folder)
    except OSError as error:
        raise CannotWrite(f"{framework.folder} cannot be removed: {error.strerror}.") from error


@contextmanager
def _new(name: str) -> Iterator[Path]:
    """Yield a folder that becomes that of the system ``name`` with everything that is put into it, or not at all."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be the name of a system: small letters, digits and hyphens, as my-agent.")
    place = folders.own_place()
    if place is None:
        raise CannotWrite(f"There is no home folder to keep systems in: set {VARIABLE} to a folder.")
    target = place / folders.folder_name(name)
    if target.exists():
        raise BadInput(f"{target} is there already: choose another name, or remove it.")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=place, ignore_cleanup_errors=True) as making:
            inside = Path(making) / target.name
            inside.mkdir()
            yield inside
            inside.rename(target)
    except OSError as error:
        raise CannotWrite(
            f"{target} cannot be written ({error.strerror or error}): set {VARIABLE} to a folder that can."
        ) from error


def _gathered(requirements: Sequence[str]) -> str:
    """Return the text of a requirements file, that of files and single requirements after each other.

    Raises `BadInput` for a file that cannot be read, and for what another folder, or another machine, has not.
    """
    lines: list[str] = []
    for each in requirements:
        path = Path(each)
        if path.is_file():
            lines += _lines(path)
        elif not each.startswith("-") and (each.endswith(".txt") or (_is_place(each) and not path.exists())):
            raise BadInput(f"There is no file of requirements {each}.")
        else:
            lines += _portable([each], Path(), "--requirements", ())
    return "".join(f"{line}\n" for line in lines)


def _lines(path: Path, above: tuple[Path, ...] = ()) -> list[str]:
    """Return the lines of the file at ``path``, which those ``above`` name. Raises as `_gathered`."""
    if path.resolve() in above:
        raise BadInput(f"The requirements in {path} name themselves.")
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The requirements in {path} cannot be read: {error}.") from error
    return _portable(lines, path.parent, str(path), (*above, path.resolve()))


def _portable(lines: Iterable[str], here: Path, where: str, above: tuple[Path, ...]) -> list[str]:
    """Return ``lines``, those of the files that they name in their place. Raises as `_gathered`.

    The folder of a system lies elsewhere than the file, and a hash of its requirements alone says which version an
    interpreter is of: what stood beside them could change, and nobody would see it.
    """
    found: list[str] = []
    for line in lines:
        said = line.strip().partition(" #")[0].strip()
        option, place = match.groups() if (match := _OPTION.fullmatch(said)) else ("", said)
        is_place = _is_place(place) or (option != "" and "://" not in place)
        if option in ("-r", "--requirement") and is_place:
            found += _lines(here / place.strip("\"'"), above)
        elif option in ("-c", "--constraint"):
            raise BadInput(
                f"{where} has a file of constraints ({said}): write the versions into the requirements, as name==1.2.3."
            )
        elif is_place and not said.startswith("#") and (option or not said.startswith("-")):
            raise BadInput(
                f"{where} names what lies on this machine ({said}): nobody else could install it, and no record would "
                "say which code ran. Name a version that is published, or a commit (name @ git+https://…@commit); a "
                "module of your own is copied by --entry module:Class."
            )
        else:
            found.append(place if option in ("-e", "--editable") else line)  # a repository, which nobody edits here
    return found


def _is_place(requirement: str) -> bool:
    """Return whether a requirement is a path, not a name or an address."""
    place = requirement.partition(" ;")[0].partition(" --")[0].rpartition(" @ ")[2].strip(" \"'")
    if "://" in place:
        return "file:" in place
    return place.startswith((".", "~", "file:")) or "/" in place or place.endswith(_ARCHIVES)


def _first(requirements: str) -> str:
    """Return the name of the first distribution that is required; empty where there is none, or none is named."""
    for line in requirements.splitlines():
        said = line.strip()
        if said and not said.startswith(("#", "-")):
            found = _NAMED.match(said) or _NAMED_LAST.search(said)
            return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""
    return ""


def _copy(here: Path, module: str, folder: Path) -> None:
    """Copy the module or package that lies in ``here``, if there is one, into ``folder``."""
    if (here / f"{module}.py").is_file():
        shutil.copy(here / f"{module}.py", folder)
    elif (here / module / "__init__.py").is_file():
        shutil.copytree(here / module, folder / module, ignore=shutil.ignore_patterns("__pycache__"))
