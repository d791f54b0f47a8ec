"""What the reader learns to read in Chinese beside the sentences of the workload: see `experiments.reader.english`."""

from __future__ import annotations

import msgspec

from experiments.workloads.remembering.chinese import CHINESE
from experiments.workloads.remembering.words import Attribute

_NOW = ("现在{}", "如今{}", "目前{}", "从现在起{}", "{}了")


def _now(*clauses: str) -> tuple[str, ...]:
    """Return every clause with all that says that it holds now."""
    return tuple(marker.replace("{}", clause) for clause in clauses for marker in _NOW)


WIDER_CHINESE = msgspec.structs.replace(
    CHINESE,
    attributes={
        "home": Attribute(
            value="town",
            state=("{S}的家在{V}", "{S}居住在{V}", "{S}家住{V}"),
            change=(
                *_now("{S}住在{V}", "{P}家在{V}"),
                "{S}如今住在{V}",
                "{S}搬到了{V}",
                "{S}已经搬到{V}了",
                "{S}从{O}搬到了{V}",
                "{P}新家在{V}",
                "{S}以前住在{O}，现在住在{V}",
            ),
            deny=(
                "{S}已经不住在{O}了",
                "{S}不住在{O}了",
                "{S}已经离开{O}了",
                "{S}离开了{O}",
                "{S}搬离了{O}",
                "{P}家已经不在{O}了",
                "{S}不再住在{O}",
            ),
            ask=("{S}现在住在哪里", "{S}住在什么地方", "{S}住哪儿", "{P}家现在在哪里"),
        ),
        "job": Attribute(
            value="job",
            state=("{S}当{V}", "{S}做的工作是{V}", "{S}从事的职业是{V}"),
            change=(
                *_now("{P}工作是{V}", "{S}是一名{V}"),
                "{P}新工作是{V}",
                "{S}当上了{V}",
                "{P}工作从{O}换成了{V}",
                "{S}以前是{O}，现在是{V}",
            ),
            deny=(
                "{P}工作已经不是{O}了",
                "{P}工作不是{O}了",
                "{S}已经不是{O}了",
                "{S}不当{O}了",
                "{S}不再当{O}",
            ),
            ask=("{S}现在做什么工作", "{P}职业是什么", "{P}工作现在是什么"),
        ),
        "employer": Attribute(
            value="firm",
            state=("{S}在{V}工作", "{S}工作的地方是{V}", "{S}给{V}干活"),
            change=(
                *_now("{S}在{V}上班", "{P}单位是{V}"),
                "{P}新单位是{V}",
                "{S}换到{V}上班了",
                "{P}单位从{O}换成了{V}",
                "{S}以前在{O}上班，现在在{V}上班",
            ),
            deny=(
                "{S}已经不在{O}上班了",
                "{S}不在{O}上班了",
                "{P}单位已经不是{O}了",
                "{S}辞去了{O}的工作",
                "{S}不再给{O}干活",
            ),
            ask=("{S}现在在哪里上班", "{S}在哪家单位工作", "{P}单位现在是哪里"),
        ),
        "dog": Attribute(
            value="pet",
            state=("{P}狗名叫{V}", "{P}狗名字叫{V}", "{S}家的狗叫{V}"),
            change=(
                *_now("{P}狗叫{V}", "{P}狗的名字是{V}"),
                "{P}新狗叫{V}",
                "{P}狗改名叫{V}了",
                "{P}狗从{O}改名叫{V}",
                "{P}狗以前叫{O}，现在叫{V}",
            ),
            deny=(
                "{P}狗已经不叫{O}了",
                "{P}狗不叫{O}了",
                "{S}已经不养{O}了",
                "{S}把狗{O}送人了",
                "{P}狗不再叫{O}",
            ),
            ask=("{P}狗现在叫什么", "{P}狗叫什么名字", "{S}家的狗叫什么"),
        ),
        "birthday": Attribute(
            value="day",
            state=("{S}的生日在{V}", "{S}生日是{V}", "{S}过生日是在{V}"),
            change=(
                *_now("{P}生日是{V}", "{S}在{V}过生日"),
                "{P}生日改到{V}了",
                "{P}生日从{O}改到了{V}",
                "{P}生日以前是{O}，现在是{V}",
            ),
            deny=("{P}生日已经不是{O}了", "{P}生日不是{O}了", "{S}已经不在{O}过生日了", "{S}不在{O}过生日了"),
            ask=("{P}生日是什么时候", "{S}什么时候过生日", "{P}生日现在是哪天"),
        ),
        "dish": Attribute(
            value="dish",
            state=("{S}爱吃{V}", "{S}喜欢吃{V}", "{P}最爱是{V}"),
            change=(
                *_now("{S}最爱吃{V}", "{S}最喜欢的菜是{V}"),
                "{S}如今爱吃{V}",
                "{S}最喜欢的菜换成了{V}",
                "{S}以前爱吃{O}，现在爱吃{V}",
            ),
            deny=("{S}已经不爱吃{O}了", "{S}不爱吃{O}了", "{S}最喜欢的菜已经不是{O}了", "{S}不再喜欢吃{O}"),
            ask=("{S}现在最爱吃什么", "{S}喜欢吃什么", "{S}爱吃什么菜"),
        ),
        "code": Attribute(
            value="code",
            state=("{P}门锁用{V}打开", "{P}门密码是{V}", "{S}开门用{V}"),
            change=(
                *_now("{P}门锁密码是{V}", "{S}开门的密码是{V}"),
                "{P}新密码是{V}",
                "{P}门锁密码换成了{V}",
                "{P}门锁密码从{O}换成了{V}",
                "{P}门锁密码以前是{O}，现在是{V}",
            ),
            deny=("{P}门锁密码已经不是{O}了", "{P}门锁密码不是{O}了", "{S}开门已经不用{O}了", "{S}开门不再用{O}"),
            ask=("{P}门锁密码现在是多少", "{P}门密码是多少", "{S}开门用什么密码"),
        ),
        "doctor": Attribute(
            value="person",
            state=("{P}医生叫{V}", "{S}的医生是{V}", "{S}找{V}看病"),
            change=(
                *_now("{P}医生是{V}", "{S}看病找{V}"),
                "{P}新医生是{V}",
                "{P}医生换成了{V}",
                "{P}医生从{O}换成了{V}",
                "{S}以前看病找{O}，现在找{V}",
            ),
            deny=("{P}医生已经不是{O}了", "{P}医生不是{O}了", "{S}看病已经不找{O}了", "{S}不再找{O}看病"),
            ask=("{P}医生现在是谁", "{P}医生叫什么名字", "{S}现在看病找谁"),
        ),
    },
    telling=(*CHINESE.telling, "{core}", "{core}！", "对了，{core}。", "你好，{core}。", "好消息：{core}。"),
    asking=(*CHINESE.asking, "{core}", "那{core}？", "你好，{core}？", "提醒我一下，{core}？"),
    small_talk=(
        *CHINESE.small_talk,
        "你好！",
        "早上好。",
        "晚上好！",
        "谢谢！",
        "非常感谢。",
        "听起来不错。",
        "回头见。",
        "我现在要去睡觉了。",
        "{N}今天早上问起了你。",
        "我的伞已经不能用了。",
    ),
)
