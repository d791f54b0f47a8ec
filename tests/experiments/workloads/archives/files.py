"""Small files in the published formats, made here: nobody's data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOCOMO: list[dict[str, Any]] = [
    {
        "sample_id": "made-here",
        "conversation": {
            "speaker_a": "Ada",
            "speaker_b": "Ben",
            "session_2_date_time": "9:05 am on 12 June, 2023",
            "session_2": [
                {"speaker": "Ben", "dia_id": "D2:1", "text": "I sold the bicycle to a neighbour."},
                {"speaker": "Ada", "dia_id": "D2:2", "text": "Look!", "blip_caption": "a lighthouse by the sea"},
            ],
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ada", "dia_id": "D1:1", "text": "My kiln broke, so pottery has to wait."},
                {"speaker": "Ben", "dia_id": "D1:2", "text": "I bought a red bicycle yesterday."},
            ],
        },
        "qa": [
            {"question": "What broke in the pottery?", "answer": "the kiln", "evidence": ["D1:1"], "category": 4},
            {"question": "What became of the bicycle?", "answer": 1, "evidence": ["D1:2; D2:1"], "category": "1"},
            {"question": "Which lighthouse did Ada show?", "evidence": "['D2:2']", "category": 3, "answer": "one"},
            {"question": "Who paints?", "adversarial_answer": "Ada", "evidence": ["D1:1"], "category": 5},
            {"question": "Whose boat is it?", "answer": "Ben's", "evidence": ["D9:9"], "category": 4},
        ],
        "observation": {},
        "session_summary": {},
        "event_summary": {},
    }
]

LONGMEMEVAL: list[dict[str, Any]] = [
    {
        "question_id": question,
        "question_type": "single-session-user",
        "question": "Which instrument do I practise?",
        "answer": "the oboe",
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_session_ids": ["s1", "s2"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 09:00"],
        "haystack_sessions": [
            [{"role": "user", "content": "Tell me about tides."}, {"role": "assistant", "content": "The moon pulls."}],
            [
                {"role": "user", "content": "I practise an instrument, the oboe, every day.", "has_answer": True},
                {"role": "assistant", "content": "An oboe is a fine instrument.", "has_answer": False},
            ],
        ],
        "answer_session_ids": ["s2"],
    }
    for question in ("made_here", "made_here_abs")
]


def written(path: Path, content: object) -> Path:
    """Return ``path``, which now holds ``content`` as JSON."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
