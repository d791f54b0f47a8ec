"""Batched embedding: vectors of many texts, made one text at a time or several in one call of the encoder.

Every way reads the same texts with the same encoder on the same threads. A network reads all tokens of a batch in one
pass, so a batch saves passes; but each token looks at all places of its batch, and room is kept for all of them. Static
word vectors have no pass that could be shared: they show what a call alone costs.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._batched_embedding_names import ALONE, BATCHES, PASSAGES, SHORT, STATIC

PART = "batched-embedding"
QUESTION = "vectors of many texts, made one at a time or in batches: how many a second, in how much memory?"
MEASURES = (
    "embedding_rate",
    "embedding_anonymous",
    "embedding_call_p50",
    "embedding_alike",
)
PRIMARY = 2

REFERENCES = (ALONE,)


# Encoder, kind of texts, and how many of them.
_Place = tuple[str, str, int]
_ARMED: _Place = ("minilm", SHORT, 128)
_STANDARD: tuple[_Place, ...] = (_ARMED, ("minilm", PASSAGES, 64), (STATIC, SHORT, 2_048))
_WIDE = (*_STANDARD, ("e5-small", SHORT, 128))
_PLACES: dict[Preset, tuple[_Place, ...]] = {
    "smoke": (("minilm", SHORT, 32),),
    "quick": (("minilm", SHORT, 64), (STATIC, SHORT, 1_024)),
    "standard": _STANDARD,
    "wide": _WIDE,
    "paper": (*_WIDE, (STATIC, PASSAGES, 2_048)),
}
_SUBJECTS: dict[Preset, tuple[str, ...]] = {"smoke": (ALONE, "batch-32"), "quick": (ALONE, "batch-32")}

_MOST_PASSAGES = 32

# Seconds, for estimates: a trial without its texts, and a text, when it is read alone.
_START_S = 1.0
_TEXT_S = {
    ("minilm", SHORT): 0.005,
    ("minilm", PASSAGES): 0.02,
    ("e5-small", SHORT): 0.01,
    (STATIC, SHORT): 0.0001,
    (STATIC, PASSAGES): 0.0003,
}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a size of batch, encoder and kind of texts."""
    found = [_cell(place, subject) for place in _PLACES[request.preset] for subject in _subjects(request.preset, place)]
    if request.preset in GRADED:
        found += twins(_cell(_ARMED, subject) for subject in (ALONE, "batch-32"))
    return found


def _subjects(preset: Preset, place: _Place) -> tuple[str, ...]:
    if preset in _SUBJECTS:
        return _SUBJECTS[preset]
    # Every token of a batch looks at all of its places: 128 passages at once would take more memory than there is.
    return tuple(name for name, batch in BATCHES.items() if place[1] == SHORT or batch <= _MOST_PASSAGES)


def _cell(place: _Place, subject: str) -> Cell:
    encoder, texts, count = place
    return Cell(
        part=PART,
        condition={"part": PART, "encoder": encoder, "texts": texts, "count": count},
        subject=subject,
        requires=(encoder,),
        estimate_s=_START_S + count * _TEXT_S[encoder, texts],
        timeout_s=120 + count,
    )


def run(role: Role) -> None:
    """Make the vectors in the subject's way, and compare some of them with those of the texts alone."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _batched_embedding

    _batched_embedding.run(role)
