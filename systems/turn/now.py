"""Whether the answer to a message depends on when it is asked, or on the state of the machine; and what to say of them.

A few words of English and Chinese, found in a microsecond or two. A word too many only costs a cached reply its minute;
a word too few would serve the answer of half an hour ago.
"""

from __future__ import annotations

import re
import string

from systems.interface import Observed

_ALWAYS = frozenset(
    b"now nowadays today tonight tomorrow yesterday current currently latest recent recently lately ago until till "
    b"since already clock weather forecast temperature rain raining snow snowing sunny news headlines "
    b"cpu ram memory disk disc ssd space storage processor battery uptime".split()
)
# Only after one of the words below: "this week", "what time", "how old", "my computer", but not "a week", "long ways".
_AFTER = frozenset(
    b"time date day hour minute morning afternoon evening night week weekday weekend month year season "
    b"monday tuesday wednesday thursday friday saturday sunday moment late long old "
    b"computer machine laptop pc phone device system drive days weeks months age left".split()
)
_BEFORE = frozenset(b"this next last coming what which the it how my your many are is time".split())
_EITHER = _ALWAYS | _AFTER
# Words are looked for as bytes, which is twice as fast: what is no letter is a space, letters are in lower case.
_SPACES = bytes(ord(letter.lower()) if (letter := chr(byte)) in string.ascii_letters else 32 for byte in range(256))

# Every alternative begins with a plain character, which lets the search skip whatever begins none of them.
_CHINESE = re.compile(
    "现在|現在|这会儿|這會兒|几时|幾時|多少天|多少岁|多少歲|目前|当前|當前|此刻|今天|今日|今晚|今早|今年|今夜|明天|明日|明晚|明早|明年|昨天|昨日|昨晚|昨夜|前天|后天|後天|去年|"
    "这周|这个?星期|这个?月|這週|這個?星期|這個?月|本周|本週|本月|上周|上週|上个?星期|上個星期|上个?月|上個月|"
    "下周|下週|下个?星期|下個星期|下个?月|下個月|几点|幾點|几号|幾號|几月|幾月|几天|幾天|几岁|幾歲|周几|週幾|星期几|星期幾|礼拜几|禮拜幾|"
    "时间|時間|日期|多久|多长|多長|多大|刚才|剛才|最近|最新|已经|已經|天气|天氣|气温|氣溫|下雨|下雪|新闻|新聞|"
    "电脑|電腦|机器|機器|系统|系統|内存|記憶體|硬盘|硬盤|硬碟|磁盘|磁碟|处理器|處理器|存储|电池|電池|电量|電量"
)

# What is told of the clock and the machine in a prompt is asked for more plainly than this: a model that is told the
# time with "How old is she?" may well answer with the time.
_CLOCK = re.compile(
    r"\b(?:what|which)(?:['’]s| is| was)?(?: the| your)?(?: current| exact| local| right)? "
    r"(?:time|hour|date|day|weekday|month|year)\b(?! (?:did|do|does|was|were|will|should|can|are|has|have))"
    r"|\b(?:time|day|date) (?:is it|it is|is today|now)\b|\bhow late is it\b|\btoday['’]?s date\b|\bthe time,? please\b"
    r"|几点|幾點|几号|幾號|几月|幾月|(?:星期|礼拜|禮拜|周|週)[几幾]|今[天日]是|(?:什么|什麼|现在|現在|当前|當前)的?(?:时间|時間|日期)",
    re.IGNORECASE,
)
_PARTS = r"(?:cpu|ram|memory|dis[kc]|ssd|hard drive|storage|processor|computer|machine|laptop|pc)"
_MACHINE = re.compile(
    rf"\bhow (?:full|busy|much|loaded|is|are)\b[^.!?]*\b{_PARTS}\b|\b{_PARTS} (?:use|usage|load|space|state|status)\b"
    rf"|\b(?:is|are) (?:my|the|this|your) {_PARTS}\b[^.!?]*\b(?:full|busy|free|loaded|enough)\b"
    rf"|\b(?:is|are) there\b[^.!?]*\b(?:free|enough|left)\b[^.!?]*\b{_PARTS}\b"
    r"|(?:cpu|内存|記憶體|硬盘|硬盤|硬碟|磁盘|磁碟|处理器|處理器|电脑|電腦|机器|機器)[^。！？]*(?:多少|[几幾满滿够夠忙占佔剩])",
    re.IGNORECASE,
)


# Whatever matches has one of these, and to look for them takes a tenth of the time: most texts have none.
_CLOCK_HINTS = "time hour date day month year late 几 幾 今 时间 時間 日期".split()
_MACHINE_HINTS = """cpu ram memory disk disc ssd drive storage processor computer machine laptop pc 内存 記憶體 硬 磁
    处理器 處理器 电脑 電腦 机器 機器""".split()


def asked_of_now(text: str, observed: Observed) -> list[str]:
    """Return what ``text`` asks of the clock and the machine, each as a sentence.

    Whatever it asks for, `depends_on_now` knows.
    """
    if not depends_on_now(text):
        return []
    told = []
    lower = text.lower()
    if any(hint in lower for hint in _CLOCK_HINTS) and _CLOCK.search(text):
        told.append(f"The date and time now: {observed.clock}.")
    if any(hint in lower for hint in _MACHINE_HINTS) and _MACHINE.search(text):
        told.append(f"The state of this computer now: {observed.system}.")
    return told


def depends_on_now(text: str) -> bool:
    """Return whether the answer to ``text`` may be another one a minute later, or when the machine does other work."""
    words = text.encode("ascii", "replace").translate(_SPACES).split()
    if not _EITHER.isdisjoint(words) and any(
        word in _ALWAYS or (word in _AFTER and before in _BEFORE)
        for before, word in zip([b"", *words], words, strict=False)
    ):
        return True
    return not text.isascii() and _CHINESE.search(text) is not None
