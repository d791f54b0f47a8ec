"""A workload that another package brings: customers who ask a shop about their orders."""

from experiments.measuring.workload import Turn
from systems.interface import Observed

_OBSERVED = Observed(clock="2025-03-01 10:00", system="processor 10 %, memory 40 % of 4.0 GiB", emotion="neutral")
_REPLY = (
    "Your order {order} left our house this morning and will be with you on Thursday, or on Friday at the latest; if "
    "it is late, write to us once more and we will ask the driver where it is and send you the answer."
)


def orders(seed, users, turns):
    """Return the planned turns of each user; the seed is in every order's number, so no question comes twice."""
    numbers = [[f"{seed}-{user}-{turn}" for turn in range(turns)] for user in range(users)]
    return [
        [Turn(f"When will my order {order} arrive?", _REPLY.format(order=order), _OBSERVED) for order in mine]
        for mine in numbers
    ]
