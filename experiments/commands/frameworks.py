"""``fourgig systems``: the frameworks that people use, as systems: install one, add your own, take one away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands import console
from experiments.commands.completing import completing
from experiments.errors import Interrupted
from experiments.invocation import command
from experiments.measuring import requirements as required
from systems import registry
from systems.elsewhere import system as elsewhere
from systems.errors import BadInput, FourgigError
from systems.frameworks import adding, environments, folders, installing
from systems.frameworks.environments import Environment
from systems.frameworks.folders import Framework

systems_app = typer.Typer(
    help="Install the frameworks that people use, each with an interpreter of its own, or add an agent of yours.",
    no_args_is_help=True,
)

_Name = Annotated[str, typer.Argument(help="A system of the list.", autocompletion=completing(folders.names))]


@systems_app.command("list")
def list_systems() -> None:
    """List the systems that have an interpreter of their own, what each is, and what is installed here.

    The others, which run in the lab's own interpreter, are in: fourgig list systems
    """
    console.out.show_table(("name", "what it is", "here"), [_row(name) for name in folders.names()])


def _row(name: str) -> tuple[str, str, str]:
    try:
        framework = folders.get(name)
        made = environments.found(framework)
    except BadInput as error:
        return name, "", str(error)
    where = f"\n{framework.folder}" if framework.is_added else ""
    here = _told(framework, made) if made else f"not installed: `{command('systems', 'install', name)}`"
    return name, framework.says.summary, here + where


def _told(framework: Framework, made: Environment) -> str:
    version = made.packages.get(framework.says.package)
    what = f"{framework.says.package} {version}, " if version else ""
    packages = f"{len(made.packages)} package{'' if len(made.packages) == 1 else 's'}"
    return f"{what}Python {made.python}: {packages}, {_mb(made.size_bytes)}"


@systems_app.command("install")
def install(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Systems of the list.", autocompletion=completing(folders.names)),
    ],
    python: Annotated[
        str | None,
        typer.Option(help="The Python that runs them, by its path or as python3.13; the lab's own if not given."),
    ] = None,
) -> None:
    """Make the interpreter of each system: an environment in the cache, with what its requirements.txt names.

    uv makes it where it is on the PATH, otherwise venv and pip do, each as this machine has it configured. It is whole
    or it is not there. Its size and the versions of all packages are noted, and a run records them. Then the system is
    imported once. One that is installed already is left as it is.
    """
    wanted = [folders.get(name) for name in dict.fromkeys(names)]
    failed = [error for framework in wanted if (error := _installed(framework, python)) is not None]
    if failed:
        raise typer.Exit(failed[0].exit_code)


def _installed(framework: Framework, python: str | None) -> FourgigError | None:
    """Install one, and say what came of it; return the error that was said, so that the others are installed too."""
    before = environments.found(framework)
    try:
        with _at_work(framework.name) as progress:
            made = installing.install(framework, python, progress)
        description = registry.systems.get(framework.name)
        elsewhere.examine(
            framework.name, str(description.interpreter), description.implementation, description.environment
        )
    except FourgigError as error:
        console.err.say(f"Error: {error}", style="red")
        return error
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted. Nothing of {framework.name} was kept half made; go on with: "
            f"{command('systems', 'install', framework.name)}"
        ) from None
    took = "it was here already" if made == before else f"{made.installer} took {made.took_s:g} s"
    console.out.say(f"{framework.name}: {_told(framework, made)}; {took}. {environments.place(framework)}")
    return None


@systems_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the system is to be called: small letters, digits, hyphens.")],
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder with system.toml, requirements.txt and adapter.py: it is copied as it is."),
    ] = None,
    requirements: Annotated[
        list[str],
        typer.Option(
            help="What its interpreter must have: a requirements file, or one requirement (my-framework==1.2); give it "
            "several times."
        ),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    entry: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:CLASS",
            help="A class with start, answer and close that is the whole adapter. A module of that name in this folder "
            "is copied. Without it the adapter is a template that answers, for you to fill.",
        ),
    ] = None,
) -> None:
    """Add an agent of your own that asks an OpenAI endpoint: its folder is made, and is a system from then on.

    It lies in ~/.config/fourgig/systems, or in $FOURGIG_SYSTEMS. Then install it and run it beside the others:

    fourgig systems add mine --requirements my-framework==1.2 && fourgig systems install mine

    fourgig run load --systems baseline,mine --preset smoke
    """
    _refuse_a_name_that_is_taken(name)
    if folder is not None:
        if requirements or entry:
            raise BadInput("A folder brings its own requirements and adapter: leave out --requirements and --entry.")
        added = adding.bring(name, folder)
    else:
        added = adding.add(name, requirements=requirements, entry=entry, here=Path.cwd())
    console.out.say(f"{name} was added: {added.folder}")
    if folder is None and entry is None:
        console.out.say(f"Make your agent, and ask it, where {added.folder / folders.ADAPTER} says so.")
    console.out.say(f"Then: {command('systems', 'install', name)}")


def _refuse_a_name_that_is_taken(name: str) -> None:
    """Raise `BadInput` where ``name`` means something already: settings are set, and cells skipped, by these names."""
    taken: dict[str, Callable[[], Sequence[str]]] = {
        "a system": registry.systems.names,
        "an engine": registry.engines.names,
        "something that trials need": required.names,
        "a part of what is served": lambda: ("serve", "server", "none"),
    }
    for what, known in taken.items():
        if name in known():
            raise BadInput(f"{name} is {what} already: choose another name.")


@systems_app.command("remove")
def remove(
    name: _Name,
    folder: Annotated[
        bool,
        typer.Option("--folder", help="Also delete the folder of a system that you added. It cannot be undone."),
    ] = False,
) -> None:
    """Take a system's interpreter out of the cache. What it was made of stays, and it can be installed again."""
    framework = folders.get(name)
    if folder and not framework.is_added:
        raise BadInput(f"{name} comes with the lab: leave out --folder.")
    freed = installing.remove(framework)
    console.out.say(f"{name}: {_mb(freed)} freed." if freed else f"{name} was not installed.")
    if folder:
        adding.drop(framework)
        console.out.say(f"{framework.folder} was deleted.")
    elif framework.is_added:
        console.out.say(f"Its folder stays: {framework.folder}. --folder deletes it too.")


@contextmanager
def _at_work(name: str) -> Iterator[installing.Progress]:
    """Give what says each thing that is done for a system once and, on a terminal, shows how much is there."""
    said = set()
    with console.Bar(f"installing {name}", in_bytes=True) as bar:

        def progress(what: str, done: int) -> None:
            if what not in said:
                said.add(what)
                console.err.say(f"{name}: {what}.")
            if done:
                bar(done, None)

        yield progress


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
