"""Chinese families of questions; see `english`."""

from __future__ import annotations

SETTLING = """
{food}要煮多久？
煮{food}需要多长时间？
{food}煮多长时间才熟？

生吃{food}安全吗？
{food}可以生吃吗？
{food}生吃有没有问题？
- 生吃{food}危险吗？

怎么重置{device}的密码？
{device}密码忘了怎么重新设置？
请问重设{device}密码的步骤是什么？

{country}的首都是哪里？
{country}首都是哪个城市？
请告诉我{country}的首都。

{city}到{city2}有多远？
从{city}到{city2}的距离是多少？
{city}距离{city2}多少公里？

{person}雇用了{person2}吗？
{person2}是被{person}雇用的吗？
是不是{person}聘请了{person2}？
- {person2}雇用了{person}吗？

{country}的火车允许带狗吗？
在{country}坐火车可以带狗吗？
{country}火车能不能带狗？
- {country}的火车禁止带狗吗？

如何提高{device}的亮度？
怎样把{device}调亮一点？
{device}的亮度怎么调高？
- 如何降低{device}的亮度？

{number}磅等于多少公斤？
{number}磅是多少公斤？
把{number}磅换算成公斤。
- {number}公斤等于多少磅？

{animal}为什么会咬人？
{animal}咬人的原因是什么？
什么原因让{animal}咬人？
- {animal}为什么不咬人？
"""

HELD_OUT = """
{plant}多久浇一次水？
{plant}隔多长时间要浇水？
给{plant}浇水的频率是多少？

怀孕期间吃{drug}有害吗？
孕妇服用{drug}会有危害吗？
怀孕时服{drug}对身体有坏处吗？
- 怀孕期间吃{drug}无害吗？

{fruit}怎样保存最好？
保存{fruit}的最好方法是什么？
买回来的{fruit}应该怎么储存？
- {fruit}怎样保存最差？

{work}是谁作曲的？
谁创作了{work}这首曲子？
{work}的作曲家是谁？

怎么取消{subscription}会员？
{subscription}的会员要如何取消？
退订{subscription}会员的办法是什么？
- 怎么续订{subscription}会员？

哪条河流经{town}？
流过{town}的河叫什么名字？
{town}有哪条河经过？

{liquid}在多少度结冰？
{liquid}的冰点是多少度？
{liquid}要多冷才会凝固？
- {liquid}在多少度沸腾？

{queen}打败了{queen2}吗？
{queen2}是输给了{queen}吗？
{queen}是不是战胜了{queen2}？
- {queen2}打败了{queen}吗？

如何在笔记本上安装{software}？
笔记本电脑怎么装{software}？
把{software}装到笔记本上的步骤是什么？
- 如何在笔记本上卸载{software}？

{museum}星期一开门吗？
星期一能参观{museum}吗？
{museum}周一开放吗？
- {museum}星期一关门吗？
"""

VALUES: dict[str, dict[str, str]] = {
    "settling": {
        "food": "鸡蛋,土豆,蘑菇,牡蛎,豆角",
        "device": "路由器,打印机,电视机,照相机",
        "country": "奥地利,澳大利亚,伊朗,伊拉克,尼日尔",
        "city": "济南,济宁,福州,抚州",
        "city2": "苏州,宿州,泉州,全州",
        "person": "张伟,张玮,李静,李婧,王强",
        "person2": "陈明,陈鸣,刘洋,刘阳",
        "number": "12,13,二十,二百,45",
        "animal": "小狗,小猫,仓鼠,鹦鹉",
    },
    "held-out": {
        "plant": "兰花,仙人掌,玫瑰,绿萝",
        "drug": "洛拉片,洛芬片,安必宁,安必林",
        "fruit": "柠檬,樱桃,草莓,蓝莓",
        "work": "冬之歌,冬之光,第十四号组曲,第四十号组曲",
        "subscription": "流影,流映,音乐盒,音悦盒",
        "town": "林登,林顿,哈洛,哈罗",
        "liquid": "水银,酒精,海水,白醋",
        "queen": "伊索德,伊莎贝,玛伦,玛琳",
        "queen2": "艾达,艾娜,西格伦,西格丽",
        "software": "速画,速绘,影工坊,印工坊",
        "museum": "铁路博物馆,航海博物馆,纺织博物馆",
    },
}

LEANING = (
    ("那第二个呢？", ("比较一下橡树和松树。", "比较一下罗马和奥斯陆。")),
    ("这是为什么？", ("山上的水沸点更低。", "蝙蝠倒挂着睡觉。")),
    ("它是谁写的？", ("我在读《红楼梦》。", "我在读《西游记》。")),
    ("再举两个例子。", ("说出三种哺乳动物。", "说出三种金属。")),
    ("需要多长时间？", ("说说去克里特的渡轮。", "说说怎么烤黑麦面包。")),
    ("我妹妹叫什么名字？", ("我妹妹叫艾达。", "我妹妹叫伊达。")),
    ("我把车停在哪里了？", ("我把车停在磨坊路。", "我把车停在山坡路。")),
    ("晚饭做什么好？", ("我对坚果过敏。", "我不吃肉。")),
    ("智利的首都是哪里？", ("以后请用法语回答。", "以后只用一个词回答。")),
    ("今天去林登坐哪趟火车？", ("今天早上车次改了。", "今天罢工。")),
    ("有什么副作用？", ("医生给我开了洛拉片。", "医生给我开了安必宁。")),
    ("木屋的无线密码是什么？", ("无线密码是 oak12。", "无线密码是 elm12。")),
)
