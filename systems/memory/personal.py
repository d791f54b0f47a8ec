"""What people tell of themselves and of theirs, in English and Chinese.

Names, health, family, pets, homes, work, school, tastes, habits, numbers and codes, plans with a date, and "remember
that". The patterns are written for sentences in plain spelling (``systems.memory.sentences``); they look at words, not
at meaning, and leave questions to ``systems.memory.asking``. Every repetition in them is bounded, so that a long text
costs no more than its length.
"""

from __future__ import annotations

import re

from systems.memory.sentences import any_of, any_word

# --- English ----------------------------------------------------------------------------------------------------------

_DETAILS = any_of(
    any_word("""name surname nickname pronouns? birthday address number password passcode pin e-?mail
        passport job nationality employer company school university degree major thesis salary budget
        rent mortgage home house flat apartment hometown religion hobby hobbies favou?rite
        allerg(?:y|ies) medications? medicines? insulin diagnosis diet surgery operation appointment
        flight wedding anniversary honeymoon doctor dentist therapist landlord landlady"""),
    *("birth date", "due date", "mother tongue", "native language", "blood (?:type|pressure)"),
)  # fmt: skip
_BODY = any_word("""arm ankle back ears? eyes? eyesight foot feet hand head hearing heart hip kidneys?
    knees? leg liver lungs? neck nose shoulder skin stomach throat tooth teeth wrist""")  # fmt: skip
_FAMILY = any_word("""sisters? brothers? mother father mum mom dad parents wife husband spouse sons?
    daughters? partner boyfriend girlfriend fianc[eé]e? child children kids? baby twins grann?y aunt
    uncle cousins? nieces? nephews? family step[a-z]+ [a-z]+-in-law
    grand(?:mother|father|ma|pa|son|daughter|parents|child|children) ex friends? colleagues?
    co-?workers? boss manager neighbou?rs? roommates? flatmates? teacher dogs? cats? pupp(?:y|ies)
    kittens? rabbits? hamster horse parrot tortoise pets?""")  # fmt: skip
# "My new phone number", "my late grandmother": up to two words stand between. Some are spoken of as by a name.
_MINE = any_of(
    rf"(?:my|our) (?:[\w'-]+ ){{0,2}}?{any_of(_DETAILS, _FAMILY, _BODY)}\b",
    r"(?<!\w )(?<!\w, )(?:mum|mom|dad|grandma|grandpa|granny|the (?:twins|kids|baby))"
    r"(?:'s| is| are| was| were| has| have| had| will| starts?| goes| lives?| \w+ed)\b",
)

_STATES = any_of(
    any_word("""allergic vegetarian vegan pregnant diabetic deaf blind colou?r-?blind left-handed
        lactose gluten coeliac celiac autistic dyslexic married single divorced engaged widowed retired
        unemployed self-employed bilingual jewish muslim christian hindu born moving studying learning
        dating expecting named called sober raising"""),
    *("from ", "originally from", "getting (?:married|divorced)", "having (?:a baby|twins|surgery|an operation)"),
    *("on (?:a diet|medication|insulin|antibiotics)", "taking (?:medic|insulin|antibiotics|pills)"),
    *("(?:afraid|scared|terrified) of", "training for", "working (?:as|at|for)", "saving (?:up )?for", "into "),
    *("the (?:oldest|youngest|eldest|only|middle)", "planning (?:a|to)", r"\d{1,3}(?= years|-year|$|,| now)"),
    r"an? (?!bit\b|little\b|lot\b|few\b|while\b|fool\b|mess\b|idiot\b)[\w-]+",
)  # fmt: skip
_DEGREE = any_word("not no longer now also still really very severely slightly highly even a bit so currently always")
_OWNED = any_word("""dogs? cats? pupp(?:y|ies) kittens? horses? pets? child children kids? sons?
    daughters? brothers? sisters? siblings? twins grandchildren boyfriend girlfriend partner diabetes
    asthma cancer epilepsy adhd migraines? allerg(?:y|ies) arthritis depression anxiety intolerance
    condition exams? appointments? interviews? flights? meetings? surgery wedding degree phobia tattoos?
    dairy gluten""")  # fmt: skip
_OFTEN = any_of("used to", *"also still now currently just recently once usually always never have 've had".split())
_DID = any_of(
    "live[ds]? (?:in|on|at|near|with|alone|next|by|above|close|outside|here|there|across)",
    r"work(?:ed)? (?:as|at|for|in|part|full|nights|on weekends)|work (?:with|from) (?!it|this|that)",
    any_word(r"""moved?\b stud(?:y|ied)\b graduated majored speak\b teach\b smoked?\b quit\b retired
        adopted inherited sprained injured fractured divorced married proposed enrolled volunteer\b
        collect\b"""),
    *("was (?:born|diagnosed|laid|fired|promoted|hired|raised)", "lost my", "broke (?:my|up)", "gave birth", "go by"),
    *(r"turned? \d", "am called", "(?:drive|own|run|keep|ride) an?", "play (?:the|in)", "gr[eo]w up", "come from"),
    "got (?:a (?:new )?(?:job|dog|cat|puppy|kitten|promotion|raise)|married|engaged|divorced|fired|promoted|laid off)",
    *("got pregnant", "had (?:a baby|twins|surgery)", "been (?:married|together|working|living|sober|a )"),
    *("started (?:a|my)", "takes? (?:insulin|medic|pills|metformin)", r"wear (?:size|glasses|a|contact)"),
    "bought (?:a|an|my|our) (?:new )?(?:house|flat|car|home|dog|cat)",
    *("passed my", "failed my", "liked", "believe in", "get (?:sea|car|air)"),
)  # fmt: skip
# Not "I like that answer": a taste has a thing of its own.
_TASTE = (
    r"(?!(?:it|that|this|these|those|your|you|how|what|when|to know|the (?:answer|idea|way|first|second|last))\b)\w"
)
# The lookbehinds keep "if I", "do I" and "should I" out: they suppose or ask.
_I = (
    r"i(?<!if i)(?<!do i)(?<!can i)(?<!did i)(?<!should i)"
    + any_of(
        rf"(?:'?m| am) (?:{_DEGREE} ){{0,3}}{_STATES}\b",
        r"(?:'?ve got| have(?: got)?| got| can'?t have) "
        rf"(?:(?!(?:to|question|problem|idea|clue|about)\b)[\w'-]+ ){{0,3}}?{_OWNED}\b",
        rf"(?:'ve)? (?:{_OFTEN} ){{0,3}}{_DID}",
        rf"(?: really| absolutely| also| still)? (?:love|hate|prefer|enjoy|adore|dislike) {_TASTE}",
        r"(?: really| also| still)?(?: do not| don'?t| can'?t| cannot| never| only)?"
        rf" (?:like|eat|drink|stand) {_TASTE}",
        r"(?: do not| don'?t| can'?t) (?:want to (?:spend|pay)|drive|swim|cook)",
        r"(?: usually| often| always| never) "
        r"(?!said|thought|knew|meant|understood|asked|wanted|heard|get (?:it|that))\w",
        r"(?:'ve| have)?(?: just| finally| already)? (?:signed|applied|decided to|sold|won|joined|bought)\b",
        r"(?: do not| don'?t) (?:own|drink|smoke|eat)\b",
        *(" can(?: only)? (?:spend|pay|afford)", r"(?:'d| would) rather be called"),
    )
)  # fmt: skip
_WE = "we" + any_of(
    "(?:'re| are) (?:moving|getting|expecting|having|engaged|married)",
    "(?:'ve| have)?(?: just| finally| already)? (?:signed|applied|decided to|sold|bought)",
    rf"(?:'ve)? (?:{_OFTEN} ){{0,3}}{_DID}",
)
_KEEP = any_of(
    r"(?:^|[,;:] ?|please |and |always |must |should )(?:remember|note|keep in mind|bear in mind)"
    r"(?::| (?:that|i|i'm|my|to|this|we)\b)",
    # To announce something is to want it kept.
    r"\b(?:for (?:your|the) (?:notes|records?|information)|just so you know|fyi"
    r"|you (?:should|must|need to|have to) know|i (?:just )?(?:want|wanted|have|had|need) to (?:tell you|let you know)"
    r"|make a note|write (?:this|that|it) down)\b",
    r"(?:don'?t|do not|never|can'?t|mustn't) forget(?:[:,]| (?:that|to|i\b|i'm|my|we|the|it|this|about))|never forget$",
    r"\b(?:it'?s|this is|that'?s|is) (?:very |really |so )?important (?:that|to me|for me)",
    "^important[:,]|very important$",
    r"call(?:s|ed)? me (?!back\b|later\b|when|if\b|in\b|on\b|at\b|tomorrow|tonight|now\b|again|a taxi|crazy|an? )\w",
    "(?:reach|contact|e-?mail|text) me (?:at|on|under)|gives? me (?:a rash|hives|migraines|headaches|nightmares)",
    r"\b(?:code|password|passcode|pin|phone number|e-?mail address|combination)(?: (?:at|for|of|to)(?: [\w'-]+){1,3})?"
    r"(?: is| are|:|=) ",
    # Of others: "Anna's dog is called ...".
    rf"\b(?!that's|what's|who's|where's|today's|it's|he's|she's|there's)\w+'s (?:[\w'-]+ )?{any_of(_DETAILS, _FAMILY)}"
    r"(?: is\b| are\b| was\b| has\b|:)",
    r"\b(?:he|she|they)(?:'s|'re| is| are| was) (?:\w+ )?(?:allergic|pregnant|vegetarian|vegan|diabetic)\b",
)
_OWN = re.compile(rf"\b{any_of(_MINE, _I, _WE)}")
_TO_KEEP = re.compile(_KEEP)

_ME = re.compile(r"\b(?:i|we)\b|\b(?:my|our|me|us) ")
_DATE = re.compile(
    r"\b"
    + any_of(
        "(?:mon|tues|wednes|thurs|fri|satur|sun)day",
        *"january february march april june july august september october november december".split(),
        *(r"may \d", r"\d(?:st|nd|rd|th)?(?: of)? may", "next (?:week|month|year|weekend|spring|summer|autumn|winter)"),
        *(r"\d{1,2}(?:st|nd|rd|th)", r"(?:in|since|until) (?:19|20)\d\d", r"\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?"),
    )
    + r"\b"
)
_HABIT = re.compile(
    r"\b(?:every (?:single )?(?:day|night|week|month|year|morning|evening|summer|winter|weekend|\w+day)"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days"
    r"|(?:once|twice|times) a (?:day|week|month|year)|(?:ever )?since (?:childhood|birth)|years ago)\b"
)

# --- Chinese ----------------------------------------------------------------------------------------------------------

_FAMILY_ZH = any_word("""妹妹? 姐姐? 哥哥? 弟弟? 爸爸? 妈妈? 父亲 母亲 父母 奶奶 爷爷 外婆 外公 姥姥
    姥爷 儿子 女儿 孩子 宝宝 老公 老婆 丈夫 妻子 [男女]朋友 [男女]友 未婚[夫妻] 对象 伴侣 叔叔? 阿姨
    舅舅? 姑姑? [表堂][姐妹哥弟] 孙[子女] 家人 同事 同学 老板 经理 室友 邻居 房东 朋友 狗 猫 宠物 兔子""")  # fmt: skip
_DETAILS_ZH = any_word("""名字 姓名 昵称 生日 地址 住址 手机 电话 号码 邮箱 密码 身份证 护照 预算 工资
    工作 公司 学校 专业 职业 老家 家乡 母语 血压 血型 药 病 医生 牙医 手术 航班 婚礼 纪念日 预产期 爱好
    房租 房子 论文 耳朵 眼睛 膝盖 腰 胃 心脏""")  # fmt: skip
# What may stand between "I" and what is said: "now", "last year", but no question word.
_WHEN_ZH = "[^，。,.!?吗谁哪]{0,8}?"
_DID_ZH = any_word("""叫(?![你他她它]) 姓 住 搬[到去进了家] 要搬 今年.{1,5}岁 出生 长大 毕业 老家
    属[鼠牛虎兔龙蛇马羊猴鸡狗猪] 信.{1,3}教 结婚 离婚 分手 订婚 怀孕 领养 养了?
    有.{0,6}(?:孩子|儿子|女儿|猫|狗|考试|面试|会议|预约|约会) 第[一二三四五两]个孩子 吃[素药]
    [不没][再能]?[吃喝] [吃喝]不了 [不能]能[吃喝] 对.{1,12}过敏 有.{0,4}(?:病|症|过敏|炎|癌)
    (?<!记)得了(?!吧) 诊断 确诊 [做动].{0,6}手术 摔断 扭伤 受伤 骨折 打胰岛素 晕[船车机]
    [^，,]{0,6}听不[见到] 戒 抽烟 会[说讲].{0,6}[语话文] 会.{1,4}[语话] 在学 讨厌 爱[吃喝好看]
    怕(?!是|你) 最?更?不?喜欢(?![这那你它]) 在.{1,12}(?:工作|上班|上学|读书|学习|当|学.|拉.|弹.)
    [换找]了.{0,3}工作 失业 被裁 被解雇 退休 升职 辞职 离职 开一?辆 开了?一?[家个间].{0,4}[店馆司] 攒钱
    考[过上]了? 只能花 最多.{0,4}花 不想花 穿.{1,4}码 是.{0,9}(?:人|师|生|员|妈妈|爸爸|老大|左撇子)$
    是.{0,9}(?:人|师|员|妈妈|爸爸|左撇子)[，,] 换了?(?:邮箱|号码|手机|电话|地址)""")  # fmt: skip
_OWN_ZH = re.compile(
    any_of(
        rf"[我咱](?:们家|们|家)?的?{any_of(_FAMILY_ZH, f'[^，。,.]{{0,6}}?{_DETAILS_ZH}')}",
        rf"[我咱](?:们|家)?{_WHEN_ZH}{_DID_ZH}",
        "我是(?![说想问要不在很真这那觉认开怎为来去从被按根用看因]|个?[啥意]|最)",
        "(?:我家|[我咱]们家)(?![是的]?什么)|我们?刚?[^，。,.]{0,3}(?:签了|申请了|决定(?!不)|卖了|买了|拿到|考上)",
        "我(?:一般|通常|总是|从不|从来不|每[天周月年晚])|我?受不了(?![你这那了])|把.{1,5}卖了",
    )
)
_TO_KEEP_ZH = re.compile(
    any_of(
        "^(?:爸爸?|妈妈?|奶奶|爷爷|外婆|外公|双胞胎|房东|孩子们?|老公|老婆|儿子|女儿)(?![是的]|节)",
        "(?<!不用)(?<!没)(?<!不必)记住(?!了?$)|(?<!不)(?<!还)(?<!否)(?<!你)记得(?:我|要|把)|请记得|(?:别|不要|不能|勿)忘",
        "(?<!不)(?<!没那么)(?<!最)重要的?是[，,]?[你我]|[很非]常?重要|^重要[:：]",
        "(?:密码|门禁|电话|手机号码?|邮箱|生日|地址)[是:：为]|叫我(?!起|一)",
        f"[^，。,.:：这那]{{1,8}}的{any_of(_FAMILY_ZH, _DETAILS_ZH)}(?:是|叫|在|改)",
        "^(?:再|请|帮我|麻烦你?)?记一下|记下来|(?:^|我要|我想|我得)(?:告诉|跟)你(?:说|一声|一下|[，,])|(?:跟|和)你说一[声下]|你[要得应]该?知道",
    )
)
_DATE_ZH = re.compile(
    any_of(
        "(?:下?周|星期|礼拜)[一二三四五六日天]",
        r"[一二三四五六七八九十\d][号日](?!子)",
        r"[一二三四五六七八九十\d]月",
        *("明天.{0,4}点", "下(?:周|个?月|学期)", "每[天周月年晚]"),
    )
)


# Whatever matches has one of these, and to look for them is much faster than the patterns: most texts have none.
_OWN_HINTS = "i |i'|im |ive |my |our |we |we'|mum|mom|dad|grand|granny|the twins|the kids|the baby".split("|")
_KEEP_HINTS = """remember forget note mind important call reach contact text give code pass pin number mail
    combination know tell fyi record write 's allergic pregnant vegetarian vegan diabetic""".split()
_ME_HINTS = "i |i'|my |our |we |we'|us |me ".split("|")
_WHEN_HINTS = """day every next january february march april june july august september october november december may
    since ago times twice once""".split()
_DIGIT = re.compile("[0-9]")


def _has(text: str, hints: list[str]) -> bool:
    for hint in hints:  # noqa: SIM110 - any() is twice as slow for a list that short
        if hint in text:
            return True
    return False


def may_state_fact(plain_text: str) -> bool:
    """Return whether it is worth while to look at the sentences of a text."""
    return (
        _has(plain_text, _OWN_HINTS)
        or _has(plain_text, _KEEP_HINTS)
        or _has(plain_text, _ME_HINTS)
        or not plain_text.isascii()
    )


def states_fact(sentence: str) -> bool:
    """Return whether a plain sentence tells something personal: a fact, a plan or a habit, or "remember that"."""
    if _has(sentence, _OWN_HINTS) and _OWN.search(sentence):
        return True
    if _has(sentence, _KEEP_HINTS) and _TO_KEEP.search(sentence):
        return True
    may_be_dated = _has(sentence, _ME_HINTS) and (_has(sentence, _WHEN_HINTS) or _DIGIT.search(sentence))
    if may_be_dated and _ME.search(sentence) and (_DATE.search(sentence) or _HABIT.search(sentence)):
        return True
    if sentence.isascii():
        return False
    if ("我" in sentence or "咱" in sentence) and (_OWN_ZH.search(sentence) or _DATE_ZH.search(sentence)):
        return True
    return _TO_KEEP_ZH.search(sentence) is not None  # what takes longest comes last
