"""``fourgig chat``: a conversation in the terminal with a server that is running."""

from __future__ import annotations

import os
import sys
from typing import Annotated
from uuid import uuid4

import msgspec
import typer
from rich.text import Text

from experiments.commands.console import err, out
from experiments.invocation import command, refuse_what_is_not_utf8
from systems.errors import BadInput, ExitCode, FourgigError
from systems.server.messages import Ask, Error, FromServer, Hello, Refusal, ReplyMessage, Token
from systems.server.settings import MAX_FRAME_BYTES, MAX_TEXT


class ServerGone(FourgigError):
    """The server cannot be reached, or ended the conversation."""

    exit_code = ExitCode.NO_ANSWER


def chat(
    url: Annotated[str, typer.Option(help="Where the server's WebSocket is.")] = "ws://127.0.0.1:8000/ws",
    token: Annotated[
        str | None, typer.Option(envvar="FOURGIG_TOKEN", help="The server's token, if it wants one.")
    ] = None,
    session: Annotated[
        str, typer.Option(help="The conversation; the agent remembers what was said under the same name.")
    ] = os.environ.get("USER") or "terminal",
) -> None:
    """Talk to a running server; an empty line or the end of input leaves."""
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
    from websockets.sync.client import connect

    decoder = msgspec.json.Decoder(FromServer)
    refuse_what_is_not_utf8(session, "The session's name", "give another with --session")
    refuse_what_is_not_utf8(token or "", "The token", "it must be text")
    try:
        with connect(url, compression=None, max_size=MAX_FRAME_BYTES) as connection:
            if token:
                connection.send(msgspec.json.encode(Hello(token=token)), text=True)
            while text := _read():
                ask = Ask(id=uuid4().hex, session=session, text=text[:MAX_TEXT])
                connection.send(msgspec.json.encode(ask), text=True)
                while _shown(decoder.decode(connection.recv())):
                    pass
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServerGone(f"What answers at {url} is no server of this project: {error}.") from error
    except (InvalidURI, ValueError) as error:  # ValueError: a port or a host name that can be none
        raise BadInput(f"{url!r} is no WebSocket address.") from error
    except ConnectionClosed as error:
        reason = error.rcvd.reason if error.rcvd and error.rcvd.reason else "the connection was lost"
        raise ServerGone(f"The server ended the conversation: {reason.rstrip('.')}.") from error
    except (OSError, InvalidHandshake) as error:
        raise ServerGone(f"No server can be reached at {url}: {error}. Is `{command('serve')}` running?") from error


def _read() -> str:
    if sys.stdin.isatty():
        out.print(Text("you", style="bold"), end=" ")
    return sys.stdin.readline().strip()


def _shown(message: FromServer) -> bool:
    """Show what the server says, and return whether more of it follows."""
    match message:
        case Token():
            out.print(message.text, end="", highlight=False, soft_wrap=True)
            return True
        case ReplyMessage():
            if message.first_token_s is None:  # nothing was streamed
                out.print(message.text, end="", highlight=False, soft_wrap=True)
            remembered = "".join(f"\n  remembered: {memory}" for memory in message.memories)
            pace = "" if message.tokens_per_s is None else f" · {message.tokens_per_s:.1f} tokens/s"
            cut = " · cut at its longest" if message.finish_reason == "length" else ""
            dropped = f" · {message.dropped_messages} older messages had no room" if message.dropped_messages else ""
            said = f"\n{message.source} · {message.total_s:.1f} s{pace}{cut}{dropped}{remembered}"
            out.print(said, style="dim", highlight=False, soft_wrap=True)
        case Refusal():
            err.say(f"Not now: {message.reason}; try again in {message.retry_after_s:.0f} s.")
        case Error():
            err.say(f"{message.kind}: {message.message}")
    return False
