"""Values that only natural conversations have: presents, prices, titles, hotels, plants, times."""

from __future__ import annotations

import random

from experiments.workloads.remembering.values import MAKERS, Language, Make

_THINGS = (
    "kettle lamp rug clock bowl mirror basket stool blanket jug chessboard radio wallet scarf notebook tray teapot "
    "frame telescope puzzle"
).split()
_LOOKS = "copper green wooden striped heavy yellow painted round silver tiny blue vintage red white".split()
_HEROES = "clockmaker lighthouse orchard ferryman locksmith archive carpenter harbour glacier beekeeper violin".split()
_PARTS = "daughter secret winter map silence return garden letters shadow apprentice promise journey".split()
_HOTELS = "Anchor Crown Swan Lantern Mill Rose Stag Bell Falcon Cedar Pilgrim Windmill".split()
_HOTEL_LOOKS = "Old Golden White Royal Little Grand Blue Quiet Red Upper".split()
_PLANTS = (
    "tulips lavender tomatoes rosemary sunflowers radishes hydrangeas mint strawberries peonies courgettes basil "
    "geraniums asters chives poppies begonias dahlias lupins thyme"
).split()
_PLANT_LOOKS = "white red dwarf climbing early wild Dutch purple pale late".split()
_FOODS = (
    "hazelnuts shrimps celery kiwis peppers peaches soybeans oats walnuts almonds squid beetroots apricots mushrooms "
    "cashews herrings figs plums lentils tomatoes"
).split()

_SHOPS_ZH = "修理铺 维修部 服务中心 修理行".split()
_COOKED = "raw roasted pickled dried tinned smoked fried stewed".split()
_COOKED_ZH = "生 熟 炒 烤 冻 腌 炸 煮".split()
_THINGS_ZH = (
    "水壶 台灯 地毯 挂钟 果盘 镜子 竹篮 木凳 毛毯 茶壶 棋盘 收音机 钱包 围巾 笔记本 托盘 相框 望远镜 拼图".split()
)
_LOOKS_ZH = "绿色的 红色的 蓝色的 黄色的 银色的 条纹的 碎花的 手绘的 复古的 圆形的 迷你的 进口的".split()
_HEROES_ZH = "钟表匠 灯塔 果园 摆渡人 锁匠 档案馆 木匠 港口 冰川 养蜂人 琴师".split()
_PARTS_ZH = "女儿 秘密 冬天 地图 沉默 归来 花园 来信 影子 学徒 约定 旅程".split()
_HOTELS_ZH = "锦江 望湖 听松 云栖 兰亭 金桂 白鹭 南山 碧波 银杏 清风 枫林".split()
_HOTEL_KINDS_ZH = "宾馆 酒店 客栈 大饭店 旅馆 度假村".split()
_PLANTS_ZH = (
    "郁金香 薰衣草 番茄 迷迭香 向日葵 绣球 薄荷 草莓 芍药 西葫芦 罗勒 天竺葵 菊花 韭菜 虞美人 海棠 月季 茉莉".split()
)
_PLANT_LOOKS_ZH = "白 红 矮 早熟 野 紫 粉 晚熟 荷兰 重瓣".split()
_FOODS_ZH = (
    "榛子 河虾 芹菜 栗子 辣椒 花生 黄豆 燕麦 核桃 杏仁 鱿鱼 南瓜子 蘑菇 腰果 玉米 带鱼 茴香 扁豆 山药 螃蟹".split()
)


def _rank(rng: random.Random) -> str:
    number = rng.randrange(4, 120)
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _restaurant(rng: random.Random) -> str:
    return f"{MAKERS['en']['pet'](rng)}'s"


def _restaurant_zh(rng: random.Random) -> str:
    return MAKERS["zh"]["firm"](rng)[:2] + rng.choice("楼 阁 饭庄 小馆 酒家".split())


NATURAL_MAKERS: dict[Language, dict[str, Make]] = {
    "en": {
        **MAKERS["en"],
        "thing": lambda rng: f"{rng.choice(_LOOKS)} {rng.choice(_THINGS)}",
        "price": lambda rng: f"{rng.randrange(21, 900)} euros",
        "title": lambda rng: f"The {rng.choice(_HEROES).capitalize()}'s {rng.choice(_PARTS).capitalize()}",
        "hotel": lambda rng: f"{rng.choice(_HOTEL_LOOKS)} {rng.choice(_HOTELS)}",
        "plant": lambda rng: f"{rng.choice(_PLANT_LOOKS)} {rng.choice(_PLANTS)}",
        "food": lambda rng: f"{rng.choice(_COOKED)} {rng.choice(_FOODS)}",
        "rank": _rank,
        "restaurant": _restaurant,
    },
    "zh": {
        **MAKERS["zh"],
        "thing": lambda rng: rng.choice(_LOOKS_ZH) + rng.choice(_THINGS_ZH),
        "price": lambda rng: f"{rng.randrange(60, 4000)}块钱",
        "title": lambda rng: f"《{rng.choice(_HEROES_ZH)}的{rng.choice(_PARTS_ZH)}》",
        "hotel": lambda rng: rng.choice(_HOTELS_ZH) + rng.choice(_HOTEL_KINDS_ZH),
        "plant": lambda rng: rng.choice(_PLANT_LOOKS_ZH) + rng.choice(_PLANTS_ZH),
        "food": lambda rng: rng.choice(_COOKED_ZH) + rng.choice(_FOODS_ZH),
        "shop": lambda rng: MAKERS["zh"]["firm"](rng)[:2] + rng.choice(_SHOPS_ZH),
        "rank": lambda rng: f"第{rng.randrange(4, 120)}名",
        "restaurant": _restaurant_zh,
    },
}
"""What makes a value of each kind, by language: those of plain conversations, and more."""
