"""Whether a question stands alone, so that its reply is the same whoever asks it, when, and after whatever was said.

Better to refuse one that would have done than to serve one that does not. Refused are questions that point back ("and
the second one?", "why is that?"), that are about the person ("my", "am I"; but "how do I", which is everybody), about
the moment ("today", "latest", "still"), left to chance or taste ("a joke", "another"), or that hand over something to
work on (a quotation, code, a list).
"""

from __future__ import annotations

import re

from systems.memory.letters import plain
from systems.memory.sentences import any_word
from systems.memory.stopwords import WORDS
from systems.tiered.semantic import lexicon

_BACK = any_word(
    "it its itself that those these this they them their theirs he him his she her hers there then such ones one "
    "former latter same above previous previously earlier before again also too else other others another more "
    "continue instead said mentioned meant"
)
# "Which is older, X or Y", "how far is it from A to B" and "is there a way": nothing stands behind these words.
_NOT_BACK = re.compile(
    r"\b(?:is|was|does|will|would|can|could|how \w+ (?:is|does)|when is|why is|what time is) it"
    r"(?= (?:\w+ )?(?:to|that|from|possible|safe|legal|healthy|take to|cost to|take for)\b)"
    r"|\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\bthe (?:year|day|way|people|one"
    r"|reason) that\b|\b(?:true|correct|so) that\b|\bso that they\b"
    r"|\bmore (?=\w+ than\b|\w+\b.{0,40}\bthan\b)|\bbefore (?=\w)|\bthan (?:any )?other\b|\bone of the\b|\bone (?=\w)"
    r"|\b(?:what|who) else\b|\b(?:so|such) that\b|\b(?:as well|the same) as\b"
)
_PERSON = any_word("me my mine myself we us our ours ourselves i your yours yourself")
_EVERYBODY = re.compile(
    r"\bhow (?:\w+ )?(?:do|can|could|would|should) (?:i|we|you)\b|\bwhat (?:do|can) (?:i"
    r"|you) (?:have to )?do to\b|\b(?:can|could|would|will) (?:you|i|we) (?:please )?(?:tell me"
    r"|explain|say|ask|know)\b"
    r"|\b(?:tell|show|give|teach|explain to|help) me\b(?! (?:more|again))|\bwhat (?:should|can|must) (?:i|you) do to\b"
    r"|\bi (?:want|need|would like|wonder|'d like)\b(?: to know)?|\bi'd like to know\b|\b(?:do"
    r"|would) you (?:happen to )?know\b|\bdo you\b(?= know)"
)
_MOMENT = any_word(
    "today tonight tomorrow yesterday now nowadays currently current latest newest recent recently yet still already "
    "ago so-far upcoming next last present moment weather forecast news price prices stock score live"
)
_SPANS = r"\b(?:this|next|last) (?:week|weekend|month|year|morning|evening|season)\b|\bwhat (?:time|day|date) is it\b"
_CHANCE = any_word(
    "joke story poem song haiku random guess choose pick suggest recommend surprise imagine opinion think feel prefer "
    "favourite favorite brainstorm ideas roll flip"
)
_HANDED_OVER = re.compile(r"[\"“”「」『』`{}<>|\\]|\n|:\s*\S.{40,}")
_BEGINS = re.compile(
    r"^(?:and|or|but|so|then|because|what about|how about|also|ok|okay|yes|no|thanks|why|how|who|where|when)\W*(?:$|\?)"
    r"|^(?:and|or|but|so|then|because|what about|how about|also|ok|okay|yes|no)\b"
)

_REFUSED_ZH = re.compile(
    "它|他|她|那个|这个|那些|这些|那样|这样|那里|这里|那儿|这儿|那么|此|该|其|上面|前面|之前|刚才|刚刚|继续|再|另|别的|其他|还有|也"
    "|第[一二三四五六七八九十0-9]+[个种条项]|我(?!该?[怎如要想])|我们(?!该?[怎如])|咱|你(?!知道)|您(?!知道)|自己"
    "|今天|今晚|今年|明天|昨天|现在|目前|最近|最新|近来|这周|本周|下周|上周|本月|这个月|下个月|刚|仍|已经|还(?!是|原)|几点了|天气|新闻|股价|价格"
    "|笑话|故事|诗|随机|猜|推荐|建议|觉得|认为|喜欢|选一|随便|呢[？?]?$"
)
_EVERYBODY_ZH = re.compile(
    "(?:请|麻烦)?(?:你|您)?(?:能|可以|可否|能否)?(?:不能)?(?:请)?(?:告诉|教|跟)我(?:一下|说说)?|(?:请问)?(?:你|您)知道|我(?:该|要|想"
    "|应该)?(?:怎么|怎样|如何)|我想(?:知道|问)(?:一下)?|帮我"
)
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile("[\u3400-\u9fff]")
_LEAST_CHARACTERS = 2
_LEANS = re.compile("|".join(rf"\b{words}\b" for words in (_BACK, _PERSON, _MOMENT, _CHANCE)) + f"|{_SPANS}")


def stands_alone(question: str) -> bool:
    """Return whether ``question`` leans on nothing but itself."""
    if _HANDED_OVER.search(question.strip()):
        return False
    text = re.sub(r"\s+", " ", plain(question).lower()).strip()
    if _HAN.search(text):
        rest = _EVERYBODY_ZH.sub("", text)
        subject = re.sub(f"{lexicon.ASKING_ZH}|{lexicon.MEASURES_ZH}", "", rest)
        return len(_HAN.findall(subject)) >= _LEAST_CHARACTERS and _REFUSED_ZH.search(rest) is None
    if _BEGINS.search(text) or _LEANS.search(_NOT_BACK.sub(" ", _EVERYBODY.sub(" ", text))):
        return False
    return any(
        word not in lexicon.MEASURES and word not in lexicon.ASKING and word not in WORDS
        for word in _WORD.findall(text)
    )
