"""Cutting block by block must change nothing: jieba itself is the judge."""

import jieba.analyse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from systems.memory.keywords import _NEVER
from systems.turn.surroundings import classify_emotion

_PIECES = [*"bees Lisbon GPT-4 3.5% é 我的姐姐 王芳 在杭州 ， C++ naïve 1024 T恤".split(), " ", chr(10)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(_PIECES)).map("".join) | st.text(max_size=40))
@example("这个是不了的吗他们都说王小明和李大海在那里吃着饭呢")
@example("请记住，我的姐姐王芳3月搬到了杭州，在那里照看12件旧收音机。")
def test_keywords_are_jiebas_own(loaded_keywords, text):
    theirs = sorted(jieba.analyse.extract_tags(text, topK=5, withWeight=True), key=lambda pair: (-pair[1], pair[0]))
    for _ in range(2):
        assert loaded_keywords.extract(text) == list(dict.fromkeys(word.lower() for word, _ in theirs))[:3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(_PIECES)).map("".join) | st.text(max_size=40))
@example("请记住，我的姐姐王芳3月搬到了杭州，在那里照看12件旧收音机。")
@example("a well-known 10.5kg wi-fi_box at www.example.com: e-mail中文, T-shirt-王芳")
@example("&𠀀, 㐀㐁ab and 中𠀀文")
def test_the_fast_keywords_are_the_same(dictionaries, text):
    assert dictionaries[True].extract(text) == dictionaries[False].extract(text)


def test_what_the_fast_ones_took_over_is_still_jiebas(dictionaries):
    fast, slow = dictionaries[True], dictionaries[False]
    assert fast._frequencies == slow._frequencies
    assert fast._median_frequency == slow._median_frequency
    assert jieba.analyse.default_tfidf.stop_words == _NEVER


def test_the_mood_with_most_words_is_the_mood():
    assert classify_emotion("Thank you, I am GLAD. I miss nothing.") == "happy"
    assert classify_emotion("我很担心，也很害怕") == "worried"
    assert classify_emotion("gladly dismissed") == "neutral"
    assert classify_emotion("") == "neutral"
