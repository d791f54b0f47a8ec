"""The statistics themselves."""

import msgspec
import pytest

from systems.research.analysis.overview import analyse
from systems.research.analysis.reports import Report


def article(source="here", title="", text="", relevance=0.5):
    return {"source": source, "title": title, "text": text, "relevance": relevance}


def report(*articles):
    return msgspec.convert(analyse(list(articles)), Report)


def test_relevance_is_told_together_and_by_source():
    found = report(article("a", relevance=0.2), article("b", relevance=0.9), article("a", relevance=0.4))
    assert found.count == 3
    assert found.relevance == pytest.approx(0.5)
    assert found.deviation == pytest.approx(0.36056, abs=1e-5)
    assert [(each.source, each.count) for each in found.sources] == [("a", 2), ("b", 1)]
    assert found.sources[0].relevance == pytest.approx(0.3)


def test_the_most_relevant_come_first_and_equals_in_the_order_they_came():
    found = report(
        *(article(title=name, relevance=score) for name, score in zip("abcde", (1, 3, 2, 3, 0), strict=True))
    )
    assert [each.title for each in found.top] == ["b", "d", "c"]


def test_keywords_are_the_words_that_come_most_often():
    found = report(article(title="Threads", text="Threads share memory; there is memory about, which threads share."))
    assert found.keywords == (("threads", 3), ("share", 2), ("memory", 2))


def test_chinese_has_keywords_too():
    found = report(article(title="内存", text="内存很小, Python内存 又 快"))
    assert found.keywords[0] == ("内存", 3)
    assert ("python", 1) in found.keywords


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_have_no_deviation(count):
    found = report(*[article()] * count)
    assert (found.count, found.deviation) == (count, None)
    assert (found.relevance is None) == (count == 0)
