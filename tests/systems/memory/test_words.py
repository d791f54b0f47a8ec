"""A table of scripts and forms: a row says what somebody told and what somebody asks, and the one finds the other."""

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from systems.memory import characters, words
from systems.memory.irregular import base_form
from systems.memory.words import asked, cut

_FOUND = """
My cat is called Misha | Whose cats are they?
I met Paul at the station | Where did I meet him?
She bought two children's books | What did the child buy?
We went hiking | go hiking
My favourite colours | favorite color
Our neighbours travelled | neighbor travels
I take vitamin D | Should I take D?
My favourite language is C | C or Rust?
I plot with R | R or Python?
I work on AI | ai
My blood type is O | type O
My son writes C++ at school | Who knows c++?
My son writes C++20 at school | Who knows C++?
Rust and C/C++ | c++
We moved from C# to F# | Which projects use F#?
The service is in .NET | Which one runs on dotnet?
It runs on ASP.NET | asp.net
It runs on node.js | Which service uses NodeJS?
It runs on node.js | node
My sister is Anna's neighbour | Who lives beside Anna?
That is Anna’s bike | anna
That is Anna´s bike | anna
The students’ party | a student
I don’t eat fish | dont
I do not sing | don't
I shouldn't've paid | pay
O’Brien called | Obrien
O’Brien called | O'Brien
Where’s the iPhone15? | iPhone 15
My well-known e-mail address | email
Please send e-mails | email
My well-known address | a wellknown one
Our wi-fi is down | WiFi
I said so at the end.Start again | start
I said so at the end.Start again | end
tea and...then coffee | then coffee
yes/no and/or coffee/tea | tea
call get_user_name() | getUserName
call getUserName() | user
the HTTPServer class | server
import systems.memory.words | memory
see https://www.example.com/wiki/Paris?x=1#top | example.com
see https://www.example.com/wiki/Paris?x=1#top | paris
see (https://example.com/a). | https://example.com/a
write to anna.b@example.com, please | anna.b@example.com
write to anna.b@example.com, please | anna
We use Python 3.11 | which 3.11?
We use Python3.11 | which 3.11?
We use Python3.11 | python
We use GPT-4.1 | 4.1
We meet at 10:30pm | 10:30
It cost $1,299.99 | 1299.99
It cost €1,299 | 1299
born on 2024-05-08 | 2024
born on 05/08/2024 | 8
my number is 555-123-4567 | 555-123-4567
on May 8th | May 8
in the 1990s | 1990
He lives in the US | Who lives in the U.S.?
AT&T and R&D | at&t
My blood type is AB+ | ab+
I subscribed to Disney+ | disney
#python @anna | python anna
x=5;y=foo(bar) | foo
ｆｕｌｌ　ｗｉｄｔｈ　１２３ | full 123
my room is ٣٤ | 34
I live in Zürich | zurich
I live in Zurich | Zürich
I live in Zu\u0308rich | ZÜRICH
Ich wohne in der Hauptstraße | hauptstrasse
Søren from Łódź | soren lodz
Œuvres de l'homme | oeuvres
Œuvres de l'homme | homme
Đà Nẵng, Nguyễn | da nang
İstanbul'da | istanbul
I love ILGIN | ılgın
Моя кошка любит рыбу | Что любят кошки?
У меня чёрная ёлка | черный
Живу в Москве́ | москва
Я люблю йогурт | йогурты
М’ята росте в саду | мята
Η γάτα μου | Πού είναι οι γάτες;
Ζω στην Αθήνα | ΑΘΗΝΑ
قرأت الكِتَاب | كتاب
اسمي أحمد | احمد
كتـــاب | كتاب
من در تهران زندگی می‌کنم کتاب | كتاب
שָׁלוֹם לכולם | שלום
סבא היה בצבא של צה״ל | צה"ל
मेरी बिल्ली का नाम मीरा है | बिल्लियों
मुझे हिन्दी पसंद है | हिंदी पसंद
मेरी लड़की | लडकी
என் பூனை வெள்ளை | பூனை
আমার বিড়াল | বিড়াল
ฉันชอบแมว | แมว
ดื่มน้ำทุกวัน | น้ำ
ดื่มน\u0e4d\u0e49าทุกวัน | ดื่มน้ำ
ຂ້ອຍມີແມວ | ແມວ
ខ្ញុំចូលចិត្តឆ្មា | ឆ្មា
ကျွန်တော်ကြောင်ချစ်တယ် | ကြောင်
ရေသောက်တယ် | ရေ
猫が好きです | 猫は好きですか
りんごを食べました | りんご
コーヒーを飲みます | コーヒー
リンゴが好き | りんごは？
کتاب‌ها | کتاب
کتاب‌ها | کتابها
ｺｰﾋｰを飲む | コーヒー
ガラス | カ\u3099ラス
東京に住んでいます | 東京
집에서 고양이를 키워요 | 집이 어디예요?
집에서 고양이를 키워요 | 고양이는?
책을 읽어요 | 책
我家有一只猫 | 我的猫叫什么名字？
我搬到了杭州 | 我现在住在杭州吗
我养狗 | 狗
我的目的地是成都 | 成都在哪
我用Python写代码 | Python
我用Python写代码 | 代码
我买了iPhone手机 | iphone
我的生日是5月8日 | 5月
我喜欢红色的T恤 | T恤
这是第3次 | 第3次
在2024年 | 2024年
我住在杭州，在西湖边 | 西湖
我的貓叫咪咪 | 猫
我的猫叫咪咪 | 貓
我養了一隻烏龜 | 我养的乌龟
𠮷野家 | 𠮷野家
I am happy 👍🏽 | 👍
from 🇨🇭 | 🇨🇭
♥ | ♥
x\u200by and so\u00adft | soft
"""

_NOT_FOUND = """
I live in Zürich | a rich man
I like C++ | C or R?
My name is Rose | who rises early
We use Python 3.11 | in 11 days
My favourite is 2024 | 202
Who am I | What did she do?
from 🇨🇭 | 🇨🇦
我们的狗 | 我的猫叫什么
的了吗 | 你的猫呢
मेरा नाम है | क्या है मकान
안녕 | 고양이
コーヒー | ビール
bàn | bin
"""


def _rows(table: str) -> list[tuple[str, str]]:
    return [(text, question) for text, _, question in (row.partition(" | ") for row in table.strip().split("\n"))]


@pytest.fixture
def without_opencc(monkeypatch):
    monkeypatch.setattr(characters, "_simplified", dict)
    words._remembered.cache_clear()
    yield
    monkeypatch.undo()
    words._remembered.cache_clear()


@pytest.mark.parametrize(("text", "question"), _rows(_FOUND))
def test_finds(text, question):
    assert set(asked(question)) & set(cut(text))


@pytest.mark.parametrize(("text", "question"), _rows(_NOT_FOUND))
def test_does_not_find(text, question):
    assert not set(asked(question)) & set(cut(text))


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What did I say that I wanted to do when I met Anna?", ["want", "meet", "anna"]),
        ("Whose is it? Who's that?", ["whose", "is", "it", "who", "that"]),
        ("I don't eat what he can't eat", ["eat"]),
        ("What happened in May?", ["happen", "may"]),
        ("May I ask you?", ["may"]),
        ("我的猫叫什么名字？", ["猫", "叫", "名", "字", "猫叫", "名字"]),
        ("你记得我什么时候去过杭州吗", ["去", "杭", "州", "去过", "过杭", "杭州"]),
        ("你是谁？", ["你", "是", "谁", "你是", "是谁"]),
        ("りんごが好きですか", ["好", "りん", "んご", "ごが", "好き", "きで"]),
        ("", []),
        ("??? ... --", []),
    ],
)
def test_a_question_is_asked_for_what_it_says(question, terms):
    assert asked(question) == terms


def test_traditional_characters_are_kept_beside_simplified_ones():
    assert {"貓", "猫", "烏龜", "乌龟"} <= set(cut("貓 烏龜"))
    assert cut("猫") == ["猫"]


def test_what_was_saved_with_opencc_is_found_without_and_the_other_way_round(without_opencc, request):
    text = "我養了一隻烏龜"
    without = cut(text), asked(text)
    request.getfixturevalue("monkeypatch").undo()
    words._remembered.cache_clear()
    assert set(without[0]) <= set(cut(text))
    assert set(without[1]) & set(cut(text))
    assert set(asked(text)) & set(without[0])


def test_without_opencc_traditional_is_found_as_written(without_opencc):
    assert not set(asked("猫")) & set(cut("我的貓"))
    assert set(asked("貓")) & set(cut("我的貓"))


def test_a_long_term_is_cut_to_what_still_tells_it_from_others():
    one, other = "x" * 5000, "x" * 5001
    assert cut(one) != cut(other)
    assert cut(one) == cut(one)
    assert len(cut(one)[0]) <= 64
    assert cut(one.upper()) == cut(one)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a-",
        "a'",
        "a's",
        "a.",
        "a@",
        "://",
        "www.",
        "1,",
        "1,000",
        "aA",
        "A+",
        "R&D",
        "_",
        "汉",
        "什",
        "ก้",
        "é",
        "'re",
        "ガ",
    ],
)
def test_a_pasted_text_of_one_kind_has_terms_and_takes_no_square_of_its_length(piece):
    terms = cut(piece * 20_000)
    assert all(len(term) <= 64 for term in terms)
    assert len(terms) <= 20_000 * (len(piece) + 1)


def test_nothing_is_loaded_before_there_is_something_to_cut():
    code = "import sys, systems.memory.words; print({'opencc', 'Stemmer', 'jieba'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "set()"


def test_words_are_brought_to_their_base():
    assert [base_form(word) for word in ("met", "children", "rose", "table")] == ["meet", "child", "rose", "table"]


_TEXTS = st.text(max_size=60) | st.text(
    "aAé'´’.-_+#@/:,&12٣ \u0301 \u0e4d\u0e49าก汉字貓のガ゙カ゛각👍🏽\u200d\ud800\0İßﬁ™", max_size=30
)
_WORDS = st.lists(st.sampled_from("Anna's café don't 3.11 C++ 我的猫 猫が好き 집에서 แมว кошки 👍 e-mail".split())).map(
    " ".join
)


@settings(deadline=None)  # the first text loads what the others use
@given(_TEXTS)
@example("a¨b")
@example("\ufdfa")
@example("\u1ffd Anna\u1ffds")
@example("İ ŉ ǰ ΐ ẖ")
def test_no_text_makes_a_term_that_the_index_would_cut_or_lose(text):
    terms = cut(text)
    assert terms == cut(text)
    assert all(term and len(term) <= 64 and not re.search(r"[\s\0]", term) for term in terms)
    assert all(term.encode() for term in terms)
    assert set(asked(text)) <= set(terms)
    assert bool(asked(text)) == bool(terms)
    assert len(set(asked(text))) == len(asked(text))


@settings(deadline=None)  # the first text loads what the others use
@given(_TEXTS)
@example("й и\u0306 ё г\u0301 Å ガ 각")
def test_composed_and_decomposed_text_has_the_same_terms(text):
    assert cut(text) == cut(unicodedata.normalize("NFC", text)) == cut(unicodedata.normalize("NFD", text))
    if "\u00b4" not in text and "\u1ffd" not in text:  # accents that are typed for apostrophes
        assert cut(text) == cut(unicodedata.normalize("NFKC", text)) == cut(unicodedata.normalize("NFKD", text))


@settings(deadline=None)  # the first text loads what the others use
@given(_TEXTS)
def test_a_text_that_says_something_has_terms(text):
    said = any(unicodedata.category(character) in ("Lu", "Ll", "Lo", "Nd") for character in text)
    assert bool(cut(text)) or not said


@settings(deadline=None)  # the first text loads what the others use
@given(_WORDS, _WORDS)
def test_texts_one_after_the_other_are_cut_as_each_is(one, other):
    assert cut(f"{one} {other}") == cut(one) + cut(other)


@settings(deadline=None)  # the first text loads what the others use
@given(_TEXTS)
def test_whoever_asks_for_all_that_was_said_finds_it(text):
    assert not cut(text) or set(asked(text)) & set(cut(f"before {text} after"))


def test_more_marks_than_any_language_writes_are_not_put_in_order():
    from systems.memory import letters, sentences

    marked = "a" + "\u0301\u0323" * 5_000
    assert len(sentences.plain(marked)) < 50
    assert letters.plain(marked) == "a"
