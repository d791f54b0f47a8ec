"""Messages that only ask, and messages that tell something, perhaps beside a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.asking import only_asks
from tests.systems.memory import messages

ASKS = """
Where does Anna live?
I forgot: what is my dog called?
what is my door code
Tell me: where do I live?
Can you remind me what I said about the trip?
Remind me what my wifi password is
I can't remember where I parked the car.
Where do I live, do you know?
Hey Caroline! How's it going?
What’s my sister’s name？
Do you remember where I work?
Do you remember my name?
Did I tell you where I live?
Hi! What kind of music do I like?
Who is my dentist, and when do I see him?
Which city did I move to after I left Delft?
How do I like my coffee?
Wow, that's great! What did you do?
And my dog?
Can you tell me a joke?
Recommend a film.
By the way, when is my birthday?
Sorry, quick question: what was my old address
Is my sister older than me?
What is the number of my new dentist?
你还记得我住在哪里吗
你還記得我住在哪裡嗎？
我忘了，我的狗叫什么？
你好，请问我叫什么名字？
我的生日是哪天
上次我说的餐厅，叫什么名字？
我跟你说过我在哪里工作吗？
你知道我住哪里吗
告诉我，我的车停在哪儿？
¿Dónde vivo?
Hola Ana, ¿dónde vives?
أين أسكن؟
Wo wohne ich?
Weißt du noch, wo ich wohne?
Où est-ce que j'habite ?
Где я живу?
私の犬の名前は何ですか。
私はどこに住んでいますか？
내 개의 이름이 뭐예요?
제가 어디에 사는지 기억하나요
When did Caroline go to the support group?
What did Melanie paint last year?
How long has Gina had her dog?
How many weeks ago did I go to the dentist?
What brand are my running shoes?
How much did I pay for the camera I bought in Lisbon?
Do I have any allergies?
Which of my sisters lives in Porto?
What was the name of the restaurant we went to in May?
In what year did I graduate?
Could you tell me what my budget was?
Have I ever been to Japan?
Hi there, can you remind me when my flight leaves?
What did I tell you about my mother?
So what's my wifi password again?
Was it Anna or Marta who moved?
Whose birthday is on 3 May?
Please tell me the name of my dentist.
Can you recall which hospital my dad is in?
I don't suppose you remember my shoe size?
Do you still know what I do for a living?
我妹妹住在哪个城市？
你记不记得我上次去哪里旅游了
请告诉我我的门锁密码
小李去年画了什么？
我养了几只猫？
我是什么时候搬到北京的？
我的预算是多少来着？
我對什麼過敏？
Just to be sure that I have not confused anything: can you tell me when I see the dentist?
I am filling in a form and got stuck at one line, please help me out: where was my mother born?
我这次跑步得了第几名
""".strip().splitlines()

TELLS = """
Which reminds me, Anna's birthday is on 3 May.
List of my allergies: peanuts and kiwi.
Remind me: dentist on 3 May at 9.
Do you know what, Bob got the job at Bosch!
How Vera makes her bread: rye, water and salt.
우리 할머니
I just got back from Lisbon. What should I cook?
I just got back from Lisbon, what should I cook?
Can you suggest accessories for my new Sony camera?
You know I moved to Delft, right?
Remind me to call Anna on Friday
My dog is called Rex.
What a lovely day.
When I was young I lived in Delft.
Did you know that I have two cats?
Did I tell you I moved?
Did I mention my sister is getting married?
I live in Delft, don't I?
I forgot my umbrella at work.
What should I cook now that I'm vegetarian?
Any ideas for our anniversary next week?
Why is my new phone so slow?
As I turn 40 in May, what should I do?
My flight is at nine; when should I leave?
Can you help me plan a party? My son turns six.
Is it safe for my cat to eat tuna?
Where can I get a present for Anna, who loves chess?
Delft.
Thanks
Hello!
I don't know any French.
I don't know how to swim.
I don't know how to tell my sister that I'm pregnant.
I don't know what to do, my dog died.
I don't remember.
Remember that I'm allergic to nuts
Which is why I sold the car.
我昨天买了一只猫，你觉得叫什么好？
我搬到北京了，你知道吗？
你知道我搬到北京了吗？
我对花生过敏，能吃这个吗？
我什么都吃
你能推荐适合我新相机的配件吗？
没什么
我叫王芳。你呢？
我買了一隻貓，該叫什麼？
Ich war gestern in Lissabon, was soll ich kochen?
Acabo de volver de Lisboa, ¿qué cocino?
J'habite à Delft.
犬を飼っています。名前は何がいいですか。
저는 서울에 살아요.
Is there a way to get my boxes of old toys sold online?
What are the best ways to clean my white Adidas sneakers?
Do you have any tips for keeping my tank of 10 neon tetras healthy?
What's a good way to organise my 25 vintage cameras?
How can I improve my 10K time of 52 minutes?
I'm trying to remember the name of a film. Any idea?
By the way, I finished the book last night. What next?
What do you think of my new haircut?
Have you seen my post about the marathon I ran on Sunday?
Would you like to come to my wedding in June?
Guess what, I got the job!
Speaking of dogs, mine learned to swim, can you believe it?
Yeah, I painted that lake sunrise last year! It's special to me. What do you think?
Wow, Mel! I joined a support group yesterday, it was powerful. How about you?
We got a puppy. Isn't she cute?
Should I bring my passport since I'm flying to Rome on Friday?
Do you know any recipes? I eat no meat
She moved to Oslo, didn't she?
我最近在学吉他，有什么好的教程吗？
我女儿下周过生日，送什么好？
能帮我看看我刚写的小说吗？
我家的狗总是叫，怎么办？
听说小王搬到上海了，真的吗？
对了，我考上了北大，你觉得我该学什么？
Somebody was disqualified, which puts me in third place.
612 euros, just like that?
I moved to Delft, can you believe it?
我总在收据背面涂几行字。
我有几个老朋友在北京
""".strip().splitlines()


@pytest.mark.parametrize("text", ASKS)
def test_a_question_only_asks(text):
    assert only_asks(text)


@pytest.mark.parametrize("text", [*TELLS, "", " ", "..."])
def test_what_tells_something_does_not_only_ask(text):
    assert not only_asks(text)


@given(st.sampled_from(ASKS + TELLS))
def test_the_answer_does_not_depend_on_how_a_message_is_written(message):
    expected = only_asks(message)
    curly = message.replace("'", "’")
    wide = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in message)
    for written in (message.upper(), curly, message.replace("’", "'"), wide, f"“{message}”", f"  {message}\n"):
        assert only_asks(written) is expected


@given(st.lists(st.sampled_from(ASKS), min_size=1, max_size=4), st.sampled_from(TELLS[:12]), st.integers(0, 4))
def test_questions_together_ask_and_one_statement_among_them_tells(questions, told, place):
    assert only_asks("\n".join(questions))
    assert not only_asks("\n".join([*questions[:place], told, *questions[place:]]))


IMPORTANT = "\n".join(getattr(messages, name) for name in dir(messages) if name.endswith("_IMPORTANT"))


@pytest.mark.parametrize("text", [line.removeprefix("- ") for line in IMPORTANT.splitlines() if line])
def test_no_message_worth_keeping_is_taken_for_a_question(text):
    assert not only_asks(text)


@given(st.text(max_size=200))
def test_any_text_is_judged(text):
    assert only_asks(text) in {True, False}
