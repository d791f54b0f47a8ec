"""Whether a message only asks.

Memory keeps questions too, since a question may tell something on the way ("what goes with my new camera?"). One that
tells nothing shares its words with the question of now, and would stand before the turn that answers both. A message
is taken to tell something where the rules do not know better: a question that is kept as told costs one place, while
a fact that is taken for a question is not found.
"""

from __future__ import annotations

import re

from systems.memory.manners import is_manners
from systems.memory.sentences import any_of, any_word, plain, sentences

# It begins with one of a few characters, which lets the search skip all others.
_CLAUSE = re.compile(r"[,;:،、¿¡()—.\s](?:(?<=[,;:،、¿¡()—])|(?<=\.)\.+|(?<=\s)[-–]+\s)")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_HAN = re.compile(r"[\u3400-\u9fff]")

# --- English, and whatever has spaces between its words ---------------------------------------------------------------

# What comes before the point: "so, and hello, by the way, ...".
_FILLER = re.compile(
    any_of(
        any_word("""and so but also then ok okay hey hi hello please well oh ah um uh hmm sorry pardon
            now again btw anyway just actually yes no yeah right sure thanks wow cool nice great awesome
            amazing congrats congratulations perfect there"""),
        *("thank you", "many thanks", "thanks a lot", "excuse me", "by the way", "guess what", "got it", "i see"),
        *("of course", "good (?:morning|evening|afternoon|day|night)", "(?:a |one |another |quick |more )*question"),
        "(?:that(?:'s| is| sounds)|sounds) (?:so |really |very )?(?:great|good|nice|cool|fun|awesome|amazing|lovely)",
    )
    + r"\b[\s'\"]*"
)  # fmt: skip
_GREETING = re.compile(r"(?:hey|hi|hello|good (?:morning|evening|afternoon)|dear|thanks|thank you)(?: [\w'-]+){0,2}$")

_WH = any_word("what where when who whom whose which why how")
_NOT = "(?:n'?t| not)?"
_AUXILIARY = any_word("is are am was were do does did has have had can could will would shall should may might must")
_PRONOUN = any_word("i you we he she they it there")
_SUBJECT = any_of(
    _PRONOUN, any_word(r"this that these those my our your his her their the an? any\w* someone everyone one")
)

# "I forgot" and its like introduce a question; "I forgot my umbrella at work" tells of one.
_LEAD_IN = re.compile(
    r"i(?: really| just| honestly| have| still|'ve)*"
    + any_of(
        r" (?:can'?t|cannot|can not|don'?t|do not|couldn't|could not) (?:quite |really )?(?:remember|recall)\b",
        rf" (?:don'?t|do not) (?:quite |really )?know(?=$| if\b| {_WH}(?! to\b)\b)",
        rf" (?:forget|forgot|forgotten)(?=$| {_WH}\b| if\b| whether\b| the name\b)",
        r" (?:don'?t|do not) suppose\b",
        r" (?:wonder|was wondering|am wondering)\b",
        r"'?m wondering\b",
        r"(?: would|'d) (?:like|love) to (?:know|ask)\b",
        r" (?:want|need|wanted|needed) to (?:know|ask)\b",
        r" have (?:a|one|another) (?:quick )?question\b",
        r" (?:can|may|could) i ask\b",
    )
)
# A question word asks unless its clause goes on as a statement does: "when I was young", "what a day", "which means".
_QUESTION = re.compile(
    r"(?:(?:in|at|on|with|for|from|to|about|of|by|since|until) )?"
    + any_of(
        r"(?:what|where|when|who|why|how)(?:'?s|'re|'d|'ll)?\b"
        rf"(?! (?:{_PRONOUN}|my|our|your|his|her|their|the|this|that|an?|means)\b)",
        rf"(?:which|whom|whose)\b(?! (?:means|is why|{_PRONOUN}|my)\b)",
        rf"{_AUXILIARY}{_NOT} {_SUBJECT}\b",
        r"any (?:ideas?|chance|clue|tips|suggestions|recommendations|advice)\b",
        rf"remember (?:{_WH}|my)\b",
    )
)
# Orders to tell something ask too; "remind me to call Anna" does not.
_ORDER = re.compile(
    r"(?:(?:can|could|would|will) you |do )?"
    + any_of(
        r"(?:tell me|remind me|let me know|say)(?: again)?"
        rf"(?=$| (?:{_WH}|if|whether|about|of|my|the|more|everything|an?)\b)",
        r"(?:give|show|list|explain|describe|recommend|suggest|recall|repeat)\b",
    )
)
_STATEMENT = re.compile(
    any_of(
        rf"{_PRONOUN}(?:'\w+)?\s(?!(?:know|remember|recall) (?:{_WH}|if|my|the)\b)",
        r"(?:my|our|his|her|their)(?: [\w'-]+){1,4} "
        r"(?:is|are|was|were|has|have|had|lives?|works?|loves?|likes?|got|just|will|moved|died|can|can't|needs?|wants?|said"
        r"|told|called|bought|went|turned|turns)\b",
    )
)
_TAG = re.compile(
    any_of(
        any_word("right ok okay no yes yeah correct huh eh see remember"),
        *("just like that", "(?:can|would) you believe (?:it|that)"),
        *("you (?:know|see)", "did you know", "am i(?: not)?", rf"{_AUXILIARY}{_NOT} {_PRONOUN}(?: not)?"),
    )
    + "$"
)
# A question that carries a fact: what it asks for is something else.
_CARRIES = re.compile(
    r"\b"
    + any_of(
        r"(?:do|did|don't|didn't)? ?you (?:already )?(?:know|hear|remember)(?: that)? (?:i|we)\b",
        r"(?:did|do|don't|didn't) you (?:know|hear|remember) (?:that|about my)\b",
        r"(?<!what )(?<!where )(?<!when )(?<!who )(?<!how )(?:did|have) i "
        r"(?:ever |already )?(?:tell|told|mention|mentioned)(?: to)?(?: you)?"
        r" (?:that|i|my|we|about my)\b",
        r"that (?:i'm|i've|i am|i have|i was|we're|we are)\b",
        r"(?:because|given that|now that|considering) ",
        r"since (?:i|we|my|our)(?:'m|'ve|'re| am| have| are| is)\b",
        r"why (?:is|are|does|do|did|has|have|was|were) (?:my|our)\b",
        r"(?:normal|ok|okay|safe|bad|good|fine|strange|weird) (?:that|for) (?:my|our|i|we)\b",
    )
)
# To ask for advice is not to ask for a fact, so whatever it says of the user is told ...
_ADVICE = re.compile(
    r"\b"
    + any_of(
        any_word(r"suggest\w* recommend\w* help advise advice tips ideas?\b write plan explain"),
        *("should (?:i|we)", "(?:can|could|would|will) you", "(?:can|could|may) (?:i|we)"),
        "(?:how|where|what|which|when) (?:can|should|could|would|might) (?:i|we)",
        "how do (?:i|we) (?!like|take|feel|know)",
        *(
            "(?:a|the|any|some) (?:good|best|better)",
            r"to \w+ (?:\w+ )?(?:my|our)\b",
            "(?:is|are) there (?:an?|any|some)",
        ),
        *("do you (?:think|like|have)", "(?:what|how) about", "have you (?:seen|met|heard)"),
    )
)
# ... unless it is advice only in its manners: "can you remind me of my ...?".
_RECALL = re.compile(
    r"\b"
    + any_of(
        *("remind me", "remember", "recall", "tell me", "repeat", "forgot"),
        r"(?:i|we)(?:'ve| have|'d| had)? (?:ever )?(?:said|told|mentioned|tell|mention|say)\b",
        rf"(?:do|did) you know (?:{_WH}|if|my)\b",
    )
)
# The user as the subject of a statement ("a cat I found"), not of what is asked ("should I", "a film I could see").
_NOT_AFTER = "".join(
    f"(?<!\\b{word} )" for word in "should can could do did would am was have will may might must shall if".split()
)
_OWN = re.compile(
    any_of(
        r"\b(?:my|our|mine|ours)\b",
        r"\bi(?:'m|'ve|'d)\b",
        r"\bwe(?:'re|'ve|'d)\b",
        rf"{_NOT_AFTER}\b(?:i|we) (?!can\b|could\b|should\b|would\b|might\b|may\b|must\b)",
        r"\bwho (?:is|has|loves?|likes?|lives?|works?|hates?|can't)\b",
    )
)

# --- Chinese, Japanese, Korean ----------------------------------------------------------------------------------------

_LEAD_IN_ZH = re.compile(
    any_word("""你好 您好 嗨 哈[喽啰] 喂 早上好 晚上好 请问 对了 谢谢.? 那么? 嗯 好的? 麻烦.{0,4}
        不好意思 抱歉 关于.* 我(?:又|都|有点|好像)?(?:忘记?|不记得|想不起来?)了?
        我很?想(?:知道|问.{0,4}) 请?你?再?(?:告诉|提醒)我(?:一下|一次)?
        (?:我?(?:再|还想|顺便|想再|最后))?问(?:你|一下|一句|一个问题|你一个问题|个事) 另外 还有""")
)  # fmt: skip
# "The restaurant I told you of, ...": it names what is asked for.
_TOPIC_ZH = re.compile(r".*(?:说过|提到|提过|讲过)|我?(?:上次|之前|以前|昨天|刚才)[我你]?[说提讲]的")
_QUESTION_ZH = re.compile(
    any_word("""什么 甚么 哪 谁 怎么 怎样 几 多少 多[大久远高] 为何 如何 何时 啥 是不是 有没有 能不能
        会不会 要不要 可不可以 好不好 对不对 记不记得 还记得 告诉我 [吗呢么][呀啊]?$""")
)  # fmt: skip
# Question words that do not ask: "nothing", "eats anything", "some days".
_INDEFINITE_ZH = re.compile(
    any_word("没什么 (?:什么|谁|哪里|哪儿|怎么)[都也] [好前十这那]几 (?<!第)几(?![点号月]) 不知道.{0,9}什么 什么的$")
)
_TAG_ZH = re.compile("(?:[对是]吧|[对是好行]吗|不是吗|好不好|对不对|你?知道吗|你?记住了吗|明白吗)$")
_ADVICE_ZH = re.compile(any_word("推荐 建议 帮 怎么 该 适合 觉得 可以 能不能 如何"))
_OWN_ZH = re.compile("我们?(?:的|家|新|刚|在|是|有|买|对|跟|和|最近|今天|昨天|明天|下)")
_CARRIES_ZH = re.compile("知道(?:我|咱).{0,20}了[吗嘛]|因为|既然|由于")
_END_JA = re.compile("(?:か|かな|かしら|っけ|教えて(?:ください)?)$")
_END_KO = re.compile("(?:니까|까요|나요|가요|는지|어디|뭐야|뭐예요|누구야)$")


def only_asks(text: str) -> bool:
    """Return whether ``text`` asks and tells nothing: no sentence of it tells, and at least one asks."""
    asked = False
    for sentence, marked in sentences(plain(text)):
        one = asks(sentence, marked=marked)
        if one is False:
            return False
        asked = asked or one is True
    return asked


def asks(sentence: str, *, marked: bool) -> bool | None:
    """Return True for a plain sentence that asks, False for what tells something, None for a greeting and its like.

    ``marked`` says whether a question mark ended it.
    """
    if not sentence.isascii():
        if _KANA.search(sentence):
            return marked or _END_JA.search(sentence) is not None
        if _HANGUL.search(sentence):
            return marked or _END_KO.search(sentence) is not None
        if _HAN.search(sentence):
            return _asks_zh(sentence, marked=marked)
    clauses = [clause.strip() for clause in _CLAUSE.split(sentence)]
    if len(clauses) > 1 and _TAG.match(clauses[-1]):
        # "Where is it, do you know?" asks; "you know I moved, right?" tells.
        return _QUESTION.match(_without_filler(clauses[0])) is not None
    asked = said = False
    manners = []
    for place, whole in enumerate(clauses):
        clause = _without_filler(whole)
        lead_in = _LEAD_IN.match(clause)
        if lead_in:
            # "I don't remember where I live" has its question in it.
            asked = asked or lead_in.end() < len(clause)
        elif clause and is_manners(clause):
            manners.append(whole)
        elif clause:
            if _ORDER.match(clause) or _QUESTION.match(clause):
                # "Somebody was late, which puts me first": what goes on from a statement asks only if it is marked.
                if said and not asked and not marked and clause.startswith("which "):
                    return False
                said = asked = True
            elif _STATEMENT.match(clause) or (not asked and place < len(clauses) - 1 and clause.count(" ") > 2):
                return False
            elif asked and not marked and " " in clause:
                return False  # "Which reminds me, Anna's birthday is on 3 May."
            said = True
    if asked or (marked and said):
        return not _tells(", ".join([clause for clause in clauses if clause not in manners]))
    return False if said else None


def _without_filler(clause: str) -> str:
    if _GREETING.match(clause):
        return ""
    start = 0
    while filler := _FILLER.match(clause, start):
        start = filler.end()
    return clause[start:]


def _tells(question: str) -> bool:
    if _CARRIES.search(question):
        return True
    return bool(_OWN.search(question) and _ADVICE.search(question) and not _RECALL.search(question))


def _asks_zh(sentence: str, *, marked: bool) -> bool | None:
    clauses = [clause.strip() for clause in _CLAUSE.split(sentence)]
    if len(clauses) > 1 and _TAG_ZH.match(clauses[-1]):
        clauses.pop()
        marked = False
    asked = said = False
    for place, clause in enumerate(clauses):
        last = place == len(clauses) - 1
        if not clause or _LEAD_IN_ZH.fullmatch(clause) or (not last and _TOPIC_ZH.match(clause)):
            continue
        if is_manners(clause):
            continue
        said = True
        if _QUESTION_ZH.search(clause if marked and last else _INDEFINITE_ZH.sub("", clause)):
            asked = True
            if _CARRIES_ZH.search(clause) or (_ADVICE_ZH.search(clause) and _OWN_ZH.search(clause)):
                return False
        elif marked and last:
            asked = True
        elif len(clause) > 2:
            return False
    if asked:
        return True
    return False if said else None
