"""The trials of the part `prompts`: calls of a model with a long and a short instruction, and equal data."""

from __future__ import annotations

import random
import time

from experiments.measuring import engines
from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.studies.strategies._prompts_names import CONCISE, FORCED, VERBOSE
from experiments.studies.subjects import Stopwatch
from systems.engines.interface import Call, Engine, Message
from systems.errors import EngineError

INSTRUCTIONS = {
    VERBOSE: (
        "Please look through the following records and write a complete report\nwith every detail, explanation, and "
        "recommendation. Leave nothing out,\nand give examples for every point."
    ),
    CONCISE: "Examine records and list: 1) Main findings 2) Advice",
}
"""What is asked of the data, in the lab's words: as many words as the published pair has, 26 and 7, and to SmolLM2
as many tokens, 33 and 15."""

_PLACES = "Utrecht Delft Porto Lisbon Turin Ghent Leeds Basel Malmo Krakow Graz Dublin".split()
_THINGS = "chairs lamps boxes tickets bottles ropes tables letters wheels coats books bicycles".split()
_STATES = "late sold broken counted missing returned ordered repaired".split()

# Every word is a token at the least, so that this is long enough for any reply that is forced.
_REPLY = "The records were counted and what was found in them is told here in the order in which it came. "
_REPLY_WORDS = 19

_CONVERSATION = "asked"
_WARMING_TOKENS = 4


def data(engine: Engine, rng: random.Random, tokens: int) -> str:
    """Return records of the first length, word by word, at which they have at least so many ``tokens``."""
    words: list[str] = []
    while engine.count(" ".join(words)) < tokens:
        place, thing, state = rng.choice(_PLACES), rng.choice(_THINGS), rng.choice(_STATES)
        for word in (f"{place}:", str(rng.randrange(10, 99)), thing, f"{state};"):
            words.append(word)
            if engine.count(" ".join(words)) >= tokens:
                break
    return " ".join(words)


def asked(instruction: str, records: str) -> str:
    """Return the message that asks for this of the records; without any, the instruction alone."""
    return f"{instruction}\n\nData: {records}" if records else instruction


def run(role: Role) -> None:
    """Ask with the subject's instruction, and note the tokens of each call and when it was answered."""
    condition = role.spec.condition
    forced = condition["work"] == FORCED
    most = int(condition["reply" if forced else "most"] or 0)
    script = _REPLY * (most // _REPLY_WORDS + 1) if forced else None
    engine = engines.of_role(role)
    engine.load()
    try:
        rng = random.Random(f"records {role.spec.seed}")
        instruction, tokens = INSTRUCTIONS[role.spec.subject], int(condition["data"] or 0)
        texts = [asked(instruction, data(engine, rng, tokens)) for _ in range(int(condition["calls"] or 0) + 1)]
        warming, *texts = texts
        _ask(engine, warming, min(most, _WARMING_TOKENS), script, Stopwatch())
        clock, began = Stopwatch(), time.process_time()
        for text in texts:
            if not condition.get("kept"):
                engine.forget(_CONVERSATION)
            role.part.requests.append(_ask(engine, text, most, script, clock))
        role.part.values["cpu_s"] = time.process_time() - began
        role.part.values["asked_tokens"] = sum(map(engine.count, texts)) / len(texts)
        role.outside_look()
    finally:
        engine.close()


def _ask(engine: Engine, text: str, most: int, script: str | None, clock: Stopwatch) -> RequestRow:
    """Return what was seen of one call; a reply that was to have ``most`` tokens and has others is none."""
    first: list[float] = []

    def on_token(_: str) -> None:
        if not first:
            first.append(clock())

    started = clock()
    generation, outcome = None, "ok"
    call = Call(
        messages=[Message("user", text)],
        max_tokens=most,
        conversation=_CONVERSATION,
        script=script,
        on_token=on_token,
    )
    try:
        generation = engine.generate(call)
    except EngineError as error:
        outcome = type(error).__name__
    if generation is not None and script is not None and generation.generated_tokens != most:
        outcome = "another length"
    return RequestRow(
        intended_s=started,
        started_s=started,
        first_token_s=first[0] if first else None,
        finished_s=clock(),
        outcome=outcome,
        source="model",
        prompt_tokens=generation.prompt_tokens if generation else 0,
        generated_tokens=generation.generated_tokens if generation else 0,
    )
