"""What people tell of themselves and of theirs, in English and Chinese.

Names, health, family, pets, homes, work, school, tastes, numbers and codes, plans with a date, and "remember that".

The patterns are written for sentences in plain spelling (``systems.memory.sentences``); they look at words, not at
meaning, and leave questions to ``systems.memory.asking``. Every repetition in them is bounded, so that a long text
costs no more than its length.
"""

from __future__ import annotations

import re


def _any(*alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives)})"


# --- English ----------------------------------------------------------------------------------------------------------

_DETAILS = _any(
    *"name surname nickname pronouns? birthday address number password passcode pin e-?mail passport nationality".split(),
    *"job employer company school university degree major thesis salary budget rent mortgage home house flat".split(),
    *"apartment hometown religion hobby hobbies favou?rite allerg(?:y|ies) medications? medicines? diagnosis diet".split(),
    *"surgery operation appointment flight wedding anniversary honeymoon doctor dentist therapist".split(),
    *("birth date", "due date", "mother tongue", "native language", "blood (?:type|pressure)"),
)
_FAMILY = _any(
    *"sisters? brothers? mother father mum mom dad parents wife husband spouse sons? daughters? partner boyfriend".split(),
    *"girlfriend fianc[eé]e? child children kids? baby twins grann?y aunt uncle cousins? nieces? nephews? family".split(),
    *"step[a-z]+ [a-z]+-in-law grand(?:mother|father|ma|pa|son|daughter|parents|child|children) ex friends?".split(),
    *"colleagues? co-?workers? boss manager neighbou?rs? roommates? flatmates? teacher landlord landlady".split(),
    *"dogs? cats? pupp(?:y|ies) kittens? rabbits? hamster horse parrot tortoise pets?".split(),
)
# "My new phone number", "my late grandmother": up to two words stand between.
_MINE = rf"(?:my|our) (?:[\w'-]+ ){{0,2}}?(?:{_DETAILS}|{_FAMILY})\b"

_STATES = _any(
    *"allergic vegetarian vegan pregnant diabetic deaf blind colou?r-?blind left-handed lactose gluten coeliac".split(),
    *"celiac autistic dyslexic married single divorced engaged widowed retired unemployed self-employed".split(),
    *"bilingual jewish muslim christian hindu born moving studying learning dating expecting named called".split(),
    *("from ", "originally from", "getting (?:married|divorced)", "having (?:a baby|twins|surgery|an operation)"),
    *("on (?:a diet|medication|insulin|antibiotics)", "taking (?:medic|insulin|antibiotics|pills)", "afraid of"),
    *("training for", "working (?:as|at|for)", "saving for", r"\d{1,3}(?= years|-year|$|,| now)"),
    r"an? (?!bit\b|little\b|lot\b|few\b|while\b|fool\b|mess\b|idiot\b)[\w-]+",
)
_DEGREE = "(?:(?:not|no longer|now|also|still|really|very|severely|slightly|highly|even|a|bit|so|currently|always) )*"
_OWNED = _any(
    *"dogs? cats? pupp(?:y|ies) kittens? horses? pets? child children kids? sons? daughters? brothers? sisters?".split(),
    *"siblings? twins grandchildren boyfriend girlfriend partner diabetes asthma cancer epilepsy adhd migraines?".split(),
    *"allerg(?:y|ies) arthritis depression anxiety intolerance condition exams? appointments? interviews?".split(),
    *"flights? meetings? surgery wedding degree phobia".split(),
)
_TASTE = r"(?!(?:it|that|this|these|those|your|you|how|what|when|the (?:answer|idea|way|first|second|last)|to know)\b)"
_DID = _any(
    r"(?:used to |also |still |now |currently |just |recently |have |'ve |had |once )*"
    + _any(
        *("live(?:d|s)? (?:in|on|at|near|with|alone|next|by|above|close|outside|here|there|across)", "moved?\\b"),
        *("work(?:ed)? (?:as|at|for|in|with|from|part|full|nights|on)", "was born", "stud(?:y|ied)\\b", "graduated"),
        *("majored", "speak\\b", "teach\\b", "smoked?\\b", "quit\\b", "retired", "adopted", "inherited", "turned? \\d"),
        *("am called", "go by", "drive an?", "own an?", "play (?:the|in)", "grew up", "come from", "was diagnosed"),
        "got (?:a (?:new )?(?:job|dog|cat|puppy|kitten|promotion|raise)|married|engaged|divorced|fired|promoted)",
        *("got (?:laid off|pregnant)", "lost my", "broke (?:my|up)", "had (?:a baby|twins|surgery)", "gave birth"),
        *("was (?:laid off|fired|promoted|hired)", "been (?:married|together|working|living|a )", "started (?:a|my)"),
        *(
            "takes? (?:insulin|medic|pills|metformin)",
            "bought (?:a|an|my|our) (?:new )?(?:house|flat|car|home|dog|cat)",
        ),
    ),
)
# The lookbehinds keep "if I", "do I" and "should I" out: they suppose or ask.
_I = (
    r"i(?<!if i)(?<!do i)(?<!can i)(?<!did i)(?<!should i)(?:"
    rf"(?:'?m| am) {_DEGREE}{_STATES}\b"
    rf"|(?:'?ve got| have(?: got)?| got) (?:(?!(?:to|question|problem|idea|clue|about)\b)[\w'-]+ ){{0,3}}?{_OWNED}\b"
    rf"|(?:'ve)? {_DID}"
    rf"|(?: really| absolutely| also| still)? (?:love|hate|prefer|enjoy|adore|dislike) {_TASTE}\w"
    rf"|(?: really| also| still)?(?: do not| don'?t| can'?t| cannot| never| only)? (?:like|eat|drink|stand) {_TASTE}\w"
    r"|(?: do not| don'?t| can'?t) want to (?:spend|pay)| can(?: only)? (?:spend|pay|afford)| collect "
    r")"
)
_WE = r"we(?:(?:'re| are) (?:moving|getting|expecting|having|engaged|married)|(?:'ve)? " + _DID + ")"
_KEEP = _any(
    r"(?:^|[,;:] ?|please |and |always |must |should )(?:remember|note|keep in mind|bear in mind)"
    r"(?::| (?:that|i|i'm|my|to|this|we)\b)",
    r"(?:don'?t|do not|never|can'?t|mustn't) forget (?:that|to|i\b|i'm|my|we|the|it|this|about)",
    r"(?:don'?t|do not|never) forget[:,]|never forget$",
    r"\b(?:it'?s|this is|that'?s|is) (?:very |really |so )?important (?:that|to me|for me)",
    r"^important[:,]|very important$",
    r"call me (?!back\b|later\b|when|if\b|in\b|on\b|at\b|tomorrow|tonight|now\b|again|a taxi|crazy|an? )\w",
    r"(?:reach|contact|e-?mail|text) me (?:at|on|under)",
    r"\b(?:code|password|passcode|pin|phone number|e-?mail address|combination)(?: (?:at|for|of|to)(?: [\w'-]+){1,3})?"
    r"(?: is| are|:|=) ",
    r"\b(?!that's|what's|today's|it's)\w+'s (?:birthday|phone number|number|e-?mail|address|wedding|funeral|due date)"
    r"(?: is\b| was\b|:)",
    r"\b(?:he|she|they)(?:'s|'re| is| are| was) (?:\w+ )?(?:allergic|pregnant|vegetarian|vegan|diabetic)\b",
)
_ENGLISH = re.compile(_any(rf"\b{_any(_MINE, _I, _WE)}", _KEEP))

_PLAN = re.compile(
    r"\b(?:i|we)(?:'m|'re|'ll|'ve| am| are| will| have| need to| must| fly| leave| start| travel)\b|\b(?:my|our) "
)
_DATE = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:january|february|march|april|june|july|august|september|october"
    r"|november|december)|may \d|\d(?:st|nd|rd|th)?(?: of)? may"
    r"|next (?:week|month|year|weekend|spring|summer|autumn|winter)|\d{1,2}(?:st|nd|rd|th)"
    r"|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?)\b"
)

# --- Chinese ----------------------------------------------------------------------------------------------------------

_FAMILY_ZH = _any(
    *"妹妹? 姐姐? 哥哥? 弟弟? 爸爸? 妈妈? 父亲 母亲 父母 奶奶 爷爷 外婆 外公 姥姥 姥爷 儿子 女儿 孩子 宝宝 老公 老婆".split(),
    *"丈夫 妻子 [男女]朋友 [男女]友 未婚[夫妻] 对象 伴侣 叔叔? 阿姨 舅舅? 姑姑? [表堂][姐妹哥弟] 孙[子女] 家人".split(),
    *"同事 同学 老板 经理 室友 邻居 房东 朋友 狗 猫 宠物 兔子".split(),
)
_DETAILS_ZH = _any(
    *"名字 姓名 昵称 生日 地址 住址 手机 电话 号码 邮箱 密码 身份证 护照 预算 工资 工作 公司 学校 专业 职业 老家".split(),
    *"家乡 母语 血压 血型 药 病 医生 牙医 手术 航班 婚礼 纪念日 预产期 爱好 房租 房子".split(),
)
# What may stand between "I" and what is said: "now", "last year", but no question word.
_WHEN_ZH = "[^，。,.!?吗谁哪]{0,8}?"
_DID_ZH = _any(
    *"叫(?![你他她它]) 姓 住 搬[到去进了家] 要搬 今年.{1,5}岁 出生 毕业 老家 属[鼠牛虎兔龙蛇马羊猴鸡狗猪] 信.{1,3}教".split(),
    *"结婚 离婚 分手 订婚 怀孕 领养 养了? 有.{0,6}(?:孩子|儿子|女儿|猫|狗|考试|面试|会议|预约|约会)".split(),
    *"吃[素药] 不[再能]?[吃喝] 对.{1,12}过敏 有.{0,4}(?:病|症|过敏|炎|癌) (?<!记)得了(?!吧) 确诊 [做动].{0,6}手术".split(),
    *"摔断 骨折 [^，,]{0,6}听不[见到] 戒 抽烟 会[说讲].{0,6}[语话文] 会.{1,4}[语话] 在学 讨厌 爱[吃喝好看]".split(),
    *"最?更?不?喜欢(?![这那你它]) 在.{1,12}(?:工作|上班|上学|读书|学习|当|学.|拉.|弹.) [换找]了.{0,3}工作".split(),
    *"失业 被裁 被解雇 退休 升职 辞职 离职 开一?辆 只能花 最多.{0,4}花 不想花".split(),
    *"是.{0,9}(?:人|师|生|员|妈妈|爸爸|左撇子|长大的)$ 是.{0,9}(?:人|师|员|妈妈|爸爸|左撇子)[，,]".split(),
)
_CHINESE = re.compile(
    rf"(?:我|咱)(?:们|家)?(?:的)?(?:{_FAMILY_ZH}|(?:[^，。,.]{{0,6}}?){_DETAILS_ZH})"
    rf"|(?:我|咱)(?:们|家)?{_WHEN_ZH}{_DID_ZH}"
    r"|(?<!不用)(?<!没)(?<!不必)记住(?!了?$)|(?<!不)(?<!还)(?<!否)(?<!你)记得(?:我|要|把)|请记得|(?:别|不要|不能|勿)忘"
    r"|(?<!不)(?<!没那么)(?<!最)重要的?是[，,]?[你我]|[很非]常?重要|^重要[:：]"
    r"|(?:密码|门禁|电话|手机号码?|邮箱|生日|地址)[是:：为]|请?叫我(?!起|一)"
)
_PLAN_ZH = re.compile("我|咱")
_DATE_ZH = re.compile(
    r"(?:下?周|星期|礼拜)[一二三四五六日天]|[一二三四五六七八九十\d][号日](?!子)|[一二三四五六七八九十\d]月|明天.{0,4}点|下(?:周|个?月|学期)"
)


def states_fact(sentence: str) -> bool:
    """Return whether a plain sentence says something personal: a fact, a plan with a date, or "remember that"."""
    if _ENGLISH.search(sentence) or (_PLAN.search(sentence) and _DATE.search(sentence)):
        return True
    if sentence.isascii():
        return False
    return _CHINESE.search(sentence) is not None or (
        _PLAN_ZH.search(sentence) is not None and _DATE_ZH.search(sentence) is not None
    )
