"""``POST /v1/experiment/scripts``: a client plans what the model will say, before it asks; for experiments alone."""

from __future__ import annotations

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from systems.engines.scripted import ScriptPlan, Scripts
from systems.server.decoding import not_understood
from systems.server.failures import failure
from systems.server.receiving import ClientLeft, admitted, body_of
from systems.server.service import ServedSystem
from systems.server.wire.guard import session_of

_plan = msgspec.json.Decoder(ScriptPlan)


class Planning:
    """The endpoint: adds a `ScriptPlan` to the scripts of the hosted engine, and answers with nothing (204)."""

    def __init__(self, service: ServedSystem, scripts: Scripts) -> None:
        self._service = service
        self._scripts = scripts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        try:
            user = admitted(self._service, headers)
            body = await body_of(receive, headers)
            try:
                plan = _plan.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise not_understood(error) from error
            for script in plan.scripts:
                self._scripts.add(session_of(user, script.session), script.question, script.replies)
            response = Response(status_code=204)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets an error object
            response = failure(error).response()
        await response(scope, receive, send)
