"""``fourgig research``: a question answered from folders and web pages, with the sources cited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import msgspec
import typer

from experiments.commands import console
from experiments.commands.completing import completing, model_names, settings_of
from experiments.commands.places import memory_folder
from experiments.errors import Interrupted, StorageError
from experiments.invocation import command, refuse_what_is_not_utf8
from systems import registry
from systems.errors import BadInput, StoreError, UnknownName
from systems.models.embeddings import names as embedding_names
from systems.research.settings import ResearchSettings
from systems.settings import by_system, layered

if TYPE_CHECKING:
    from systems.research.agent import Research
    from systems.research.findings import Findings

ENGINE = "llama"
CONTEXT_TOKENS = 4096
"""The longest prompt with its reply, where the model has as much: passages, what was said, an answer."""

_WORDS = "words"


def research(
    question: Annotated[str, typer.Argument(help="What you want to know, in quotation marks.")],
    source: Annotated[
        list[str],
        typer.Option(
            help="A folder or file (.txt, .md, .html), or an http(s) address; give it several times. Without one, the "
            "documents about a made-up valley that come with this program, to try it offline.",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    session: Annotated[
        str | None,
        typer.Option(help="A name for this conversation; the same name goes on with it, days later too."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report here, not to the terminal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of Markdown.")] = False,
    encoder: Annotated[
        str,
        typer.Option(
            help="What judges how near a passage is to the question: its words, or minilm, e5-small, wordllama, the "
            "path of a GGUF file.",
            autocompletion=completing(lambda: [_WORDS, *embedding_names()]),
        ),
    ] = _WORDS,
    model: Annotated[
        str | None,
        typer.Option(
            help="smollm2, a shape, or the path of any GGUF file. (default: smollm2, fetched on first use)",
            autocompletion=completing(model_names),
        ),
    ] = None,
    private: Annotated[
        list[str],
        typer.Option(
            metavar="HOST",
            help="A host of your own network, or this machine, that may be read; all others there are refused.",
        ),
    ] = [],  # noqa: B006 - as above
    data: Annotated[Path | None, typer.Option(help="The folder of the sessions.")] = None,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="WHOSE.NAME=VALUE",
            help="A setting of the agent (research) or of the engine (llama); give it several times.",
            autocompletion=completing(lambda: _settings_names()),
        ),
    ] = [],  # noqa: B006 - as above
) -> None:
    """Answer a question from your own folders and web pages, and cite the passages it rests on.

    Every source is read, the passages nearest to the question are given to a model on this machine, and what it says
    is checked: a citation of a passage it was not given is taken out. Web pages are read one by one as named; links in
    them are not followed, and robots.txt is respected.

    Examples:

    fourgig research "How long is the stone bridge of Velm?"

    fourgig research "What did we decide about the roof?" --source ~/notes --session house

    Ctrl-C keeps what is there by then: the report of it is written, and the session can be gone on with.
    """
    refuse_what_is_not_utf8(question, "The question", "write it in UTF-8")
    if not question.strip():
        raise BadInput("There is nothing to look for: the question is empty.")
    named = [_looked_at(each) for each in source]
    name = session or uuid4().hex[:8]
    _check_out(out)
    texts = by_system(settings, {"research", ENGINE})
    chosen = _settings("research", ResearchSettings, texts, _given(named, encoder, private))
    engine_settings = _engine_settings(model, texts)
    for left in texts:
        raise UnknownName("part of what researches", left, ("research", ENGINE))
    folder = data or memory_folder("research")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder of the sessions {folder} cannot be made: {error.strerror}.") from error
    try:
        findings = asyncio.run(_researched(question, name, chosen, engine_settings, folder))
    except KeyboardInterrupt:
        raise Interrupted("Interrupted before anything was read; nothing is kept.") from None
    again = _goes_on(name, source, encoder, model, private, data, settings)
    if findings.complete and not findings.read:
        refused = "; ".join(f"{each.source}: {each.reason}" for each in findings.refused[:3])
        from systems.research.library import NothingRead

        raise NothingRead(f"None of the sources could be read: {refused or 'they hold no text'}.")
    _write(findings, name, out, as_json=as_json)
    if not findings.complete:
        raise Interrupted(f"Interrupted: the report has what was there. To go on with the session: {again}")
    console.err.say(f"Session {name}; to ask on: {again}", style="dim")


def _goes_on(
    session: str,
    sources: Sequence[str],
    encoder: str,
    model: str | None,
    private: Sequence[str],
    data: Path | None,
    settings: Sequence[str],
) -> str:
    """Return the command that asks on in this session, in the same way."""
    words: list[object] = ["research", "QUESTION", "--session", session]
    for option, values in (("--source", sources), ("--private", private), ("--set", settings)):
        for each in values:
            words += [option, each]
    usual = encoder if encoder != _WORDS else None
    for option, value in (("--encoder", usual), ("--model", model), ("--data", data)):
        if value is not None:
            words += [option, value]
    return command(*words)


def _settings_names() -> list[str]:
    engine = registry.engines.get(ENGINE).Settings
    return [*settings_of("research", ResearchSettings), *settings_of(ENGINE, engine)]


def _looked_at(source: str) -> str:
    """Return ``source`` if it may be one; a path is made whole. Raises `BadInput` before anything is loaded."""
    from systems.research.sources.documents import CannotRead
    from systems.research.sources.naming import place_of

    refuse_what_is_not_utf8(source, "The source", "rename it, or go there and name it as .")
    try:
        place = place_of(source)
    except CannotRead as error:
        raise BadInput(f"The source {source} cannot be read: {error}.") from error
    except RuntimeError:  # "~name" of nobody
        raise BadInput(f"The source {source} is in the home folder of somebody who has none.") from None
    if not isinstance(place, Path):
        return source
    if not place.exists():
        raise BadInput(f"There is no folder or file {source}; an address begins with http:// or https://.")
    whole = str(place.resolve())  # a link may lead to what has another name
    refuse_what_is_not_utf8(whole, "The source", "rename it")
    return whole


def _check_out(out: Path | None) -> None:
    if out is None:
        return
    if out.exists():
        raise BadInput(f"{out} is there already; choose another name.")
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent}.")


def _given(sources: Sequence[str], encoder: str, private: Sequence[str]) -> dict[str, Any]:
    """Return what the options say of the agent."""
    given: dict[str, Any] = {}
    if sources:
        given["sources"] = tuple(sources)
    if private:
        given["private_hosts"] = tuple(private)
    if encoder != _WORDS:
        given["encoder"] = str(console.resolve_embeddings(encoder).path)
    return given


def _settings(whose: str, kind: type[Any], texts: dict[str, dict[str, str]], given: dict[str, Any]) -> Any:
    said = texts.pop(whose, {})
    for name in given.keys() & said.keys():
        raise BadInput(f"{whose}.{name} is set twice: by --set, and by an option of its own.")
    # Options win over the environment, as on every command line.
    chosen = layered(kind, whose, command_line=said, environ=os.environ, file={})
    return msgspec.structs.replace(chosen, **given)


def _engine_settings(model: str | None, texts: dict[str, dict[str, str]]) -> Any:
    found = console.resolve_usual_model()[1] if model is None else console.resolve_model(model)
    kind: type[Any] = registry.engines.get(ENGINE).Settings
    said = texts.pop(ENGINE, {})
    # What has no default has to be there when the rest is read.
    chosen = layered(kind, ENGINE, command_line=said, environ=os.environ, file={}, model_path=str(found.path))
    if chosen.sampling.temperature is None:  # what stands in a passage is to be said, and not what might
        chosen = msgspec.structs.replace(chosen, sampling=msgspec.structs.replace(chosen.sampling, temperature=0.0))
    if chosen.context_tokens is None:
        length = min(CONTEXT_TOKENS, chosen.own_context(found.key_values))
        chosen = msgspec.structs.replace(chosen, context_tokens=length)
    return chosen


async def _researched(question: str, session: str, settings: Any, engine_settings: Any, folder: Path) -> Findings:
    """Return what was found; of what was interrupted, what there was by then."""
    from systems.interface import Request
    from systems.research.agent import Research
    from systems.research.findings import Findings

    agent = Research(settings, registry.engines.get(ENGINE)(engine_settings), folder)
    findings = Findings(question=question)
    request = Request(id=uuid4().hex, session=session, text=question)
    await agent.start()
    try:
        progress = _Progress(findings)
        await agent.research(request, findings, on_token=lambda _: None, on_change=progress)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        await _kept(agent, request, findings)
    finally:
        await agent.close()
    return findings


async def _kept(agent: Research, request: Any, findings: Findings) -> None:
    console.err.say("Stopping; what is there is kept.")
    try:
        await agent.keep_stopped(request, findings)
    except StoreError as error:  # the report is there all the same
        console.err.say(f"The session does not have this question: {error}", style="yellow")


class _Progress:
    """Says of each source that it was read or refused, and what is done now."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._refused = 0
        self._pages = 0
        self._given = False

    def __call__(self) -> None:
        """Say what is new."""
        findings = self._findings
        for refusal in findings.refused[self._refused :]:
            console.err.say(f"Refused {refusal.source}: {refusal.reason}.", style="yellow")
        self._refused = len(findings.refused)
        for read in findings.read[self._pages :]:
            # Of a folder there may be thousands, and their number is told in the end.
            if read.source.startswith(("http://", "https://")):
                console.err.say(f"Read {read.source} ({read.characters:,} characters).", style="dim")
        self._pages = len(findings.read)
        if findings.passages and not self._given:
            self._given = True
            documents, passages = len(findings.read), len(findings.passages)
            topics = "; ".join(findings.topics)
            console.err.say(f"Read {documents} documents; looked for: {topics}.", style="dim")
            console.err.say(f"The model reads the {passages} nearest passages and answers.", style="dim")


def _write(findings: Findings, session: str, out: Path | None, *, as_json: bool) -> None:
    from systems.research.reporting import report

    text = _json(findings, session) if as_json else report(findings)
    if out is None:
        console.out.print(text, end="", highlight=False, soft_wrap=True)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The report {out} cannot be written: {error.strerror}.") from error
    console.err.say(f"Report: {out}")


def _json(findings: Findings, session: str) -> str:
    """Return everything that is known as one object of JSON, with the numbers of the passages that are cited."""
    told = {"session": session, **msgspec.to_builtins(findings), "sources": list(findings.cited.numbers)}
    return msgspec.json.encode(told).decode() + "\n"
