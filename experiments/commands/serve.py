"""``fourgig serve``: an agent, or an engine alone, for real; with a profile, inside its limits.

The settings are gathered here, outside any limits, where a model may be made too. What serves is this process or, with
a profile, a child that reads them from its standard input: a token in its arguments could be seen by everyone.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from experiments.commands import serving_context
from experiments.commands.completing import (
    completing,
    model_names,
    settings_of,
    settings_of_engines,
    settings_of_systems,
)
from experiments.commands.confined import confined
from experiments.commands.durations import seconds
from experiments.commands.places import memory_folder
from experiments.measuring import profiles
from experiments.printable import printable
from systems import logs, registry
from systems.errors import BadInput, CannotWrite, FourgigError, UnknownName
from systems.interface import Profiled
from systems.models import cache
from systems.models.check import ModelFile
from systems.models.embeddings import names as embedding_names
from systems.models.find import READER, is_named
from systems.server.settings import ServerSettings
from systems.settings import by_system, from_file, layered

if TYPE_CHECKING:
    from systems.server.embedding import EmbeddingHost
    from systems.server.unloading import Unload

NO_AGENT = "none"
LOG_LEVELS = ("debug", "info", "warning", "error")


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is served. ``system`` "none" is the engine alone. ``data`` is the folder of the agent's memory.

    ``model`` None is the usual one, or what stands in for it where it cannot be fetched. ``embeddings`` names the model
    that makes vectors of texts for clients; None makes none. ``unload_after`` is how long nobody asks until the models
    leave memory, in seconds or as `durations.seconds` reads it; None keeps them. With ``profile_turns`` the agent times
    the steps of its turns, if it can.
    """

    system: str = "asynchronous"
    engine: str = "batched"
    model: str | None = None
    embeddings: str | None = None
    profile: str | None = None
    data: str | None = None
    unload_after: str | float | None = None
    profile_turns: bool = False
    log: str = "warning"


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the process that serves has to know. ``cpus`` None means all it may use.

    ``embeddings`` is the name and the file of the embedding model, None without one. ``unload_after_s`` None keeps
    models in memory.
    """

    system: str
    engine: str
    model: str
    data: str
    log: str
    cpus: int | None
    server: ServerSettings
    system_settings: dict[str, Any]
    engine_settings: dict[str, Any]
    embeddings: tuple[str, str] | None = None
    random_weights: bool = False
    unload_after_s: float | None = None


def serve(
    system: Annotated[
        str | None,
        typer.Option(
            help='The agent to serve, or "none" for the engine alone. (default: asynchronous)',
            autocompletion=completing(lambda: [*registry.systems.names(), NO_AGENT]),
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="What generates text. (default: batched)", autocompletion=completing(registry.engines.names)),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="smollm2, a shape, or the path of any GGUF file. (default: smollm2, fetched on first use)",
            autocompletion=completing(model_names),
        ),
    ] = None,
    embeddings: Annotated[
        str | None,
        typer.Option(
            help="Make vectors of texts too, with this model: minilm, e5-small, wordllama, or the path of a GGUF file.",
            autocompletion=completing(embedding_names),
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Serve inside these limits, enforced.", autocompletion=completing(profiles.names)),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="The address to listen on; beyond this machine needs a token. (default: 127.0.0.1)"),
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on. (default: 8000)")] = None,
    token: Annotated[
        list[str],
        typer.Option(help="What a client must show; each is a user of its own. Better in FOURGIG_SERVER_TOKENS."),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    data: Annotated[Path | None, typer.Option(help="The folder of the agent's memory.")] = None,
    unload_after: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Give the model's memory back after so long without a request: seconds, 10m or 1h. (default: never)",
        ),
    ] = None,
    profile_turns: Annotated[
        bool,
        typer.Option("--profile-turns", help="Have the agent time each step of its turns, and tell it when it stops."),
    ] = False,
    config: Annotated[
        Path | None, typer.Option(envvar="FOURGIG_CONFIG", help="A TOML file of settings, a table each.")
    ] = None,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="WHOSE.NAME=VALUE",
            help="A setting of the system, of the engine or of the server; give it several times.",
            autocompletion=completing(_settings_names),
        ),
    ] = [],  # noqa: B006 - as above
    log: Annotated[
        str | None,
        typer.Option(
            help="debug, info, warning or error. (default: warning)", autocompletion=completing(lambda: LOG_LEVELS)
        ),
    ] = None,
) -> None:
    """Serve an agent to browsers, WebSocket and OpenAI clients, until it is told to stop."""
    known = {"serve", "server", *registry.engines.names(), *registry.systems.names()}
    file, texts = from_file(config) if config else {}, by_system(settings, known)

    def all_of(kind: type[Any], whose: str, said: dict[str, object], **given: Any) -> Any:
        options = {name: str(value) for name, value in said.items() if value not in (None, "")}
        command_line = {**texts.pop(whose, {}), **options}
        return layered(kind, whose, command_line=command_line, environ=os.environ, file=file.pop(whose, {}), **given)

    chosen = all_of(
        ServeSettings,
        "serve",
        {
            "system": system,
            "engine": engine,
            "model": model,
            "embeddings": embeddings,
            "profile": profile,
            "data": data,
            "unload_after": unload_after,
            "profile_turns": "true" if profile_turns else None,
            "log": log,
        },
    )
    unload_after_s = None if chosen.unload_after is None else seconds(chosen.unload_after, "serve.unload_after")
    from systems.server.wire.guard import Guard

    server = all_of(ServerSettings, "server", {"host": host, "port": port, "tokens": ",".join(token)})
    Guard(server)  # refuses to listen unprotected, before a model is made
    limits = _limits(chosen.profile)
    engine_kind = registry.engines.get(chosen.engine)
    fields = engine_kind.Settings.__struct_fields__
    given: dict[str, Any] = {}
    found: ModelFile | None = None
    model_name = chosen.engine
    if "model_path" in fields:
        from experiments.commands.console import resolve_model, resolve_usual_model

        if chosen.model is None:
            named, found = resolve_usual_model()
        else:
            named, found = chosen.model, resolve_model(chosen.model)
        # Of a file of the cache its name says more than anybody asks for, and changes with each way of making it.
        model_name = named if is_named(named) or found.path == READER else found.path.stem
        given["model_path"] = str(found.path)
        if "memory_bytes" in fields:
            given["memory_bytes"] = serving_context.memory(found, _available(limits))
    if "threads" in fields and limits is not None:
        given["threads"] = limits.cpus
    engine_settings = all_of(engine_kind.Settings, chosen.engine, {}, **given)
    engine_kind(engine_settings)  # refuses what does not fit
    about = ""
    if found is not None:
        engine_settings, server, about = serving_context.settled(
            found, chosen.engine, engine_settings, server, _available(limits)
        )
    system_settings: Any = {}
    if chosen.system == NO_AGENT:
        if chosen.profile_turns:
            raise BadInput("An engine alone has no turns whose steps could be timed: name an agent with --system.")
    else:
        from experiments.measuring import requirements  # the process that serves needs neither
        from systems.turn.layouts import LAYOUTS

        description = registry.systems.get(chosen.system)
        if lacking := "; ".join(filter(None, map(requirements.lacking, description.requires))):
            raise BadInput(f"The agent {chosen.system} cannot be served here: {lacking}.")
        # A person's turn is saved before it is answered: what was acknowledged outlives a server that is killed.
        usual: dict[str, Any] = {"memory_bytes": _memory(limits), "background_saving": False}
        usual["instructions"] = LAYOUTS["passage"].system_prompt  # of an agent that has none of its own
        if found is not None and found.path == READER:
            usual["layout"] = "bracketed"  # it was trained on this one alone
        fitting = {name: value for name, value in usual.items() if name in description.setting_names}
        profiled: dict[str, object] = {"profile_turns": "true"} if chosen.profile_turns else {}
        if profiled and "profile_turns" not in description.setting_names:
            raise BadInput(f"The agent {chosen.system} cannot time the steps of its turns; pooled can.")
        system_settings = all_of(description.settings, chosen.system, profiled, **fitting)
        if (wanted := getattr(system_settings, "embedding_model", None)) is not None:
            if system_settings.needs_keywords():
                raise BadInput(
                    f"{chosen.system}.embedding_model is asked beside full text by all words, and by nothing else: "
                    "leave full_text and all_words on."
                )
            system_settings = msgspec.structs.replace(system_settings, embedding_model=_embeddings(wanted)[1])
        if (meaning := getattr(system_settings, "semantic_model", None)) is not None:
            system_settings = msgspec.structs.replace(system_settings, semantic_model=_embeddings(meaning)[1])
        if (easy := getattr(system_settings, "easy_model", None)) is not None:
            from experiments.commands.console import resolve_model

            system_settings = msgspec.structs.replace(system_settings, easy_model=str(resolve_model(easy).path))
    for left in (*texts, *(table for table in file if table not in known)):
        raise UnknownName("part of what is served", left, {"serve", "server", chosen.engine, chosen.system})
    serving = Serving(
        system=chosen.system,
        engine=chosen.engine,
        model=model_name,
        data=chosen.data or str(memory_folder(chosen.system)),
        log=chosen.log,
        cpus=limits and limits.cpus,
        server=server,
        system_settings=msgspec.to_builtins(system_settings),
        engine_settings=msgspec.to_builtins(engine_settings),
        embeddings=None if chosen.embeddings is None else _embeddings(chosen.embeddings),
        random_weights=found is not None and found.random_weights,
        unload_after_s=unload_after_s,
    )
    if about:
        print("\n".join(map(printable, about.splitlines())), file=sys.stderr, flush=True)
    with suppress(CannotWrite):  # jieba parses its dictionary anew where nothing can be kept
        os.environ.setdefault("FOURGIG_JIEBA_CACHE", str(cache.made("jieba")))
    raise typer.Exit(confined(msgspec.json.encode(serving), limits) if limits else asyncio.run(_serve(serving)))


async def _serve(serving: Serving) -> int:
    """Serve until a signal, and return the exit status."""
    from systems.engines.scripted import Scripts, scripted
    from systems.server.direct import EngineHost
    from systems.server.hosting import Host, host
    from systems.server.service import ServedSystem
    from systems.server.unloading import UnloadingEngine, unloading, watch
    from systems.server.wire.listening import listening

    level = logging.getLevelNamesMapping().get(serving.log.upper())
    if level is None:
        raise UnknownName("log level", serving.log, LOG_LEVELS)
    # What uvicorn says of requests it could not read; only its words, as everywhere in these logs.
    logging.getLogger("uvicorn.error").addHandler(logs.install(level=level))
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.WARNING))
    engine_kind = registry.engines.get(serving.engine)
    engine = engine_kind(msgspec.convert(serving.engine_settings, engine_kind.Settings))
    if serving.unload_after_s is not None:
        engine = unloading(engine, serving.unload_after_s)
    leaving = engine if isinstance(engine, UnloadingEngine) else None
    scripts = Scripts() if serving.server.experiment else None
    if scripts is not None:
        engine = scripted(engine, scripts)
    hosted: Host
    agent: object = None
    if serving.system == NO_AGENT:
        hosted, name = EngineHost(engine, serving.server.deadline_s), serving.model
    else:
        description = registry.systems.get(serving.system)
        Path(serving.data).mkdir(parents=True, exist_ok=True)
        set_to = msgspec.convert(serving.system_settings, description.settings)
        agent = description.build(set_to, engine, Path(serving.data))
        hosted = host(agent)
        name = serving.system
    from experiments.measuring.limits.enclosing import memory_used

    context_tokens = serving.engine_settings.get("context_tokens")
    embeddings = None if serving.embeddings is None else _embedding_host(*serving.embeddings, serving)
    service = ServedSystem(
        hosted,
        serving.server,
        name,
        memory_used(),
        scripts,
        context_tokens,
        embeddings,
        random_weights=serving.random_weights,
    )
    unload: list[Unload] = []
    if leaving is not None:
        service.metrics.add(leaving)
        unload.append(partial(asyncio.to_thread, leaving.unload_if_idle))
    if embeddings is not None and serving.unload_after_s is not None:
        unload.append(embeddings.unload_if_idle)
    stop = asyncio.Event()

    def stopped(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped, number)
    async with hosted, listening(service) as address:
        watching = asyncio.create_task(watch(unload, lambda: service.turns)) if unload else None
        print(f"Serving {printable(name)} at http://{address}/", file=sys.stderr, flush=True)
        await stop.wait()
        if watching is not None:
            watching.cancel()
        print("Stopping; a second signal ends at once.", file=sys.stderr, flush=True)
    if embeddings is not None:
        await embeddings.close()
    if isinstance(agent, Profiled) and (told := agent.profile()) is not None:
        print(told, file=sys.stderr, flush=True)
    return 0


def _embeddings(model: str) -> tuple[str, str]:
    """Return the name under which the embedding model is served, and its file, fetched if need be."""
    from experiments.commands.console import resolve_embeddings

    path = resolve_embeddings(model).path
    return model if model in embedding_names() else path.stem, str(path)


def _embedding_host(name: str, path: str, serving: Serving) -> EmbeddingHost:
    """Return what makes vectors with the model at ``path``; its memory is taken when they are first wanted."""
    from systems.engines.embedding.opening import embedding_engine
    from systems.server.embedding import EmbeddingHost

    unload_after_s = math.inf if serving.unload_after_s is None else serving.unload_after_s
    return EmbeddingHost(embedding_engine(Path(path), serving.cpus), name, unload_after_s)


def _settings_names() -> list[str]:
    return [*settings_of_systems(), *settings_of_engines(), *settings_of("server", ServerSettings)]


def _limits(name: str | None) -> Any:
    if name is None:
        return None
    return profiles.load(name)


def _memory(limits: Any) -> int:
    """Return the bytes of memory the agent may use: the profile's, or what this process may."""
    if limits is not None:
        return int(limits.memory_bytes)
    from experiments.measuring.limits.enclosing import usable_memory

    found = usable_memory()
    if found is None:
        raise BadInput(
            "This machine's memory cannot be seen: set it, such as --set asynchronous.memory_bytes=4294967296."
        )
    return found


def _available(limits: Any) -> int | None:
    """Return the bytes of memory to be had for serving: now, and inside the profile's limits; None if unknown."""
    from experiments.measuring.limits.enclosing import available_memory

    sizes = [None if limits is None else int(limits.memory_bytes), available_memory()]
    return min((size for size in sizes if size is not None), default=None)


def main() -> None:
    """Serve what standard input says."""
    serving = msgspec.json.decode(sys.stdin.buffer.read(), type=Serving)
    if serving.cpus is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: serving.cpus])
    try:
        status = asyncio.run(_serve(serving))
    except FourgigError as error:
        print(f"Error: {printable(str(error))}", file=sys.stderr)
        status = error.exit_code
    sys.exit(status)


if __name__ == "__main__":
    main()
