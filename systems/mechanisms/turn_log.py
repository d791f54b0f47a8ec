"""One line of the log for every turn: how long it took, how it ended, what it took; never what was said."""

from __future__ import annotations

import logging
from typing import Any

from systems.interface import Reply, Request
from systems.logs import event, session_digest
from systems.mechanisms.steps import Steps

log = logging.getLogger(__name__)


def log_turn(request: Request, steps: Steps, reply: Reply | None, outcome: str, duration_s: float) -> None:
    """Write the line of a turn that took ``duration_s`` and ended in ``outcome``: "ok", or the type of an error."""
    if not log.isEnabledFor(logging.INFO):
        return
    answered: dict[str, Any] = {}
    if reply is not None:
        answered = {
            "source": reply.source,
            "prompt_tokens": reply.prompt_tokens,
            "generated_tokens": reply.generated_tokens,
            "first_token_s": reply.first_token_s and round(reply.first_token_s, 6),
        }
    event(
        log,
        logging.INFO,
        "turn",
        request=request.id,
        session=session_digest(request.session),
        duration_s=round(duration_s, 6),
        outcome=outcome,
        retries=steps.retries,
        degraded=[degraded.step for degraded in steps.degraded],
        **answered,
    )
