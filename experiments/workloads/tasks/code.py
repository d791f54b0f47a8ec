"""Code generation: files of a program and what its tools print, each with a name or a value that is needed later."""

from __future__ import annotations

import random

from experiments.workloads.tasks.interface import Split, TellingTurn, ToldValue
from experiments.workloads.tasks.pools import half, number

_VERBS = "merge split load store parse render filter collect sort group match encode count align close resolve".split()
_NOUNS = (
    "rows tokens invoices routes headers samples layers windows entries ranges frames labels queues pages chunks paths"
).split()
_FOLDERS = "core reports storage parsing billing exports queueing indexing layout metering".split()
_PARAMETERS = (
    "left right source target limit strict depth offset default encoding margin retries separator width order budget"
).split()
_BODY = (
    '    if not {a}:\n        raise ValueError("{a} must not be empty")',
    "    found = [each for each in {a} if each is not None]",
    '    seen = dict.fromkeys({a})\n    log.debug("%d of %d kept", len(seen), len({a}))',
    "    for place, each in enumerate({a}):\n        if place >= {n}:\n            break\n        found.append(each)",
    "    with lock:\n        cache[{b}] = tuple(found)",
    "    # The order matters to whoever reads the report: equal keys stay as they came.\n    found.sort(key=str)",
    "    try:\n        validate(found, {b})\n    except SchemaError as error:\n        raise BadRow(str(error))",
    "    missing = set(required) - set(found)\n    if missing and {b}:\n        return sorted(missing)",
    '    started = clock()\n    found += fetch({a}, timeout={n})\n    metrics.observe("fetch", clock() - started)',
    "    while len(found) > {n}:\n        found.pop()",
)
_LINES = (
    "{path} .......... passed in {n} ms",
    "{path} ..s....... 1 skipped, the service is not there",
    "collected {n} items from {path}",
    "warning: {path}: the parameter {a} is never read",
    "note: {path}: {n} lines are not covered, mostly branches for errors",
    "slowest: {path} took {n} ms, of which most is the fixture",
    "{path}:{n}: line too long, left as it is",
    "retry {n} of the download for {path}, then it went on",
)
_OPENINGS = {
    "settling": ("Here is the file {path}.", "The check printed this about {path}."),
    "reporting": ("This is {path} as it stands now.", "Output of the tests for {path}:"),
}
_ASKS = {
    "settling": (
        "Which function with which parameters does {path} define?",
        "Which value did the check of {path} compute?",
        "Which change did you commit for {path}?",
    ),
    "reporting": (
        "What are the name and the parameters of the function in {path}?",
        "What value did the failing test in {path} get?",
        "What is the commit of your change to {path}?",
    ),
}
_FAILS = {
    "settling": "CHECK of {path}: expected {right}, computed {value}.",
    "reporting": "FAILED in {path}: got {value} instead of {right}.",
}
_COMMITTED = {
    "settling": "For {path} I committed change {value}.",
    "reporting": "My change to {path} is commit {value}.",
}
_GOES_ON = (
    " It keeps the order of equal entries, raises before anything is written, and has a test for the empty case; the "
    "two callers need no change, and I left the logging as it was so that the reports can still be compared."
)


def told(rng: random.Random, split: Split, place: int) -> TellingTurn:
    """Return the ``place``-th turn: a file, or what a tool printed; each is about a file of its own."""
    verb, noun = rng.choice(half(_VERBS, split)), rng.choice(half(_NOUNS, split))
    path = f"{rng.choice(half(_FOLDERS, split))}/{verb}_{noun}_{place + 1}.py"
    commit = f"c{number(rng, split, 10_000, 100_000)}"
    opening, printed = _OPENINGS[split]
    signature, value_of, commit_of = (ask.format(path=path) for ask in _ASKS[split])
    reply = _COMMITTED[split].format(path=path, value=commit)
    if rng.random() < 0.5:
        text, answer = _file(rng, split, path, f"{verb}_{noun}", opening)
        fact = ToldValue(
            attribute="signature", question=signature, answer=answer, evidence=f"def {answer}:", teller="user"
        )
    else:
        text, answer, line = _output(rng, split, path, printed)
        fact = ToldValue(attribute="value", question=value_of, answer=answer, evidence=line, teller="user")
    if rng.random() < 0.3:
        fact = ToldValue(attribute="commit", question=commit_of, answer=commit, evidence=reply, teller="agent")
    return TellingTurn(text=text, reply=reply + _GOES_ON, fact=fact)


def _file(rng: random.Random, split: Split, path: str, name: str, opening: str) -> tuple[str, str]:
    """Return a file with one public function, and its name and parameters."""
    first, second, third = rng.sample(half(_PARAMETERS, split), 3)
    signature = f"{name}({first}, {second}, {third}={number(rng, split, 10, 1000)})"
    lines = [opening.format(path=path), "", "import logging", "", "log = logging.getLogger(__name__)", ""]
    for helper in range(rng.randrange(2, 4)):
        a, b = rng.sample(half(_PARAMETERS, split), 2)
        lines += [f"def _step_{helper}({a}, {b}):", *_body(rng, a, b, rng.randrange(2, 5)), "    return found", ""]
    lines += [f"def {signature}:", f'    """Do it for {path}."""', *_body(rng, first, second, rng.randrange(3, 6))]
    return "\n".join([*lines, f"    return _step_0(found, {third})"]), signature


def _body(rng: random.Random, a: str, b: str, count: int) -> list[str]:
    return [each.format(a=a, b=b, n=rng.randrange(2, 500)) for each in rng.sample(_BODY, count)]


def _output(rng: random.Random, split: Split, path: str, opening: str) -> tuple[str, str, str]:
    """Return what a tool printed, the value in it that is asked for, and the line that has it."""
    value, right = (str(number(rng, split, 1000, 10_000)) for _ in range(2))
    line = _FAILS[split].format(path=path, value=value, right=right)
    folder = path.partition("/")[0]
    lines = [
        rng.choice(_LINES).format(
            path=f"{folder}/{rng.choice(half(_VERBS, split))}_{rng.choice(half(_NOUNS, split))}.py",
            n=rng.randrange(2, 990),
            a=rng.choice(half(_PARAMETERS, split)),
        )
        for _ in range(rng.randrange(14, 30))
    ]
    lines.insert(rng.randrange(len(lines)), line)
    return "\n".join([opening.format(path=path), *lines]), value, line
