"""Chinese: what happened once, and what only the turn before explains."""

from __future__ import annotations

from experiments.workloads.remembering.natural.words import Event, PronounPair


def _event(past: str, asked: str) -> Event:
    """Return an event of what is said after the person, "拔了智齿" and "拔的智齿"."""
    return Event(
        tell=(f"{{S}}{{W}}{past}", f"{{W}}{{S}}{past}"),
        ask=(f"{{S}}是什么时候{asked}", f"{{S}}是哪天{asked}", f"{{S}}{past}是什么时候的事"),
    )


EVENTS = {
    name: _event(past, asked)
    for name, past, asked in (
        ("tooth", "拔了智齿", "拔的智齿"),
        ("license", "考过了驾照", "考过的驾照"),
        ("keys", "把家里的钥匙丢在电车上了", "把家里的钥匙丢在电车上的"),
        ("piano", "把旧钢琴卖了", "把旧钢琴卖掉的"),
        ("exam", "考了化学期末考试", "考的化学期末考试"),
        ("arm", "在冰上摔断了胳膊", "在冰上摔断胳膊的"),
        ("roof", "找人补好了漏雨的屋顶", "找人补好漏雨的屋顶的"),
        ("phone", "把手机掉进湖里了", "把手机掉进湖里的"),
        ("marathon", "跑完了人生第一个马拉松", "跑完人生第一个马拉松的"),
        ("kitchen", "把厨房刷了一遍", "刷的厨房"),
        ("passport", "领到了新护照", "领到新护照的"),
        ("grandmother", "去医院看了外婆", "去医院看的外婆"),
        ("bees", "往院子里搬了一箱蜜蜂", "往院子里搬的蜜蜂"),
        ("choir", "加入了合唱团", "加入的合唱团"),
        ("fence", "把篱笆搭好了", "把篱笆搭好的"),
        ("fine", "乱停车被罚了款", "乱停车被罚款的"),
        ("engagement", "订了婚", "订的婚"),
        ("thesis", "交了毕业论文", "交的毕业论文"),
    )
}

EXCHANGES = {
    "flat": PronounPair(
        detail="town",
        value="day",
        asked="{S}在{D}的房子<找到了吗|最后找着没有|到底找到了没>？",
        told="{S}想在{D}找房子，找了<好几个月|大半年|很久>，<全家都跟着着急|周末全搭进去了|见面就说这事>。"
        "<那边的房租贵得离谱。|一周看三套，一套都不行。>",
        followed="听着就累。后来有结果吗？",
        short=("找到了，{he}{V}就搬进去了。", "嗯，{he}{V}拿到的钥匙。"),
        ask=("{S}是哪天搬进{D}的房子的", "{S}{D}的房子是哪天拿到钥匙的"),
    ),
    "interview": PronounPair(
        detail="firm",
        value="day",
        asked="{S}面试完，{D}那边<有回音了吗|给消息了吗|有没有说什么>？",
        told="{S}去{D}面试了，回来以后<一直盯着手机|电话一响就跳起来|觉也睡不好>。<我一直劝着。|等消息比面试还难熬。>",
        followed="等消息确实难熬。他们说什么时候定吗？",
        short=("有，让{him}{V}再去一次。", "来电话了，{V}{he}还有第二轮。"),
        ask=("{D}让{S}哪天去第二轮面试", "{S}去{D}的第二次面试是哪天"),
    ),
    "dog": PronounPair(
        detail="town",
        value="pet",
        asked="听说{S}从{D}的收容所领了一只流浪狗<？|，是真的吗？>",
        told="{S}<专门开车|一早就>去了{D}的收容所，想看一只流浪狗。<来回四个小时，还下着雨。|我本来也想去，可是要上班"
        "。>",
        followed="怎么样，家里添新成员了吗？",
        short=("是啊，取名叫{V}<。|，可爱得很。|，什么都咬。>", "那当然，都喊它{V}了<。|，吃得可多。>"),
        ask=("{S}从{D}收容所领的流浪狗叫什么", "{S}给{D}收容所那只狗取了什么名字"),
    ),
    "wedding": PronounPair(
        detail="town",
        value="day",
        asked="{S}在{D}办婚礼的日子<定了吗|定下来没有>？",
        told="{S}打算在{D}办婚礼，就在<河边|老磨坊旁边>的那个<小礼堂|园子>里。<光是请谁就吵了两回。|我的西装当然是穿"
        "不下了。>",
        followed="真好！日子定了吗？",
        short=("定了，{V}<。|，你可得来。>", "就{V}，把时间空出来<。|啊。>"),
        ask=("{S}在{D}的婚礼定在哪天", "{S}哪天在{D}办婚礼"),
    ),
    "bike": PronounPair(
        detail="shop",
        value="price",
        asked="{D}修{P}<单车|山地车>要多少？",
        told="{S}摔了以后把山地车送到了{D}。<前轮弯得像麻花。|才骑了两年。>我说不值得修，可没人听我的。",
        followed="明白。他们说要多少？",
        short=("要{V}，<你敢信|真敢要|没还价>。", "开口就是{V}<。|，还只收现金。|，{he}也付了。>"),
        ask=("{D}给{S}修山地车要了多少钱", "{S}的山地车在{D}修要多少钱"),
    ),
    "cat": PronounPair(
        detail="person",
        value="town",
        asked="{P}猫还是放在{D}那里<养|寄养>吗？",
        told="{S}要出国，把猫寄养在{D}那里。<那猫一上午见谁都哈气。|光是告别就花了一个钟头。>但愿别出什么事。",
        followed="猫在那边还习惯吗？",
        short=("没有，跑了，后来在{V}找着的。", "不行，有人在{V}看见了才抱回来的<。|，瘦了一圈。>"),
        ask=("{S}寄养在{D}那里的猫后来是在哪里找着的", "{P}猫从{D}那里跑到哪里去了"),
    ),
    "choir": PronounPair(
        detail="town",
        value="title",
        asked="{P}合唱团去{D}的音乐节唱什么？",
        told="{S}在跟合唱团排练，要去{D}的音乐节，<天天晚上都排|一周排四次>。<隔着墙都听得见。|连狗都会哼了。>",
        followed="听起来很隆重。唱的是什么？",
        short=("叫{V}<。|，好像是。|，要唱两个小时。>", "{V}，从头唱到尾<。|呢。>"),
        ask=("{P}合唱团在{D}的音乐节唱什么", "{S}为{D}的音乐节排练的是哪部作品"),
    ),
    "exam": PronounPair(
        detail="town",
        value="rank",
        asked="{S}考{D}那所<学校|音乐学校>考得怎么样？",
        told="{S}考了{D}的音乐学校。<六百个人抢四十个名额。|我没见过谁这么练琴的。>",
        followed="那榜出来了吗？",
        short=("出来了，{he}{V}<。|！|，总算放心了。>", "{V}，{he}高兴得<哭了|跳起来了|一晚没睡>。"),
        ask=("{S}考{D}的音乐学校得了第几名", "{S}考{D}那所学校考了第几"),
    ),
    "car": PronounPair(
        detail="person",
        value="price",
        asked="{S}那辆旧车<真的|最后>卖给{D}了？",
        told="{S}想把旧车卖给{D}。<四个门都有坑。|我看一半都锈了。>要我说，车别卖给熟人，净是麻烦。",
        followed="也有道理。他们谈妥了吗？",
        short=("卖了，{V}<。|，握个手就算成了。|，还送了雪地胎。>", "嗯，{he}拿了{V}<。|，挺高兴。>"),
        ask=("{S}把旧车卖给{D}卖了多少钱", "{D}买{S}的旧车付了多少钱"),
    ),
    "surgery": PronounPair(
        detail="person",
        value="day",
        asked="{D}医生说了{S}膝盖的手术<排在哪天|什么时候做>没有？",
        told="{S}找{D}医生看了膝盖。<楼梯是别想走了。|滑雪回来一直肿着。>看样子手术是躲不过了。",
        followed="真不容易。手术排了吗？",
        short=("说了，{V}<。|，一大早就做。>", "排了，{he}{V}得去<。|，不能吃早饭。>"),
        ask=("{D}医生哪天给{S}的膝盖做手术", "{S}膝盖的手术{D}医生排在哪天"),
    ),
}
