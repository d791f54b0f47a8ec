"""Names and values without end: towns, codes, dishes, people. What was made for training is never made for grading.

A text belongs to training or is held out by its own hash, so the two splits share no name and no value, whatever the
seeds. English names are invented from syllables and Chinese ones from common characters, in families of similar ones.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Literal

Split = Literal["training", "held-out"]
Language = Literal["en", "zh"]
Make = Callable[[random.Random], str]

_ONSETS = "b br d dr f g gr h j k kl l m n p r s st t tr v z".split()
_VOWELS = "a e i o u ai ei".split()
_CODAS = "n r l s m th k".split()
_TOWN_ENDS = "ford burg holm ville mouth stad wick ham port dale".split()
_FIRM_ENDS = "ex tek ix corp soft works lab mark".split()
_MONTHS = "January February March April May June July August September October November December".split()
_CRAFTS = (
    "glass boat clock bridge garden harbour piano silk stone paper carpet lamp map radio bicycle kite violin saddle "
    "kettle mirror"
).split()
_TRADES = "painter builder seller inspector designer repairer collector polisher driver teacher".split()
_FOODS = (
    "lentil mushroom pear plum pumpkin barley cherry walnut spinach salmon potato cabbage lemon turnip bean rhubarb "
    "carrot chestnut leek celery"
).split()
_DISHES = "soup pie salad stew pudding curry pancakes dumplings risotto cake".split()

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
_GIVEN = (
    "芳伟敏静洋帆磊丽杰倩涛悦超琳军雪勇娜峰兰芬妍燕艳霞云晨辰宸欣昕鑫佳嘉家怡仪宜俊君钧浩昊皓婷亭廷宁凝颖英瑛平萍"
    "屏明铭鸣华桦骅文雯闻玉钰昱"
)
_PLACES = "云青白石长清金银松柳桂兰梅竹莲荷溪河湖江海山峰岭谷泉沙安宁平永新古东西南北上下大双龙凤鹤鹿马羊"
_PLACE_ENDS = "镇县市村岛湾"
_FIRMS = "华盛腾达宏远信诚联合创维天宇海通博雅恒瑞中兴光明卓越飞鸿凯旋鼎泰"
_FIRM_KINDS = "公司 集团 银行 工厂 书店 学校".split()
_PET_STARTS = "小阿大老"
_PETS = "黑白黄花灰豆米糖果瓜宝贝球毛虎福乐旺财雪云星月雨风雷石木火土金银铜铁点圆方胖壮"
_CRAFTS_ZH = (
    "玻璃 轮船 钟表 桥梁 花园 港口 钢琴 丝绸 石雕 地毯 灯具 地图 收音机 自行车 风筝 提琴 茶壶 镜子 皮革 陶器".split()
)
_TRADES_ZH = "设计师 修理工 检查员 推销员 画师 收藏家 教师 司机 工程师 学徒".split()
_WAYS_ZH = "清蒸 红烧 凉拌 酸辣 糖醋 干煸 香煎 白灼 油焖 水煮".split()
_FOODS_ZH = (
    "鲈鱼 豆腐 茄子 土豆 排骨 白菜 牛肉 木耳 藕片 冬瓜 虾仁 鸡丁 蘑菇 芹菜 南瓜 萝卜 黄瓜 花生 腰果 苦瓜".split()
)

CHARACTERS_ZH = "".join(
    dict.fromkeys(
        _SURNAMES
        + _GIVEN
        + _PLACES
        + _PLACE_ENDS
        + _FIRMS
        + _PET_STARTS
        + _PETS
        + "月日"
        + "".join(_FIRM_KINDS + _CRAFTS_ZH + _TRADES_ZH + _WAYS_ZH + _FOODS_ZH)
    )
)
"""Every character that Chinese names and values are made of."""


def is_held_out(text: str) -> bool:
    """Return whether ``text``, a name, a value or a phrasing, is kept for grading: one in five is."""
    return hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 5 == 0


def drawn(rng: random.Random, make: Make, split: Split) -> str:
    """Return what ``make`` makes, tried again until it belongs to ``split``."""
    while True:
        made = make(rng)
        if is_held_out(made) == (split == "held-out"):
            return made


def family(rng: random.Random, language: Language, split: Split, size: int) -> list[str]:
    """Return ``size`` names, each but the first one letter or one character away from the first."""
    first = drawn(rng, NAMES[language], split)
    names = {first: None}
    for _ in range(200):  # a short name may have fewer neighbours that belong to the split
        if len(names) == size:
            break
        other = _similar(rng, first, language)
        if is_held_out(other) == (split == "held-out"):
            names.setdefault(other)
    return list(names)


def _syllable(rng: random.Random) -> str:
    return rng.choice(_ONSETS) + rng.choice(_VOWELS)


def _name(rng: random.Random) -> str:
    middle = _syllable(rng) if rng.random() < 0.5 else ""
    return (_syllable(rng) + middle + rng.choice(_ONSETS) + rng.choice("aeio") + rng.choice(["", *_CODAS])).capitalize()


def _name_zh(rng: random.Random) -> str:
    return rng.choice(_SURNAMES) + "".join(rng.choice(_GIVEN) for _ in range(rng.choice((1, 2, 2))))


def _similar(rng: random.Random, name: str, language: Language) -> str:
    place = rng.randrange(1, len(name))
    if language == "zh":
        return name[:place] + rng.choice(_GIVEN) + name[place + 1 :]
    letters = "aeiou" if name[place] in "aeiou" else "bdfgklmnprstvz"
    return name[:place] + rng.choice(letters.replace(name[place], "")) + name[place + 1 :]


def _town(rng: random.Random) -> str:
    return (_syllable(rng) + rng.choice(_CODAS) + rng.choice(_TOWN_ENDS)).capitalize()


def _firm(rng: random.Random) -> str:
    return (_syllable(rng) + rng.choice(_CODAS) + rng.choice(_FIRM_ENDS)).capitalize()


def _pet(rng: random.Random) -> str:
    return (_syllable(rng) + _syllable(rng)).capitalize()


def _code(rng: random.Random) -> str:
    return f"{rng.randrange(10_000):04}"


def _pair(firsts: list[str], seconds: list[str], between: str) -> Make:
    return lambda rng: rng.choice(firsts) + between + rng.choice(seconds)


def _town_zh(rng: random.Random) -> str:
    return rng.choice(_PLACES) + rng.choice(_PLACES) + rng.choice(_PLACE_ENDS)


def _firm_zh(rng: random.Random) -> str:
    return rng.choice(_FIRMS) + rng.choice(_FIRMS) + rng.choice(_FIRM_KINDS)


NAMES: dict[Language, Make] = {"en": _name, "zh": _name_zh}

MAKERS: dict[Language, dict[str, Make]] = {
    "en": {
        "town": _town,
        "firm": _firm,
        "pet": _pet,
        "person": _name,
        "code": _code,
        "day": lambda rng: f"{rng.randrange(1, 29)} {rng.choice(_MONTHS)}",
        "job": _pair(_CRAFTS, _TRADES, " "),
        "dish": _pair(_FOODS, _DISHES, " "),
    },
    "zh": {
        "town": _town_zh,
        "firm": _firm_zh,
        "pet": lambda rng: rng.choice(_PET_STARTS) + rng.choice(_PETS),
        "person": _name_zh,
        "code": _code,
        "day": lambda rng: f"{rng.randrange(1, 13)}月{rng.randrange(1, 29)}日",
        "job": _pair(_CRAFTS_ZH, _TRADES_ZH, ""),
        "dish": _pair(_WAYS_ZH, _FOODS_ZH, ""),
    },
}
"""What makes a value of each kind, by language."""
