"""OpenAI's embeddings: the vectors of texts, as numbers or as base64.

Some models read a question otherwise than what may answer it: ``input_type`` says which it is, a passage by default.
A text that the model cannot read whole is refused: a client could not see that its end was left out.
"""

from __future__ import annotations

import base64
from typing import Annotated, Literal

import msgspec
import numpy as np
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from systems.engines.interface import Embedded, Purpose
from systems.errors import PromptTooLong
from systems.server.chat.fields import Field
from systems.server.chat.shapes import ANY_MODEL
from systems.server.decoding import not_understood
from systems.server.failures import bad_request, failure
from systems.server.receiving import ClientLeft, admitted, body_of, unless_left
from systems.server.service import ServedSystem
from systems.server.settings import MAX_TEXT

PATH = "/v1/embeddings"

MAX_TEXTS = 256
"""How many texts one request may hold."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=MAX_TEXTS)]


FIELDS: dict[str, Field] = {
    "input": Field("obeyed", "a text, or up to 256; tokens instead are refused"),
    "model": Field("obeyed", "the name that `/v1/models` lists, or `default`"),
    "encoding_format": Field("obeyed", "`float` or `base64`"),
    "dimensions": Field("obeyed", "the model's own; others are refused"),
    "input_type": Field("obeyed", "`query` or `passage`, where the model reads them differently"),
    "user": Field("accepted", "nothing is remembered"),
    "truncate": Field("refused", "a text that is too long is refused, or its end would be left out unseen"),
    "truncate_prompt_tokens": Field("refused", "a text that is too long is refused, not cut"),
}
"""Every field, and what is done with it: OpenAI's, and what clients of servers like this one send."""


class EmbeddingsRequest(msgspec.Struct):
    """The body of a request. Tokens instead of texts are refused: a number means nothing without its vocabulary.

    ``dimensions`` other than the model's own are refused too: its vectors were not trained to be cut.
    """

    input: Text | Texts
    model: str = ANY_MODEL
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    input_type: Purpose | None = None
    truncate: Literal[False] | None = None
    truncate_prompt_tokens: None = None


class Vector(msgspec.Struct):
    """The vector of one text; base64 is of 32-bit floats, the lowest byte first."""

    embedding: list[float] | str
    index: int
    object: Literal["embedding"] = "embedding"


class EmbeddingsUsage(msgspec.Struct):
    """How many tokens were read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsReply(msgspec.Struct):
    """All vectors, in the order of the texts."""

    data: list[Vector]
    model: str
    usage: EmbeddingsUsage
    object: Literal["list"] = "list"


_request = msgspec.json.Decoder(EmbeddingsRequest)


class Embeddings:
    """The endpoint ``POST /v1/embeddings``."""

    def __init__(self, service: ServedSystem) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        try:
            user = admitted(self._service, headers)
            body = await self._answered(user, await body_of(receive, headers), receive)
            await Response(body, media_type="application/json")(scope, receive, send)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets their error object
            await failure(error).response()(scope, receive, send)

    async def _answered(self, user: str, body: bytes, receive: Receive) -> bytes:
        host = self._service.embeddings
        if host is None:
            raise bad_request(
                "This server makes no embeddings: it was started without --embeddings.",
                status=404,
                code="model_not_found",
            )
        try:
            asked = _request.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise not_understood(error, FIELDS) from error
        if asked.model not in (ANY_MODEL, host.name):
            raise bad_request(
                f"This server has no embedding model {asked.model[:100]!r}; it has {host.name!r}.",
                status=404,
                code="model_not_found",
                param="model",
            )
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        with self._service.work(user):
            try:
                embedded = await unless_left(
                    receive, host.embed(texts, asked.input_type or "passage", self._service.settings.deadline_s)
                )
            except PromptTooLong as error:
                raise bad_request(str(error), code="context_length_exceeded", param="input") from error
        width = embedded.vectors.shape[1]
        if asked.dimensions not in (None, width):
            raise bad_request(
                f"The vectors of {host.name} have {width} numbers, and cannot be had with {asked.dimensions}.",
                param="dimensions",
            )
        return msgspec.json.encode(_reply(host.name, embedded, asked.encoding_format == "base64"))


def _reply(model: str, embedded: Embedded, packed: bool) -> EmbeddingsReply:
    rows = embedded.vectors.astype("<f4")
    return EmbeddingsReply(
        data=[Vector(_packed(row) if packed else row.tolist(), place) for place, row in enumerate(rows)],
        model=model,
        usage=EmbeddingsUsage(embedded.tokens, embedded.tokens),
    )


def _packed(row: np.ndarray) -> str:
    return base64.b64encode(row.tobytes()).decode()
