"""Conversations in English and Chinese with scripted replies: the same words for every system.

Unless `repeated` is asked for, no question is asked twice in one workload, so a response cache gains nothing that real
users would not give it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from experiments.measuring.workload import Turn
from experiments.workloads.traces import zipf
from systems.interface import Observed

_NAMES = (
    "Anna Boris Carla David Elena Felix Greta Hugo Irene Jonas Katya Leon Maria Nils Olga Paul Quinn Rosa Stefan Tara "
    "Ulrich Vera Walter Xenia Yusuf Zoe Amina Bruno Chloe Dario"
).split()
_RELATIONS = "sister brother cousin neighbour teacher colleague aunt uncle friend landlord".split()
_PLACES = (
    "Lisbon Oslo Krakow Porto Ghent Turin Malmo Graz Split Cork Bergen Lyon Riga Seville Trieste Utrecht Basel Leeds "
    "Aarhus Gdansk"
).split()
_THINGS = "bees tomatoes old radios chess books bicycles maps guitars orchids stamps pigeons clocks".split()
_MONTHS = "January February March April May June July August September October November December".split()

_NAMES_ZH = (
    "王芳 李伟 张敏 刘洋 陈静 杨帆 赵磊 黄丽 周杰 吴倩 徐涛 孙悦 马超 朱琳 胡军 郭雪 何勇 林娜 高峰 罗兰".split()
)
_RELATIONS_ZH = "姐姐 弟弟 表哥 邻居 老师 同事 阿姨 叔叔 朋友 房东".split()
_PLACES_ZH = "杭州 成都 西安 苏州 青岛 厦门 昆明 大连 长沙 桂林 洛阳 无锡 宁波 福州 南昌 合肥".split()
_THINGS_ZH = "蜜蜂 番茄 旧收音机 棋谱 自行车 地图 吉他 兰花 邮票 鸽子 钟表 茶壶".split()

_ENGLISH = (
    "Please remember that my {relation} {name} moved to {place} in {month} and looks after {number} {things}; what "
    "would be a good present to bring when I visit them next week?",
    "My {relation} {name} from {place} wrote to me in {month} about {number} {things} that have to be sold; how should "
    "I answer the letter without sounding impatient or cold?",
    "In {month} I want to travel to {place} with my {relation} {name} and see {number} {things} there; which three "
    "things should we arrange before we leave home?",
)
_ENGLISH_REPLY = (
    "For {name} in {place} I would begin with something small and personal: a book about {things}, a photograph of you "
    "both, and enough time in {month} to talk about the {number} {things} without any hurry at all."
)
_CHINESE = (
    "请记住，我的{relation}{name}{month}月搬到了{place}，在那里照看{number}件{things}。下星期我去看望，带什么礼物比较合适？",
    "我在{place}的{relation}{name}{month}月写信说，有{number}件{things}要卖掉。我该怎么回信，才不显得着急或者冷淡？",
    "{month}月我想和{relation}{name}一起去{place}，看看那里的{number}件{things}。出发之前应该先安排好哪三件事情？",
)
_CHINESE_REPLY = (
    "给在{place}的{name}，我建议先准备一份小而贴心的礼物：一本关于{things}的书，一张你们的合影，再留出{month}月里的一个下午，"
    "不慌不忙地聊一聊那{number}件{things}的事情，这样对方一定会觉得很温暖。"
)


def conversations(seed: int, users: int, turns: int) -> list[list[Turn]]:
    """Return ``turns`` planned turns for each of ``users``; even users speak English, odd ones Chinese."""
    rng = random.Random(f"conversations {seed}")
    seen: set[str] = set()
    return [[_fresh(rng, seen, chinese=user % 2 == 1) for _ in range(turns)] for user in range(users)]


def in_english(seed: int, users: int, turns: int) -> list[list[Turn]]:
    """Return the same for users who all speak English."""
    rng = random.Random(f"conversations in English {seed}")
    seen: set[str] = set()
    return [[_fresh(rng, seen, chinese=False) for _ in range(turns)] for _ in range(users)]


def repeated(pools: Sequence[Sequence[Turn]], seed: int, turns: int, exponent: float) -> list[list[Turn]]:
    """Return ``turns`` turns a user, drawn from the user's pool, the k-th with a chance proportional to k^-exponent.

    All pools are of one size.
    """
    users, questions = len(pools), len(pools[0])
    drawn = zipf(seed, users * turns, questions, exponent)
    return [[pool[drawn[user * turns + turn]] for turn in range(turns)] for user, pool in enumerate(pools)]


def sentences(seed: int) -> Iterator[str]:
    """Yield questions without end, English and Chinese in turn, none twice."""
    rng = random.Random(f"sentences {seed}")
    seen: set[str] = set()
    while True:
        yield _fresh(rng, seen, chinese=len(seen) % 2 == 1).text


def _fresh(rng: random.Random, seen: set[str], *, chinese: bool) -> Turn:
    while True:
        turn = _turn(rng, chinese=chinese)
        if turn.text not in seen:
            seen.add(turn.text)
            return turn


def _turn(rng: random.Random, *, chinese: bool) -> Turn:
    number = rng.randrange(2, 1000)
    if chinese:
        slots = {
            "name": rng.choice(_NAMES_ZH),
            "relation": rng.choice(_RELATIONS_ZH),
            "place": rng.choice(_PLACES_ZH),
            "things": rng.choice(_THINGS_ZH),
            "month": str(rng.randrange(1, 13)),
        }
        question, reply = rng.choice(_CHINESE), _CHINESE_REPLY
    else:
        slots = {
            "name": rng.choice(_NAMES),
            "relation": rng.choice(_RELATIONS),
            "place": rng.choice(_PLACES),
            "things": rng.choice(_THINGS),
            "month": rng.choice(_MONTHS),
        }
        question, reply = rng.choice(_ENGLISH), _ENGLISH_REPLY
    observed = Observed(
        clock=f"2025-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02} {rng.randrange(24):02}:{rng.randrange(60):02}",
        system=f"processor {rng.randrange(100)} %, memory {rng.randrange(20, 90)} % of 4.0 GiB, disk 50 %",
        emotion=rng.choice(("neutral", "happy", "worried")),
    )
    return Turn(question.format(number=number, **slots), reply.format(number=number, **slots), observed)
