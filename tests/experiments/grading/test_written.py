"""On conversations that nobody made for a machine the default finds no less than plain full text over all words."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import mean

import pytest

from experiments.grading.archives import grade
from experiments.workloads.archives import read
from tests.experiments.workloads.remembering import exported

WRITTEN = sorted(
    path
    for folder in ("settled", "held-out")
    for path in (Path(__file__).parents[2] / "conversations" / folder).glob("*.json")
)


STORES = ("like", "bm25", "relevance")
PLAIN = "SELECT said.text FROM said WHERE said MATCH ? ORDER BY rank LIMIT 10"
# A file has few questions: what is lost of one of them must be found of another.
LEEWAY = 0.02


@pytest.fixture(scope="module")
def found():
    """Recall among ten of each store, by file."""
    return {path: {store: grade(read(path), store)["all"]["recall@10"] for store in STORES} for path in WRITTEN}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.long
def test_the_default_finds_as_much_as_full_text_in_what_people_wrote(found, path):
    assert found[path]["relevance"] >= found[path]["bm25"] - LEEWAY
    assert found[path]["bm25"] > found[path]["like"]


def plain_full_text(path):
    """Recall among ten of SQLite's full text with Porter's stems, asked all words of a question."""
    shares = []
    for archive in read(path):
        ids = {}
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE said USING fts5 (text, tokenize='porter unicode61')")
            for turn in archive.turns:
                ids[turn.text] = turn.id
                connection.execute("INSERT INTO said VALUES (?)", (turn.text,))
            for question in archive.questions:
                words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question.text))
                hits = {ids[text] for (text,) in connection.execute(PLAIN, (words,))}
                shares.append(len(hits & set(question.evidence)) / len(question.evidence))
    return mean(shares)


@pytest.mark.long
def test_in_all_of_it_the_default_finds_more_than_plain_full_text(found):
    plain = {path: plain_full_text(path) for path in found}
    assert all(one["relevance"] > plain[path] for path, one in found.items()), plain


@pytest.mark.long
def test_in_all_of_it_the_default_finds_more(found):
    assert mean(one["relevance"] for one in found.values()) > mean(one["bm25"] for one in found.values())


def test_the_default_finds_as_much_as_full_text_in_natural_questions_of_both_languages(tmp_path):
    conversations = exported.archives(tmp_path)
    assert sum(len(one.questions) for one in conversations) >= 200
    assert exported.found("relevance", conversations) >= exported.found("bm25", conversations)
