"""Everyday messages, told apart by what a person would want kept.

The first tables were written before the rule. The second were written when it was first frozen, the third when it had
been widened by what they had shown, the fourth when it had been widened once more; nothing was fitted to the fourth.
When each was new, the rule found 13, 15 and 14 of the 30 important messages in English and 10, 13 and 17 of those in
Chinese, and marked one of the 180 others. A dash stands before what it gets wrong today.
"""

ENGLISH_IMPORTANT = """
My name is Vera and I'm a nurse.
Please call me Jo, not Johanna.
I'm allergic to peanuts.
I’m allergic to penicillin, so my doctor gives me something else.
I'm not allergic to nuts any more, the test was negative.
Don't forget that the rent is due on the 3rd.
My name’s Ibrahim, nice to meet you.
I live in Utrecht, near the station.
We moved to Porto last spring.
I'm moving to a new flat in October.
I just started a new job at a bakery.
I work as a translator for a publisher.
I got fired yesterday.
I'm a vegetarian and I don't drink alcohol.
I can't eat gluten.
My sister's dog is called Bobbie.
My partner Sam is from Ghana.
My grandmother turned ninety on Sunday.
My boyfriend and I broke up last week.
I'm pregnant, due in March.
My son goes to the Montessori school around the corner.
I have two cats, Minoes and Saar.
We adopted a puppy and called her Pip.
My birthday is the 14th of June.
I was born in 1987.
I'm 42 years old.
We got married on 5 May 2012.
Our wedding anniversary is on the 9th.
I have diabetes and take metformin twice a day.
The doctor says my blood pressure is too high.
I broke my wrist while skiing.
I'm having surgery on my knee next Tuesday.
My father died two years ago.
My brother just had a baby, a girl named Noor.
My phone number is 06 1234 5678.
You can reach me at anna.smit@example.org.
The door code is 4471.
The wifi password at home is tulip-garden.
My budget for the laptop is 700 euros.
I don't want to spend more than 50 pounds on the present.
My pronouns are they/them.
I speak Dutch, German and a little Turkish.
I'm learning Korean.
I love sailing and hate crowded beaches.
My favourite author is Ursula Le Guin.
I prefer tea to coffee.
I really don't like horror films.
I'm flying to Lisbon on 12 April.
I have a dentist appointment on Monday at nine.
Our meeting with the bank is next Thursday.
I drive an old blue Volvo.
My colleague Marta is leaving the team in July.
My daughter is allergic to bees.
I study physics in Leiden.
I graduated from Delft in 2010.
Remember that I park on level three.
Never forget: the spare key is with the neighbours.
Keep in mind that I am left-handed.
It's important that you answer in short sentences.
I've been married for ten years.
I used to smoke, but I quit last year.
I'm deaf in my left ear.
I play the cello in an amateur orchestra.
My insurance number is NL-883-221.
My manager's name is Oluwaseun.
I retired in January after forty years as a teacher.
I’ve got an exam on Friday.
I'm a single mother of three.
"""

ENGLISH_UNIMPORTANT = """
What's the weather like today?
Do you remember my name?
I don't remember.
I can't remember where I put it.
Is it important?
It's not important.
That's not important right now.
Nothing important, just saying hi.
What is my dog called?
Where do I live?
When is my birthday?
Who is my dentist?
Can you tell me a joke?
Thanks, that was helpful.
Good morning!
How are you doing?
Tell me more about black holes.
Write a poem about the sea.
Translate this into French: the house is red.
What is the capital of Australia?
How many people live in Tokyo?
Summarise the article above in three lines.
I think you are right about that.
I don't know.
I see what you mean.
I'm tired today.
I'm so bored.
Let's talk about something else.
Haha, that's funny.
I like that answer.
I love it, thanks!
I don't like this version, make it shorter.
I want a shorter answer.
Could you say that again?
Why is the sky blue?
Give me five ideas for dinner.
How do I boil an egg?
It rained all day.
The train was late again.
That film was too long.
Did I tell you where I work?
What did I say about my sister?
Which allergies do I have?
Am I allergic to anything?
Can you remember what I told you?
Remember what we talked about?
I forgot what I wanted to ask.
The number you gave is wrong.
Is seven a prime number?
Explain how vaccines work.
How does a job interview work?
Fix the bug in this function.
My computer is slow today.
My code doesn't compile.
What are the most important inventions?
I work my way through the list now.
Ok, next question.
Wow, really?
Never mind.
I'm just asking.
See you tomorrow.
The important thing is to stay calm.
That sounds like a good plan.
I live for moments like this.
Do dogs dream?
What do people name their cats?
I guess so.
My bad, I meant the other one.
I'm going to bed now.
I will try that.
"""

CHINESE_IMPORTANT = """
我叫王芳，在医院当护士。
请叫我小李。
我对花生过敏。
我不再对花生过敏了。
别忘了，房租三号要交。
我的名字是陈伟。
我住在杭州西湖边。
我们去年搬到了成都。
我下个月要搬家。
我刚换了新工作，在一家面包店。
我在一家出版社工作。
我昨天被裁员了。
我吃素，也不喝酒。
我不能吃麸质。
我妹妹的狗叫豆豆。
我男朋友是广东人。
我奶奶星期天九十岁了。
我和女朋友上周分手了。
我怀孕了，预产期在三月。
我儿子在附近的小学上学。
我养了两只猫。
我们领养了一只小狗，叫旺财。
我的生日是六月十四日。
我是一九八七年出生的。
我今年四十二岁。
我们二〇一二年五月结婚。
我们的结婚纪念日是九号。
我有糖尿病，每天吃两次药。
医生说我的血压太高。
我滑雪的时候摔断了手腕。
我下周二要做膝盖手术。
我爸爸两年前去世了。
我弟弟刚生了个女儿。
我的手机号是13812345678。
我的邮箱是 wang@example.org。
门禁密码是4471。
家里的无线密码是 tulip。
我的预算是五千块。
我最多只能花三百元。
我会说粤语和一点法语。
我在学韩语。
我喜欢划船，讨厌人多的海滩。
我最喜欢的作家是余华。
我更喜欢喝茶。
我不喜欢恐怖片。
我四月十二号飞里斯本。
我周一九点要看牙医。
我们下周四和银行开会。
我开一辆旧的蓝色沃尔沃。
我同事小张七月要离职。
我女儿对蜜蜂过敏。
我在北京大学学物理。
我毕业于清华大学。
记住我的车停在三楼。
千万别忘记备用钥匙在邻居家。
请记得我是左撇子。
重要的是你要用短句回答我。
我结婚十年了。
我以前抽烟，去年戒了。
我左耳听不见。
我在业余乐团拉大提琴。
我的身份证号是110101199001011234。
我老板姓刘。
我退休了，以前是老师。
我星期五有考试。
我是單親媽媽，有三個孩子。
我對海鮮過敏。
我住在臺北。
"""

CHINESE_UNIMPORTANT = """
今天天气怎么样？
你记得我的名字吗？
我不记得了。
我想不起来放在哪里了。
这重要吗？
没什么重要的。
不重要，算了。
现在这个不重要。
我的狗叫什么名字？
我住在哪里？
我的生日是哪天？
我的牙医是谁？
给我讲个笑话。
谢谢，很有帮助。
早上好！
你好吗？
再多讲讲黑洞。
写一首关于大海的诗。
把这句话翻译成法语。
澳大利亚的首都是哪里？
东京有多少人？
用三句话总结上面的文章。
我觉得你说得对。
我不知道。
我明白你的意思。
我今天好累。
好无聊啊。
我们聊点别的吧。
哈哈，真好笑。
我喜欢这个回答。
太好了，谢谢！
我不喜欢这个版本，短一点。
我想要短一点的回答。
你能再说一遍吗？
天空为什么是蓝色的？
给我五个晚饭的主意。
怎么煮鸡蛋？
下了一整天的雨。
火车又晚点了。
那部电影太长了。
我跟你说过我在哪里工作吗？
我说过我妹妹什么？
我对什么过敏？
我对什么东西过敏吗？
你还记得我说过的话吗？
还记得我们聊过什么吗？
我忘了要问什么。
你给的数字不对。
七是质数吗？
解释一下疫苗的原理。
工作面试是怎么进行的？
修一下这个函数的错误。
我的电脑今天很慢。
我的代码编译不了。
最重要的发明有哪些？
这项工作怎么做？
好，下一个问题。
真的吗？
算了。
我只是问问。
明天见。
重要的是保持冷静。
听起来是个好计划。
狗会做梦吗？
猫一般叫什么名字？
大概吧。
我去睡觉了。
我试试看。
不用记住这个。
過敏是怎麼引起的？
"""

SECOND_ENGLISH_IMPORTANT = """
Just so you know, I get seasick on small boats.
The twins start kindergarten in September.
I've been sober for eight months.
My landlord is raising the rent by ten percent.
I take the 7:40 train to work every day.
We're expecting our second child in the summer.
Nuts make my throat swell up.
I run a small flower shop in Ghent.
I can't have dairy.
I'm saving up for a trip to Japan.
Anna's birthday is on the 12th of March.
Our cat Felix had to be put down this morning.
I wear size 43 shoes.
My therapist wants me to keep a diary.
The alarm code for the office is 9903.
I sprained my ankle at football practice.
I was diagnosed with ADHD last month.
I'd rather be called Max than Maximilian.
I'm the oldest of four siblings.
My husband works nights at the hospital.
I passed my driving test on Wednesday!
I lost my grandfather in January.
- Mornings are hard for me because of the insulin.
I grew up on a farm in Kansas.
My email changed, it's now kim@example.com.
I'm scared of flying, always have been.
I've never liked mushrooms.
I go to the gym on Tuesdays and Thursdays.
Mum is moving into a care home next week.
For my thesis I'm studying the migration of storks.
"""

SECOND_ENGLISH_UNIMPORTANT = """
Okay, go on.
What should I remember for the exam on cell biology?
It's getting dark outside.
I have no idea what that means.
Could you check my spelling?
I was wondering how rainbows form.
Make the second paragraph friendlier.
Do you happen to recall my phone number?
I got it, thank you.
How old am I?
I read that octopuses have three hearts.
Most people like chocolate.
I can't believe it!
That's what I was thinking too.
Please don't use so many emojis in this list.
I'm not sure I follow you.
What was my sister's name again?
I have a question about photosynthesis.
You forgot the last line.
Sort these names by length: Ann, Robert, Li.
Did it rain in Rome yesterday?
I'm on page two now.
Who wrote my favourite book?
I need a synonym for big.
What time is it?
My question was about the other planet.
I don't mind.
Sorry for the typo.
Where were we?
I work better with examples, so give me one now.
"""

SECOND_CHINESE_IMPORTANT = """
跟你说一下，我坐船会晕。
双胞胎九月要上幼儿园了。
我已经八个月没喝酒了。
房东要涨房租了，涨百分之十。
我每天坐七点四十的火车上班。
我们夏天要迎来第二个孩子。
- 我一吃坚果喉咙就肿。
我开了一家小花店。
我喝不了牛奶。
我在攒钱去日本旅行。
小安的生日是三月十二号。
我们家的猫今天早上走了。
我穿四十三码的鞋。
我的心理医生让我写日记。
办公室的报警密码是9903。
我踢球的时候扭伤了脚踝。
我上个月被诊断出多动症。
大家都叫我小麦。
我是四个孩子里的老大。
我丈夫在医院上夜班。
我星期三考过了驾照！
我爷爷一月份过世了。
我早上要打胰岛素。
我从小在农村长大。
我换邮箱了，现在是 kim@example.com。
我一直怕坐飞机。
我从来不爱吃香菜。
我每周二和周四去健身房。
妈妈下周要搬进养老院。
我論文寫的是候鳥遷徙。
"""

SECOND_CHINESE_UNIMPORTANT = """
好的，继续。
生物考试我该记住什么？
外面天黑了。
我完全不懂这是什么意思。
帮我检查一下错别字。
我想知道彩虹是怎么形成的。
把第二段写得友好一点。
你还记得我的电话号码吗？
知道了，谢谢你。
我多大了？
听说章鱼有三颗心脏。
大多数人都喜欢巧克力。
我真不敢相信！
我也是这么想的。
请不要用这么多表情符号。
我不太确定你的意思。
我妹妹叫什么来着？
我有个关于光合作用的问题。
你漏了最后一行。
把这些名字按长度排序：安、罗伯特、李。
昨天罗马下雨了吗？
我现在看到第二页了。
我最喜欢的书是谁写的？
我需要一个“大”的近义词。
现在几点了？
我的问题是关于另一个星球的。
我无所谓。
不好意思，打错字了。
我們剛才說到哪裡了？
给我举个例子就行。
"""

THIRD_ENGLISH_IMPORTANT = """
My middle name is Rosalind.
We just signed the lease for a place in Lyon.
I can't stand cilantro, it tastes of soap.
I coach the under-twelves on Saturday mornings.
- Our youngest is starting to walk.
- I'm colour blind, so please don't rely on red and green.
My ex and I share custody of Luca.
- I have a black belt in judo.
I sold my car in May.
I've applied for a post at the university of Oslo.
Penicillin gives me a rash.
My best friend Tom lives in Cork.
- I owe Peter forty euros.
I was raised Catholic.
We're getting a rescue dog on Sunday.
I usually get up at five.
I don't own a television.
Grandpa was a miner.
I've decided to become a teacher.
The gate code is 1882.
I'm getting my braces off in June.
My wife is Brazilian, so we speak Portuguese at home.
- I need glasses for reading.
I finished my PhD in 2019.
I volunteer at the food bank.
My favorite colour is teal.
I go by Sasha.
I have to be in Vienna by the 21st.
- Please don't ever suggest alcohol, I'm in recovery.
My sister is getting married in Crete.
"""

THIRD_ENGLISH_UNIMPORTANT = """
Can you make it rhyme?
I wonder why the sea is salty.
Where did I say I parked?
That makes sense to me.
I'm listening.
What's my middle name?
Rewrite this for my readers, please.
I heard it will snow.
I think the second option is better.
This sentence is too long.
Tell me a fun fact about bees.
How do I convert miles to kilometres?
I was joking.
Don't worry about it.
List three synonyms for happy.
I just want the short version.
You already said that.
Am I older than my brother?
I don't care.
What does allergic mean?
The bridge was built in 1932.
I ran the script and it failed.
I hope so.
Which of the two do you prefer?
Hmm, let me think.
Cats sleep most of the day.
I'd like a table with two columns.
My last message had a typo.
I can't open the file.
Is there anything I forgot to tell you?
"""

THIRD_CHINESE_IMPORTANT = """
- 我的英文名是 Rosalind。
我们刚签了里昂的租房合同。
我受不了香菜的味道。
我每周六上午教小朋友踢球。
我们家老二开始学走路了。
我是色盲，别用红绿来区分。
我和前妻共同抚养孩子。
我是柔道黑带。
我五月份把车卖了。
我申请了奥斯陆大学的职位。
- 青霉素会让我起疹子。
我最好的朋友住在苏州。
- 我欠老张四十块钱。
我是回族。
我们周日去接一只流浪狗。
我一般五点起床。
我家没有电视。
爷爷以前是矿工。
我决定当老师了。
大门密码是1882。
我六月份摘牙套。
我太太是巴西人，我们在家说葡萄牙语。
- 我看书要戴眼镜。
- 我二〇一九年拿到了博士学位。
- 我在食物银行做志愿者。
我最喜欢的颜色是青色。
- 大家平时喊我阿宝。
我二十一号之前得到维也纳。
不要给我推荐酒，我在戒酒。
我姐姐要在三亞辦婚禮。
"""

THIRD_CHINESE_UNIMPORTANT = """
能押韵吗？
不知道海水为什么是咸的。
我说我把车停在哪里了？
有道理。
我在听。
我的英文名是什么？
请为读者改写这段话。
听说要下雪了。
我觉得第二个更好。
这句话太长了。
说一个关于蜜蜂的冷知识。
英里怎么换算成公里？
我开玩笑的。
别担心。
列出三个“高兴”的近义词。
我只要简短的版本。
你已经说过了。
我比我哥哥大吗？
随便。
过敏是什么意思？
那座桥是1932年建的。
我运行了脚本，但是失败了。
希望如此。
这两个你更喜欢哪一个？
让我想想。
猫一天大部分时间都在睡觉。
我要一个两列的表格。
我上一条消息打错字了。
我打不开这个文件。
有什么是我忘了告诉你的嗎？
"""

FOURTH_ENGLISH_IMPORTANT = """
My locker combination is 12-34-8.
- I'm hard of hearing.
Our flight lands at 22:40 on Friday.
I teach maths at a secondary school.
- I've been vegan since college.
My aunt Lucy left me her piano.
- I split up with Dana.
- We have a cottage by the lake.
- I take my coffee black.
- I ran my first marathon in Berlin last autumn.
My kids are six and nine.
I can't swim.
I'm off to Greece from the 3rd to the 17th.
- Shellfish makes me ill.
- I'm writing a novel about my village.
My mother-in-law is staying with us until Christmas.
- I support Ajax.
- I have low vision.
- The vet says Milo needs a new diet.
I owe my brother 200 dollars.
- I'm on night shifts this month.
- I named my boat Pelican.
- Please always answer me in German.
- My shoe size is 41.
I hurt my back lifting boxes.
I applied for Dutch citizenship.
- We named the baby Ivo.
I used to live in Nairobi.
I'm terrible at remembering birthdays, so remind me of Tom's on 2 May.
My hobby is repairing clocks.
"""

FOURTH_ENGLISH_UNIMPORTANT = """
I always thought whales were fish.
I never said that.
I have to go now.
I just read your answer.
I'm not convinced.
I'm in the kitchen.
I am a little confused by the last step.
I would like an example.
I tried it and it didn't work.
I've seen this before.
We were talking about volcanoes.
My guess is that it's a bug.
My next question is about Rome.
I bet you can't solve this riddle.
I don't think so.
I love how you put that.
I get an error when I press the button.
I hate when that happens.
We can stop here.
In our example the price is ten.
I appreciate your help.
I'm sorry, I meant the other file.
Call me when you're done.
You're important to the team, says the poster.
- Remember to add a title to the chart.
My apologies.
Let me know if I should rephrase.
I work through the steps and still get seven.
Would I need a visa?
Is my English good?
"""

FOURTH_CHINESE_IMPORTANT = """
我储物柜的密码是12348。
- 我听力不好。
我们的飞机星期五晚上到。
我是中学数学老师。
- 我大学起就吃纯素。
我姑姑把钢琴留给了我。
- 我跟小丹分了。
- 我们在湖边有个小屋。
- 我喝咖啡不加糖。
- 我去年秋天跑了第一个马拉松。
我的孩子一个六岁一个九岁。
- 我不会游泳。
我三号到十七号去希腊。
- 我一吃虾就难受。
我在写一本关于家乡的小说。
我婆婆要住到过年。
我是国安球迷。
我是近视眼。
- 兽医说米洛要换饲料。
- 我欠弟弟两百块。
- 我这个月上夜班。
我给我的船起名叫鹈鹕。
- 请一直用德语回答我。
- 我的鞋码是四十一。
我搬箱子伤了腰。
我申请了荷兰国籍。
我们给宝宝取名叫伊沃。
我以前住在内罗毕。
我老忘事，小汤的生日是五月二号，提醒我。
我的業餘愛好是修鐘錶。
"""

FOURTH_CHINESE_UNIMPORTANT = """
我一直以为鲸鱼是鱼。
我从来没说过。
我得走了。
我刚看了你的回答。
我不太相信。
我在厨房。
最后一步我有点糊涂。
我想看一个例子。
我试了，不行。
我见过这个。
我们刚才在聊火山。
我猜是个程序错误。
我下一个问题是关于罗马的。
我打赌你猜不出这个谜语。
我不这么认为。
我喜欢你的说法。
我按按钮的时候报错了。
真讨厌。
我们到这里吧。
我们的例子里价格是十块。
感谢你的帮助。
对不起，我说的是另一个文件。
好了叫我一声。
海报上说你很棒。
记得给图表加标题。
是我的错。
要不要我换个说法？
我按步骤算还是得七。
我需要签证吗？
我的英語好嗎？
"""
