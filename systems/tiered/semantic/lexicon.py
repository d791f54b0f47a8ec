"""Words by which the gate tells questions apart, in English and Chinese: of the languages, not of any topic."""

from __future__ import annotations

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
NUMBERS = {word: str(number) for number, word in enumerate(_TO_TWENTY)} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000", "dozen": "12", "half": "1/2",
    "quarter": "1/4", "twice": "2 times", "double": "2 times", "first": "1", "second": "2", "third": "3", "fourth": "4",
    "fifth": "5", "once": "1 times",
}  # fmt: skip

# One sign for a unit however it is written; what follows a number or is a word of its own.
UNITS = {
    written: words.split()[0]
    for words in """
 km kilometre kilometres kilometer kilometers 公里 千米|m metre metres meter meters 米|cm centimetre
centimetres centimeter centimeters 厘米|mm millimetre millimetres millimeter millimeters 毫米|mile miles
英里|foot feet ft 英尺|inch inches 英寸|kg kilo kilos kilogram kilograms kilogramme 公斤 千克|g gram grams
gramme 克|mg milligram milligrams 毫克|lb lbs pound pounds 磅|oz ounce ounces 盎司|l litre litres liter
liters 升|ml millilitre millilitres milliliter milliliters 毫升|gallon gallons 加仑|celsius centigrade °c
摄氏度 摄氏|fahrenheit °f 华氏度 华氏|kelvin |second seconds sec secs 秒|minute minutes min mins 分钟|hour hours
hr hrs 小时|day days|week weeks 星期 周|month months|year years |percent % per-cent|dollar dollars usd $
美元|euro euros eur € 欧元|yuan rmb cny 人民币|yen jpy 日元|gbp £ 英镑|mb megabyte megabytes|gb gigabyte
gigabytes|tb terabyte terabytes|kb kilobyte kilobytes|watt watts 瓦|volt volts 伏|cup cups|tablespoon
tablespoons tbsp|teaspoon teaspoons tsp|acre acres |hectare hectares|calorie calories kcal
""".replace("\n", " ").split("|")
    for written in words.split()
}  # fmt: skip

NEGATIONS = frozenset(
    "not no never none nothing nobody neither nor without cannot except unless hardly barely lack lacks lacking avoid "
    "prevent stop refuse fail fails instead".split()
)
NEGATIONS_ZH = "不没别无非未勿莫禁免"
# "Is it or is it not" asks what "is it" asks.
WHETHER_ZH = "([\u3400-\u9fff])[不没]\\1|是否|能否|可否|有没有|不过|不同|不错|没关系|非常|无论|特别|别的|别人|不知道"

# What is said by one of these is undone by the other.
OPPOSITES = """
more,most,greater,larger,bigger,above,over,exceed,maximum,max,increase,raise,grow,gain,rise,higher,highest,largest,biggest,up,longer,longest

|less,least,fewer,fewest,smaller,lower,below,under,minimum,min,decrease,reduce,shrink,lose,fall,lowest,smallest,down,shorter,shortest,drop
open,opened,unlock|close,closed,shut,lock
enable,enabled,activate,allow,allowed,permit,permitted,legal,can,may,turn-on
|disable,disabled,deactivate,forbid,forbidden,ban,banned,prohibit,prohibited,illegal
start,begin,launch|end,finish,quit,terminate
safe,safely|dangerous,harmful,risky,poisonous,toxic
best,better,good,benefit,benefits,advantage,advantages,pros
|worst,worse,bad,harm,harms,disadvantage,disadvantages,drawback,drawbacks,cons
before,earlier,earliest,oldest,older,first|after,later,latest,youngest,younger,last,newer,newest
hot,hotter,hottest,warm,warmer,heat|cold,colder,coldest,cool,cooler
fast,faster,fastest,quick,quickest|slow,slower,slowest
cheap,cheaper,cheapest|expensive,dearer,dearest
add,include,including,insert,install,put-on|remove,delete,exclude,excluding,uninstall,subtract,take-off
buy,import,borrow|sell,export,lend
love,like|hate,dislike
inside,indoor,indoors,internal,enter|outside,outdoor,outdoors,external,leave,exit
left|right
north,northern|south,southern
east,eastern|west,western
win,won|lost,defeat
true,correct,right|false,wrong,incorrect
male,man,men,husband,father,king|female,woman,women,wife,mother,queen
push|pull
upload,send|download,receive
public|private
arrive,arrival|depart,departure
birth,born,alive,live|death,died,dead,die
wet|dry
easy,easier,easiest|hard,harder,hardest,difficult
positive|negative
light,lighter,lightest,bright|heavy,heavier,heaviest,dark
near,nearer,nearest,closest|far,farther,farthest,furthest
from|to
always|never
all,every|some,any
accept|reject,decline
freeze|thaw,melt
summer|winter
rich,richer,richest|poor,poorer,poorest
strong,strongest|weak,weakest
"""
OPPOSITES_ZH = """多 最多 增加 增 提高 上升 涨 超过 以上|少 最少 减少 减 降低 下降 跌 低于 以下
大 最大|小 最小
高 最高|低 矮 最低
长 最长|短 最短
快 最快|慢 最慢
开 打开 开启 启用|关 关闭 停用 禁用
好 最好 优点 好处|坏 差 最差 缺点 坏处 害处
安全|危险 有害 有毒
前 之前 以前|后 之后 以后
早 最早|晚 最晚 迟
冷|热
买 进口 借入|卖 出口 借出
进|出
左|右
上|下
内|外
东|西
南|北
添加 加 安装|删除 去掉 卸载
开始|结束
合法 允许|非法 禁止 违法
男|女
生 出生|死 去世
轻|重
近 最近|远 最远
干|湿
容易 简单|难 困难
便宜|贵
上传|下载
公|私
冬|夏
赢|输
"""
# Where both poles stand together nothing is said of either.
NEUTRAL_ZH = (
    "多少|大小|高低|高度|长短|长度|大概|大约|左右|上下|前后|买卖|开关|冷热|早晚|远近|东西|"
    "多久|多长|多大|多高|多远|好吗|重置|重新|小时|生活|大学|大家|出来|起来|下来|北京|上海|"
    "南京|东京|西安|河南|湖南|云南|海南|山东|山西|河北|湖北|广东|广西|江西"
)

# They limit what is asked, and a list of words of substance leaves them out.
LIMITS = frozenset("only just both either all any every each some few several most least alone together same different "
                   "than versus vs while until since during within".split())  # fmt: skip
# "To" stands before every verb: it directs only beside a word of changing.
DIRECTIONS = frozenset(
    "from into than by against toward towards onto before after instead over per versus vs convert translate "
    "turn turned beat beats defeat defeated cause causes caused "
    "replace replaces replaced follow follows followed".split()
)
DIRECTIONS_ZH = "比(?![赛例较萨])|给|从|到|被|把|让|替代|变成|转成|转换|换成|翻译成|导致|引起"

# Words of asking, which say nothing of what is asked; stems are not taken: they are compared as written.
ASKING = frozenset(
    """
    way ways method methods step steps procedure manner process explain describe name define definition
    meaning mean give show list find     information info tell help teach learn possible possibly exactly
    exact generally usually typically normally often     best-way question answer know understand want need
    like try go about able please reason reasons cause causes purpose     place person time date year people
    someone work works happen happens use used using do does make makes take takes     number amount does-it
    come comes called stand proper properly correctly right-way
    """.split()
)
ASKING_ZH = (
    "请问|请|告诉|知道|想知道|解释|说明|介绍|说说|方法|办法|步骤|方式|原因|理由|应该|该|"
    "需要|要|想|会|能|可以|能够|什么|意思|哪个|哪些|哪种|哪|一下|到底|究竟|具体|一般|"
    "通常|平时|大概|大约|正确|才|怎么办|怎么样|怎么|怎样|如何|为什么|为何|多少|几|吗|呢|"
    "的|了|是|在|有|和|与|跟|用|做|来|去|个|种|人们|我|你|您|帮"
)

# Everyday words that stand for each other in almost every question; the first stands for all.
SAME = """
buy purchase get acquire obtain|start begin commence|fix repair mend|big large|fast quick rapid|film movie|car
automobile| phone telephone cellphone mobile smartphone|picture photo photograph image|remove delete erase|change
alter modify edit|create build produce| clean wash|choose select|end finish|near close|child kid children|doctor
physician|ill sick|job work|street road|shop store| cost price expensive much|tall high height|long length|deep
depth|wide width|old age|heavy weight weigh|far distance|big size| bike bicycle|plane airplane aeroplane aircraft|tv
television|author writer write wrote written|invent inventor invented invention|discover discovered discovery
discoverer| paint painter painted|found founder founded establish established|locate located location
situated|language speak spoken|born birth|die died death| connect link attach|increase raise boost|decrease reduce
lower lessen|illness disease sickness|sofa couch|cook prepare|store keep preserve| stop quit|biggest
largest|smallest tiniest|main primary chief principal|important significant|difference differ different
distinguish|calculate compute| convert turn change|reset restore|password passcode|computer pc|error fault|quickly
fast|method way
"""
SAME_ZH = """
购买 采购|电脑 计算机|手机 电话|照片 相片 图片|删除 删掉 去掉|修改 更改 改变|
创建 建立 新建|修理 维修|清洗 清洁|孩子 小孩 儿童|医生 大夫|自行车 单车|开始 启动|
区别 不同 差别 差异|编写 写作|位于 坐落|价格 价钱|保存 存放 储存|减少 降低|
增加 提高|土豆 马铃薯|番茄 西红柿|烹饪 烹调|密码 口令|重置 重设|学习 学会|
治疗 医治|预防 防止
"""

# What is asked of a thing, and never the thing: a question of these alone is about what was spoken of before.
MEASURES = frozenset(
    "long far tall high old big much many often deep wide heavy size length height distance time take cost price age "
    "number amount kind type name".split()
)
MEASURES_ZH = "多|长|时间|久|远|高|大|重|钱|距离|价格|名字|数量|大小|公里"
