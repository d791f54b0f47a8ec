"""Whether a message only asks.

Memory keeps questions too, since a question may tell something on the way ("what goes with my new camera?"). One that
tells nothing shares its words with the question of now, and would stand before the turn that answers both. A message
is taken to tell something where the rules do not know better: a question that is kept as told costs one place, while
a fact that is taken for a question is not found.
"""

from __future__ import annotations

import re
import unicodedata

# A sentence ends with its marks, or a line does; the point of "3.5" or of an address ends nothing.
_END = re.compile(r"[!?؟。]+|\.+(?=\s|$)|\n")
_CLAUSE = re.compile(r"[,;:،、¿¡()]|\s[-–]+\s|—|\.\.+")
_OF_CHINESE_JAPANESE_KOREAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")

# --- English, and whatever has spaces between its words ---------------------------------------------------------------

# Words before the point: "so, and hello, by the way, ...".
_FILLER = re.compile(
    r"(?:(?:and|so|but|also|then|ok|okay|hey|hi|hello|please|well|oh|ah|um|uh|hmm|sorry|excuse me|pardon|now|again|"
    r"by the way|btw|anyway|just|actually|yes|no|yeah|right|sure|thanks|thank you|many thanks|thanks a lot|"
    r"good (?:morning|evening|afternoon|day|night)|(?:one|a|another|quick|one more|a quick) question|question|"
    r"guess what|wow|cool|nice|great|awesome|amazing|congrats|congratulations|perfect|got it|i see|of course|"
    r"that(?:'s| is| sounds) (?:so |really |very )?(?:great|good|nice|cool|awesome|amazing|wonderful|lovely)|"
    r"sounds (?:great|good|nice|fun|amazing)|there)\b[\s'\"]*)+"
)
_WH = r"(?:what|where|when|who|whom|whose|which|why|how)"
_GREETING = re.compile(r"(?:hey|hi|hello|good (?:morning|evening|afternoon)|dear|thanks|thank you)(?: [\w'-]+){0,2}$")
# "I forgot" and its like introduce a question; "I forgot my umbrella at work" tells of one.
_LEAD_IN = re.compile(
    r"i(?: (?:really|just|honestly|have|still))*(?:'ve)?"
    r"(?: (?:can't|cannot|can not|don't|do not|couldn't|could not) (?:quite |really )?(?:remember|recall|know)\b"
    rf"| (?:forget|forgot|forgotten)(?=$| {_WH}\b| if\b| whether\b| the name\b)"
    r"| (?:wonder|was wondering|am wondering)\b|'m wondering\b"
    r"|(?: would|'d) (?:like|love) to (?:know|ask)\b| (?:want|need|wanted|needed) to (?:know|ask)\b"
    r"| have (?:a|one|another) (?:quick )?question\b| (?:can|may|could) i ask\b)"
    r"\s*(?P<rest>.*)"
)
_AUXILIARY = (
    r"(?:is|are|am|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)(?:n't| not)?"
)
# A question word asks unless its clause goes on as a statement does: "when I was young", "what a day", "which means".
_QUESTION = re.compile(
    r"(?:(?:in|at|on|with|for|from|to|about|of|by|since|until) )?"
    r"(?:(?:what|where|when|who|why|how)(?:'s|'re|'d|'ll|s)?\b(?! (?:i|you|we|he|she|they|it|my|our|your|his|her|their|"
    r"the|this|that|a|an|means)\b)|(?:which|whom|whose)\b(?! (?:means|is why|i|you|we|he|she|they|it|my)\b)"
    rf"|{_AUXILIARY} (?:i|you|we|he|she|they|it|there|this|that|these|those|my|our|your|his|her|their|the|a|an|any"
    r"|anyone|anybody|someone|everyone|one)\b"
    r"|any (?:idea|ideas|chance|clue|tips|suggestions|recommendations|advice)\b|remember (?:what|where|when|who|which|"
    r"how|why|my)\b)"
)
# Without a mark only these orders ask; an order to remember tells ("remind me to call Anna").
_ORDER = re.compile(
    rf"(?:can you |could you |would you |will you |do )?(?:tell me(?: again)?|remind me(?: again)?|let me know|say)"
    rf"(?=$| (?:{_WH}|if|whether|about|of|my|the|again|more|everything|something|a)\b)"
    r"|(?:give|show|list|explain|describe|recommend|suggest|recall|repeat)\b"
)
_STATEMENT = re.compile(
    r"(?:i|we|he|she|they|it|you|there)(?:'m|'re|'s|'ve|'d|'ll)?\s(?!(?:know|remember|recall) (?:what|where|when|who|"
    r"which|how|why|if|my|the)\b)"
    r"|(?:my|our|his|her|their)(?: [\w'-]+){1,4} (?:is|are|was|were|has|have|had|lives?|works?|loves?|likes?|got|just|"
    r"will|moved|died|can|can't|needs?|wants?|said|told|called|bought|went|turned|turns)\b"
)
_TAG = re.compile(
    r"(?:right|ok|okay|no|yes|yeah|correct|huh|eh|see|you know|you see|remember|did you know|don't you|"
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)(?:n't| not)? "
    r"(?:i|you|we|he|she|they|it|there)(?: not)?|am i(?: not)?|aren't i)$"
)
# A question that carries a fact: what it asks for is something else.
_CARRIES = re.compile(
    r"\b(?:(?:did|do|don't|didn't) you (?:already )?(?:know|hear|remember|realise|realize)"
    r"(?: that| i| my| we| about my)(?! new\b)|you (?:do )?(?:know|remember)(?: that| i| my| we)|(?:did|have) i "
    r"(?:ever |already )?(?:tell|told|mention|mentioned)(?: to)?(?: you)?(?: that| i| my| we| about my)|(?:because|given that|now that|considering) "
    r"|since (?:i|we|my|our)(?:'m|'ve|'re| am| have| are| is)\b|why (?:is|are|does|do|did|has|have|was|were) (?:my|our)\b|(?:normal|ok|okay|safe|bad|good|fine|strange|weird) (?:that|for) (?:my|our|i|we)\b)"
)
# To ask for advice is not to ask for a fact, so whatever it says of the user is told.
_ADVICE = re.compile(
    r"\b(?:suggest|recommend|help|advise|advice|tips|ideas?\b|suggestions|recommendations|should (?:i|we)|"
    r"(?:can|could|would|will) you|how (?:can|should|could|would|might) (?:i|we)|"
    r"how do (?:i|we) (?!like|take|feel|know)|(?:where|what|which|when) (?:can|could|might|would) (?:i|we)|"
    r"(?:can|could|may) (?:i|we)|what (?:are|is|'s|would be) (?:some|a good|the best)|do you (?:think|like|have)|"
    r"what about|how about|have you (?:seen|met|heard)|write|plan|explain)"
)
_RECALL = re.compile(
    r"\b(?:remind me|remember|recall|tell me|repeat|forgot|(?:i|we)(?:'ve| have|'d| had)? (?:ever )?(?:said|told|"
    r"mentioned|tell|mention|say)|(?:do|did) you know (?:what|where|when|who|which|how|why|if|my))\b"
)
_OWN = re.compile(
    r"\b(?:my|our|mine|ours)\b|\bi(?:'m|'ve|'d)\b|\bwe(?:'re|'ve|'d)\b"
    r"|(?<!\bshould )(?<!\bcan )(?<!\bcould )(?<!\bdo )(?<!\bdid )(?<!\bwould )(?<!\bam )(?<!\bwas )(?<!\bhave )"
    r"(?<!\bwill )(?<!\bmay )(?<!\bmight )(?<!\bmust )(?<!\bshall )(?<!\bif )"
    r"\b(?:i|we) (?!can\b|could\b|should\b|would\b|might\b|may\b|must\b)"
    r"|\bwho (?:is|has|loves?|likes?|lives?|works?|hates?|can't)\b"
)

# --- Chinese ----------------------------------------------------------------------------------------------------------

_LEAD_IN_ZH = re.compile(
    r"(?:你好|您好|嗨|哈[喽啰]|喂|早上好|晚上好|请问|請問|对了|對了|谢谢.?|謝謝.?|那么?|那|嗯|好的?|麻烦.{0,4}|麻煩.{0,4}"
    r"|不好意思|抱歉|我(?:又|都|有点|好像)?(?:忘记?|忘記|不记得|不記得|想不起来?|想不起來?)了?|我(?:很)?想(?:知道|问.{0,4}|問.{0,4})"
    r"|(?:请|請|你)?(?:再)?(?:告诉|告訴|提醒)我(?:一下|一次)?|关于.*|關於.*|.*(?:说过|說過|提到|提过|提過|讲过|講過).*"
    r"|我?(?:上次|之前|以前|昨天|刚才|剛才)[我你]?(?:说|說|提|讲|講)的.*)"
)
_QUESTION_ZH = re.compile(
    r"什么|什麼|甚麼|哪|谁|誰|怎么|怎麼|怎样|怎樣|几|幾|多少|多大|多久|多远|多高|为何|為何|如何|是不是|有没有|有沒有|能不能"
    r"|会不会|會不會|要不要|可不可以|好不好|对不对|對不對|记不记得|記不記得|还记得|還記得|告诉我|告訴我|何时|何時|啥"
    r"|[吗嗎呢么麼][呀啊]?$"
)
# Question words that do not ask: "nothing", "eats anything", "some days".
_INDEFINITE_ZH = re.compile(
    r"没什么|沒什麼|(?:什么|什麼|谁|誰|哪里|哪裡|哪儿|怎么|怎麼)(?:都|也)|[好前十这這那]几|[好前十這那]幾|几[乎天个年次]|幾[乎天個年次]"
    r"|不知道.{0,9}什么|什么的$"
)
_TAG_ZH = re.compile(
    r"(?:对吧|對吧|对吗|對嗎|是吧|是吗|是嗎|不是吗|不是嗎|好吗|好嗎|好不好|对不对|對不對|你?知道吗|你?知道嗎"
    r"|(?:你)?记住了吗|(?:你)?記住了嗎|明白吗|明白嗎|行吗|行嗎)$"
)
_ADVICE_ZH = re.compile(
    r"推荐|推薦|建议|建議|帮|幫|怎么办|怎麼辦|应该|應該|该|該|适合|適合|觉得|覺得|怎么样|怎麼樣|可以|能不能|如何|怎么"
)
_OWN_ZH = re.compile(
    r"我(?:们|們)?(?:的|家|新|刚|剛|在|是|有|买|買|对|對|跟|和|最近|今天|昨天|明天|下)|因为|因為|既然|由于|由於"
)
_CARRIES_ZH = re.compile(r"知道(?:我|咱).{0,20}了[吗嗎]|因为|因為|既然|由于|由於")

_END_JA = re.compile(r"(?:か|かな|かしら|っけ|教えて(?:ください)?|だっけ)$")
_END_KO = re.compile(r"(?:까|까요|나요|가요|는지|니|냐|죠|어디|뭐야|뭐예요|누구야)$")


def only_asks(text: str) -> bool:
    """Return whether ``text`` asks and tells nothing: no sentence of it tells, and at least one asks."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    asked = False
    start = 0
    for mark in _END.finditer(text):
        sentence = text[start : mark.start()].strip(" \t\"'“”「」")
        start = mark.end()
        if sentence:
            asks = _asks(sentence, marked="?" in mark[0] or "؟" in mark[0])
            if asks is False:
                return False
            asked = asked or asks is True
    rest = text[start:].strip(" \t\r\"'“”「」")
    if rest:
        asks = _asks(rest, marked=False)
        if asks is False:
            return False
        asked = asked or asks is True
    return asked


def _asks(sentence: str, *, marked: bool) -> bool | None:
    """Return True for a question, False for what tells something, None for a greeting and its like."""
    if not sentence.isascii() and _OF_CHINESE_JAPANESE_KOREAN.search(sentence):
        if _KANA.search(sentence):
            return marked or _END_JA.search(sentence) is not None
        if _HANGUL.search(sentence):
            return marked or _END_KO.search(sentence) is not None
        return _asks_zh(sentence, marked=marked)
    clauses = [clause.strip() for clause in _CLAUSE.split(sentence)]
    if len(clauses) > 1 and _TAG.match(clauses[-1]):
        clauses.pop()
        # "Where is it, do you know?" asks; "you know I moved, right?" tells.
        return _QUESTION.match(_without_filler(clauses[0])) is not None
    asked = empty = None
    for place, clause in enumerate(clauses):
        clause = _without_filler(clause)
        lead_in = _LEAD_IN.match(clause)
        if lead_in:
            # "I don't remember where I live" has its question in it.
            asked = asked or (True if lead_in["rest"] else asked)
            clause = ""
        if not clause:
            continue
        empty = False
        if _ORDER.match(clause) or _QUESTION.match(clause):
            asked = True
        elif _STATEMENT.match(clause) or (not asked and place < len(clauses) - 1 and clause.count(" ") > 2):
            return False
    if asked or (marked and empty is False):
        return not _tells(sentence)
    return None if empty is None else False


def _without_filler(clause: str) -> str:
    if _GREETING.match(clause):
        return ""
    filler = _FILLER.match(clause)
    return clause[filler.end() :] if filler else clause


def _tells(question: str) -> bool:
    if _CARRIES.search(question):
        return True
    return (
        _OWN.search(question) is not None and _ADVICE.search(question) is not None and _RECALL.search(question) is None
    )


def _asks_zh(sentence: str, *, marked: bool) -> bool | None:
    clauses = [clause.strip() for clause in _CLAUSE.split(sentence)]
    if len(clauses) > 1 and _TAG_ZH.match(clauses[-1]):
        clauses.pop()
        marked = False
    asked = empty = None
    for place, clause in enumerate(clauses):
        if not clause or _LEAD_IN_ZH.fullmatch(clause):
            continue
        empty = False
        last = place == len(clauses) - 1
        if _QUESTION_ZH.search(clause if marked and last else _INDEFINITE_ZH.sub("", clause)):
            asked = True
            if _CARRIES_ZH.search(clause) or (_ADVICE_ZH.search(clause) and _OWN_ZH.search(clause)):
                return False
        elif not (marked and last) and len(clause) > 2:
            return False
        else:
            asked = asked or (True if marked else None)
    return asked if asked or empty is None else False
