"""The wider wordings, by language: the reader reads them, and the workload, whose figures they would move, has none.

They are kept apart as the workload's are: one pair in five of a core and a frame is never trained on.
"""

from __future__ import annotations

from experiments.reader.chinese import WIDER_CHINESE
from experiments.reader.english import WIDER_ENGLISH
from experiments.workloads.remembering.values import Language
from experiments.workloads.remembering.words import Words

WIDER: dict[Language, Words] = {"en": WIDER_ENGLISH, "zh": WIDER_CHINESE}
