"""What the next step computes: a pure function of how far every conversation is."""

from __future__ import annotations

from collections.abc import Mapping


def shares(left: Mapping[int, int], batch: int, chunk: int) -> dict[int, int]:
    """Return how many tokens of each sequence the next step computes.

    ``left`` gives, by sequence and in order of arrival, the tokens of the prompt yet to be computed; 0 for one whose
    reply is running, which gets its one token in every step. At most ``batch`` tokens are computed in all; at most
    ``chunk`` of them are of prompts while replies are running, so that these keep streaming. Prompts get equal shares:
    llama.cpp computes neighbours together as far as they bring the same number of tokens.
    """
    found = {sequence: 1 for sequence, tokens in left.items() if not tokens}
    room = batch - len(found)
    if found:
        room = min(room, chunk)
    prompts = {sequence: tokens for sequence, tokens in left.items() if tokens}
    for place, (sequence, tokens) in enumerate(sorted(prompts.items(), key=lambda pair: pair[1])):
        share = min(tokens, room // (len(prompts) - place))
        if share:
            found[sequence] = share
            room -= share
    if not found and prompts:  # more prompts than the step has room for
        first = next(iter(prompts))
        found[first] = min(prompts[first], max(1, room))
    return found


def place(active: set[int], slots: int) -> list[int]:
    """Return the slots a conversation may take so that the active ones stay side by side; those between them first.

    llama.cpp computes neighbouring sequences together; a gap costs another pass over the weights.
    """
    if not active:
        return list(range(slots))
    low, high = min(active), max(active)
    holes = [slot for slot in range(low, high) if slot not in active]
    return holes or [slot for slot in (high + 1, low - 1) if 0 <= slot < slots]
