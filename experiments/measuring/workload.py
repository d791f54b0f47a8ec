"""What a workload is: planned turns for users, all made from a seed.

A workload is a function of a seed, a number of users and a number of turns that returns as many planned turns for each
user. No two turns have the same text: a response cache gains nothing that real users would not give it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from experiments.measuring.records import ENGLISH_WORKLOAD, WORKLOAD
from systems.interface import Observed, Request
from systems.registry import Registry


class Turn(msgspec.Struct, frozen=True):
    """One planned turn: what the user says, what the model is made to answer, what the surroundings say."""

    text: str
    reply: str
    observed: Observed

    def request(self, request_id: str, session: str, max_tokens: int) -> Request:
        """Return the request a system receives for this turn."""
        return Request(
            id=request_id,
            session=session,
            text=self.text,
            max_tokens=max_tokens,
            observed=self.observed,
        )


Workload = Callable[[int, int, int], list[list[Turn]]]

workloads: Registry[Workload] = Registry(
    "workload",
    "fourgig.workloads",
    {
        WORKLOAD: "experiments.workloads.conversations:conversations",
        ENGLISH_WORKLOAD: "experiments.workloads.conversations:in_english",
    },
)
