"""Errors in OpenAI's words: a status, a type, a code and one sentence, and never what went on inside."""

from __future__ import annotations

import logging
import math

import msgspec
from starlette.responses import Response

from systems.errors import (
    BadInput,
    BiasRefused,
    DeadlineExceeded,
    EngineBusy,
    FourgigError,
    MessagesRefused,
    NotAllowed,
    NotHeeded,
    NotKept,
    NotKnown,
    PromptTooLong,
    Refused,
    StoreBusy,
    SystemClosed,
)
from systems.logs import event
from systems.server.chat.shapes import ErrorBody, ErrorDetails

log = logging.getLogger(__name__)


class Failure(Exception):
    """A request that ends with this status and OpenAI's error object."""

    def __init__(
        self,
        status: int,
        kind: str,
        sentence: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.status = status
        self.body = msgspec.json.encode(ErrorBody(ErrorDetails(sentence, kind, param, code)))
        self._headers = {} if retry_after_s is None else {"retry-after": str(math.ceil(retry_after_s))}
        super().__init__(sentence)

    def response(self) -> Response:
        """Return it as the answer to a request."""
        return Response(self.body, self.status, self._headers, "application/json")


def bad_request(
    sentence: str, *, status: int = 400, code: str | None = "invalid_request", param: str | None = None
) -> Failure:
    """Return the failure of a request that cannot be answered as it is."""
    return Failure(status, "invalid_request_error", sentence, code=code, param=param)


def failure(error: Exception) -> Failure:
    """Return ``error`` in OpenAI's words; of a defect, nothing but that there is one."""
    sentence = str(error)
    match error:
        case Failure():
            return error
        case NotKnown():
            return Failure(401, "authentication_error", sentence, code="invalid_api_key")
        case NotAllowed():
            return Failure(403, "permission_error", sentence, code="not_allowed")
        case PromptTooLong():
            return bad_request(sentence, code="context_length_exceeded", param="messages")
        case MessagesRefused():
            return bad_request(sentence, param="messages")
        case NotHeeded():
            return bad_request(sentence, code="not_offered")
        case BiasRefused():
            return bad_request(sentence, param="logit_bias")
        case NotKept():
            return bad_request(sentence, status=404, code="not_kept")
        case BadInput():
            return bad_request(sentence)
        case Refused():
            return Failure(429, "rate_limit_error", sentence, code="busy", retry_after_s=error.retry_after_s)
        case DeadlineExceeded():
            return Failure(504, "timeout", sentence, code="deadline_exceeded")
        case EngineBusy() | StoreBusy() | SystemClosed():
            return Failure(503, "server_error", sentence, code="unavailable", retry_after_s=1)
        case FourgigError():
            return Failure(500, "server_error", sentence, code=type(error).__name__)
    event(log, logging.ERROR, "request failed in a way nobody planned", traced=error)
    return Failure(500, "server_error", "The server failed to answer this request.", code="internal_error")
