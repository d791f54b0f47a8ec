"""``fourgig model``: the models there are, what each is and under which terms; fetch one, or make one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands import console
from experiments.commands.completing import completing, published_names, shape_names
from experiments.invocation import command
from systems.models import embeddings, fetching, requantise
from systems.models.published import PUBLISHED, Published, get_published
from systems.models.shapes import SHAPES

model_app = typer.Typer(help="Fetch models, or make model files to measure with.", no_args_is_help=True)


@model_app.command("list")
def model_list() -> None:
    """List the models that can be fetched or made, with a line on each."""
    rows = [(model.name, f"{model.title}: {model.summary}") for model in PUBLISHED.values()]
    rows += [(shape.name, f"random weights in the shape of {shape.published_as}") for shape in SHAPES.values()]
    rows.append(
        ("reader", "a model this project trained, and ships: it reads facts in its prompt, and knows nothing else")
    )
    console.print_names("models", rows)


@model_app.command("show")
def model_show(
    name: Annotated[str, typer.Argument(help="A published model.", autocompletion=completing(published_names))],
) -> None:
    """Say what a published model is, its licence, where its card is, and whether it is here."""
    model = get_published(name)
    rows = [
        ("title", model.title),
        ("what it is", model.summary),
        ("for", model.use),
        ("languages", model.languages_said),
        ("licence", model.licence),
        ("its card", model.card),
        ("comes in", f"the package {model.package} {model.version}, {_mb(model.wheel_bytes)} to fetch"),
        ("file", f"{model.model.name}, {_mb(model.model.size_bytes)}, sha256 {model.model.sha256}"),
        ("here", _where(model)),
    ]
    if model.use == "chat":
        quants = ", ".join(f"{name}:{quant}" for quant in requantise.QUANTS)
        rows.append(("quantisations", f"{quants}; {requantise.USUAL} if none is named"))
    console.out.show_table(("model", name), rows)


@model_app.command("get")
def model_get(
    name: Annotated[
        str,
        typer.Argument(
            help="A published model, or one in a quantisation: smollm2:q4_0.",
            autocompletion=completing(published_names),
        ),
    ],
) -> None:
    """Fetch a published model out of its package, check it, and keep it in the cache.

    pip is asked for the package, as this machine has it configured; nothing is installed.
    """
    model = get_published(name.partition(":")[0])
    console.out.say(f"{model.title}, licence {model.licence}: {model.card}")
    found = console.resolve_model(name) if model.use == "chat" else console.resolve_embeddings(name)
    console.out.say(f"{found.path}: {_mb(found.size_bytes)}, sha256 {found.sha256}")


@model_app.command("make")
def model_make(
    shape: Annotated[str, typer.Argument(help="135m, 360m, 1.1b, 3b or 8b.", autocompletion=completing(shape_names))],
    quant: Annotated[
        str | None, typer.Option(help="f16, q8_0, q4_0 or q4_k; the shape's usual one if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where to write it; the cache if not given.")] = None,
) -> None:
    """Write a model file of a published model's shape with seeded random weights.

    Speed and memory do not depend on the weights' values; the words it generates are meaningless.
    """
    made = console.make_model(shape, quant, seed, out)
    console.out.say(f"{made.path}: {made.size_bytes / 1e6:.0f} MB, sha256 {made.sha256}")


def _where(model: Published) -> str:
    """Return where in the cache a published model is, or how it comes there."""
    places = [fetching.place(model, model.model)]
    if model.use == "chat":
        places += [requantise.place(model, quant) for quant in requantise.QUANTS]
    else:
        places.append(embeddings.converted(model))
    found = [str(path) for path in places if path.exists()]
    return "\n".join(found) or f"not yet: `{command('model', 'get', model.name)}` fetches it"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"
