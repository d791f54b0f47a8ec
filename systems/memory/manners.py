"""Manners: clauses of a message that say only that something is asked, and why.

"I am sorry to ask again, my mind is blank: ..." is polite, but a turn that says so too answers nothing. A clause is
manners if all its words are of grammar or of what people say of asking, of forgetting and of the moment they ask in,
and it is about that: the asker's memory, the trouble made, who wants to know. One word beyond that, as every name is,
and it tells something.
"""

from __future__ import annotations

import re

from systems.memory.sentences import any_of, any_word, plain
from systems.memory.stopwords import WORDS

# Where a clause ends in a text as it was written: the points of "3.5" and of an address end none.
_END = re.compile(r"(?<=[,;:.!?…])\s+|(?:[，；：。！…]|(?<=[？]))\s*|\s+[-–]+\s+|—|\n+")
# The same for a text of ASCII alone: it begins with a space, which lets the search skip all letters.
_END_ASCII = re.compile(r"\s(?:(?<=[,;:.!?]\s)\s*|\s*-+\s+|(?<=\n)\n*)")
# Characters. A longer text was pasted, and is no polite question.
_LONGEST = 1_000
_AROUND = " ,;:.!?…()\"'“”「」"
_HAN = re.compile(r"[\u3400-\u9fff]")

# --- English ----------------------------------------------------------------------------------------------------------

_OF_ASKING = """
remember remembers remembering recall recalling forget forgets forgetting forgot forgotten remind memory mind head brain
tongue tip name names blank empty sieve fog foggy confuse confused confusing mix mixed mixing muddle muddled wrong right
sure certain clear doubt guess guessing idea clue answer answers answering ask asks asked asking question questions know
knows knew known wonder wondered wondering bother bothering trouble troubling nuisance disturb disturbing interrupt pest
sorry apologies apologise apologize pardon excuse forgive promise tell told telling mention mentioned said say speak
check checking double confirm verify look looking looked find finding search searching scroll scrolling think thinking
thought help helps save saves embarrass embarrassed embarrassing silly stupid foolish fool dumb ashamed annoying
maddening frustrating urgent urgently important quick quickly simple small little big stuck slip slipped slips escapes
escaped lost track course shrug shrugged shrugging
"""
_OF_THE_MOMENT = """
one today tonight yesterday tomorrow morning noon afternoon evening night day days week weeks weekend month months
monday tuesday wednesday thursday friday saturday sunday lately recently ages hour hours minute minutes second seconds
moment time times long late early while ago point once twice last first next two middle half whole
somebody someone anybody anyone nobody people everybody everyone others colleague colleagues friend friends family boss
neighbour neighbor neighbours neighbors mother father mum mom dad wife husband partner sister brother son daughter kids
children grandmother grandfather grandma grandpa aunt uncle cousin teacher doctor caller guest guests
form forms line page list letter email mail card message note notes phone telephone call calling ring ringing counter
desk table office work home door breakfast lunch dinner supper coffee meeting bed conversation argument
fill filling filled write writing wrote send sending sent wait waiting stand standing sit sitting talk talking talked
chat chatting come comes came coming go goes going gone went leave leaving start started try trying tried keep keeps
make makes made take takes give gives gave want wants wanted need needs needed like thing things matter matters
good bad terrible awful hopeless useless old older completely totally entirely absolutely simply honestly truly
apparently somehow somewhere able front back rather supposed
"""
_CONTRACTIONS = """
i'm i've i'd i'll it's that's there's isn't won't doesn't don't didn't can't couldn't wouldn't haven't hasn't you're
you've we're we've let's
"""
_SAID = WORDS | frozenset(f"{_OF_ASKING} {_OF_THE_MOMENT} {_CONTRACTIONS}".split())
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_WH = any_word("what where when who whom whose which why how if whether")
_ASKS = re.compile(rf"\b{_WH}\b")
# The asker's own state, and the trouble made: not "I forgot the letter", nor "I am stuck at home".
_ABOUT = re.compile(
    r"\b"
    + any_of(
        any_word(
            """remember recall forget blank tongue embarrass\\w* silly stupid foolish fool idea clue sure certain bother
            troubl(?:e|ing)(?=\\s(?:you|anybody|anyone)) disturb nuisance sorry forgive pardon promise wondering guess
            urgent important annoying maddening frustrating searching scrolling apologi[sz]e shrug(?:ged)?"""
        ),
        r"(?:forgot|forgotten)(?! (?:the|my|an?|to)\b)",
        *(r"stuck(?!.*\b(?:work|home|office)\b)", "(?:mixed|mix) (?:up|things|it|them)", "confused?", "muddled"),
        *("should know", "ought to know", "used to know", "(?:have|having|keep) it clear", "lost track", "lose track"),
        *("slipped my mind", "save me", r"help(?: me| us)?(?: out)?$", "(?:come|came) (?:out|back)", "rather not"),
        r"(?:have|'ve|having) (?:\w+ )?(?:told|mentioned|said|written)\b",
        r"my (?:\w+ )?(?:mind|head|memory|brain)\b",
    )
    + r"\b"
)  # fmt: skip
# Somebody else, of whom only that they ask says nothing.
_ANOTHER = re.compile(
    r"\b(?:(?:my|our|his|her|their|your) (?!(?:own |poor )?(?:mind|head|memory|brain|tongue)\b)|(?:he|she|they)\b)"
)
_ANOTHER_ASKS = re.compile(
    r"(?:(?:and|but|because|since|as|so) )*"
    r"(?:(?:(?:my|our|an?|the|some|one of my) )(?:old )?[\w'-]+|somebody|someone|people|everybody|everyone|they)"
    r"(?: (?:in|at|from|on) (?:the |my |our )?[\w'-]+)? (?:just |was |were |is |are |has |have |keeps? |had )*"
    r"(?:asked|asks|asking|wants? to know|wanted to know|wondering)\b"
    r"(?: (?:me|us|for it|about (?:it|this|that)))*"
)
_IDIOM = re.compile(
    r"\b"
    + any_of(
        *("by any chance", "at some point", "(?:once )?and for all", "once more", "one more time", "help me out"),
        *("for the life of me", "off the top of your head", "i am afraid"),
        "if you (?:would|please|(?:do not|don't) mind)",
    )
    + r"\b",
    re.IGNORECASE,
)  # fmt: skip
# Whatever ASCII matches has one of these, and to look for them is much faster: most texts have none.
_IDIOM_HINTS = """by any |at some |for all|once more|one more |help me |for the |off the |i am |if you """.split("|")
# "My aunt would like to know where ...", "if you could look up for me which ...": what follows is asked.
_LEADS_IN = re.compile(
    r"^\s*"
    + any_of(
        r"(?:(?:my|our|an?|the|some) (?:old )?[\w'-]+|somebody|someone|people|everybody|they) "
        r"(?:(?:wants?|wanted|needs?|would like|would love) to know"
        r"|(?:keeps? asking|is asking|was asking|asked)(?: me| us)?)",
        "if you (?:can|could|would|might)(?: please)? (?:look up|find out|tell me|check|remind me)(?: for me)?",
    )
    + rf"(?= (?:(?:in|at|on|for|with|from|to) )?{_WH}\b)",
    re.IGNORECASE,
)

# --- Chinese ----------------------------------------------------------------------------------------------------------

_GRAMMAR_ZH = """
我 你 您 他 她 们 自己 别人 人家 有人 大家 的 了 着 过 是 在 就 都 也 又 还 才 只 很 太 真 好 挺 可 可是 但 但是 不过
而 所以 因为 偏偏 却 却是 再 把 被 让 给 跟 和 对 向 从 到 得 地 吧 啊 呀 嘛 哦 一 个 点 些 这 那 件 事 么 想 要 会 能
可以 应该 本来 本 该 当然 完全 有点 有 没 没有 不 别 来 去 上 里 中 前 后 时候 之前 以前 以后 时 下 一下 免得 省得
为了 如果 要是 只好 正 刚 刚好 突然 实在 居然 竟然 肯定 一定 可能 大概 好像 似的 那儿 那里 这儿 这里 结果 其实 老 总
就是 各 快
"""
_OF_ASKING_ZH = """
忘记 忘 记不清 记不得 记不住 记不起来 记得 记混 记错 记 想不起来 想不起 想起来 想起 记性 记忆 脑子 脑袋 大脑 一片空白
空白 一团糟 一团浆糊 浆糊 糊涂 搞混 弄混 搞错 弄错 说错 混 拿不准 不确定 没把握 印象 答不上来 答不上 回答 答 问起 问到
问 说不出来 说不上来 说不出 嘴边 话 卡住 卡壳 卡 愣住 愣 麻烦 打扰 打搅 烦 不好意思 抱歉 对不起 原谅 请 求 拜托 帮忙
帮帮 帮 告诉 提醒 提过 提到 说过 讲过 写过 知道 确认 确定 核对 核实 查 翻 找 保证 最后 次 回 重要 要紧 急 着急 急死
逼疯 气死 尴尬 丢脸 丢人 出丑 笑话 乱猜 瞎猜 猜 瞎说 瞎编 敢 心里 心思 琢磨 清楚 明白 方便
"""
_OF_THE_MOMENT_ZH = """
今天 今晚 昨天 昨晚 前天 早上 上午 中午 下午 晚上 刚才 刚刚 最近 这几天 前几天 前阵子 上次 上周 周末 一整天 整天 半天
一天 一会儿 小时 钟头 分钟 好久 一直 一路 办公室 公司 单位 家里 电话 饭桌 桌上 群里 路上 会上 柜台 表格 表 单子 问卷
信 邮件 卡片 贺卡 清单 写 填 打 发 说 讲 聊 人 吃饭 喝咖啡 出门 睡觉 用 用到 做 别的 事情 小事 年纪 岁数 老了 随口
"""
_PEOPLE_ZH = """
同事 朋友 老师 家人 家里人 爸爸 妈妈 爸 妈 爷爷 奶奶 外公 外婆 老公 老婆 孩子 邻居 老板 客户 亲戚 哥哥 姐姐 弟弟 妹妹
叔叔 阿姨
"""


def _longest_first(words: str) -> re.Pattern[str]:
    return re.compile(any_of(*sorted(set(words.split()), key=len, reverse=True)))


_SAID_ZH = _longest_first(_GRAMMAR_ZH + _OF_ASKING_ZH + _OF_THE_MOMENT_ZH)
_SAID_OF_PEOPLE_ZH = _longest_first(_GRAMMAR_ZH + _OF_ASKING_ZH + _OF_THE_MOMENT_ZH + _PEOPLE_ZH)
_ABOUT_ZH = re.compile(
    any_word(
        """忘 记不 记性 记忆 记混 记错 想不起 想起 脑子 脑袋 大脑 空白 糊涂 搞混 弄混 搞错 弄错 说错 拿不准
        不确定 没把握 印象 答不上 说不出 说不上 嘴边 卡住 卡壳 卡在 愣 麻烦 打扰 打搅 烦你 不好意思 抱歉
        对不起 拜托 求你 帮帮 帮忙 帮我 提过 提到 说过 讲过 写过 告诉过 问我 问问 问起 确认 核对 核实 查一
        翻一 保证 要紧 重要 急死 逼疯 气死 尴尬 丢脸 丢人 出丑 笑话 乱猜 瞎猜 琢磨 清楚 明白 方便的话"""
    )
)
# "Somebody at the office asked me", "my daughter wants to know": where, and who, is no matter.
_ANOTHER_ASKS_ZH = re.compile(".{0,8}有人(?:正|在)*问(?:起|到)?(?:过?我们?)?(?:这件?事)?|.{1,6}(?:很|也|都)?想知道")
_ASKS_ZH = re.compile("什么|哪|谁|几(?!天)|多少|怎么|为何|是不是|有没有|[吗呢]$")


def is_manners(clause: str) -> bool:
    """Return whether ``clause``, in the spelling of `sentences.plain`, is manners only."""
    clause = clause.strip(_AROUND)
    if not clause.isascii() and _HAN.search(clause):
        # What most clauses fail is asked first, wherever the order makes no difference.
        if ("问" in clause or "知道" in clause) and _ANOTHER_ASKS_ZH.fullmatch(clause):
            return _ASKS_ZH.search(clause) is None
        if _ABOUT_ZH.search(clause) is None or _ASKS_ZH.search(clause):
            return False
        said = _SAID_OF_PEOPLE_ZH if "问" in clause else _SAID_ZH
        return not said.sub("", clause)
    asks = _ANOTHER_ASKS.match(clause) if "ask" in clause or "want" in clause or "wondering" in clause else None
    rest = clause[asks.end() :] if asks else clause
    if not _SAID.issuperset(_WORD.findall(rest)) or _ASKS.search(clause) or _ANOTHER.search(rest):
        return False
    return asks is not None or _ABOUT.search(clause) is not None


def point(text: str) -> str:
    """Return ``text`` without manners, or as it is if nothing else is in it, or if it is very long.

    Beside manners, a clause that says nothing but in which moment one asks goes as well: "I am at the counter".
    """
    if len(text) > _LONGEST:
        return text
    clauses = [clause for clause in (_END_ASCII if text.isascii() else _END).split(text) if clause]
    kept = [clause for clause in clauses if not is_manners(plain(clause))]
    if len(kept) < len(clauses):
        kept = [clause for clause in kept if not _is_of_the_moment(plain(clause))]
    pointed = [_without_idioms(_LEADS_IN.sub(" ", clause)) for clause in kept]
    return text if not kept or pointed == clauses else " ".join(pointed)


def _without_idioms(clause: str) -> str:
    lower = clause.lower()
    if clause.isascii() and not any(hint in lower for hint in _IDIOM_HINTS):
        return clause
    return _IDIOM.sub(" ", clause)


def _is_of_the_moment(clause: str) -> bool:
    if clause.rstrip().endswith("?"):
        return False
    clause = clause.strip(_AROUND)
    if _HAN.search(clause):
        return not _SAID_ZH.sub("", clause) and not _ASKS_ZH.search(clause)
    return _SAID.issuperset(_WORD.findall(clause)) and not _ASKS.search(clause)
