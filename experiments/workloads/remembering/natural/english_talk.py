"""English: turns about something else, frames of facts and questions, and small talk."""

from __future__ import annotations

from experiments.workloads.remembering.natural.english_events import EVENTS, EXCHANGES
from experiments.workloads.remembering.natural.english_paraphrases import PARAPHRASES
from experiments.workloads.remembering.natural.english_topics import TOPICS
from experiments.workloads.remembering.natural.words import Talk

_STORIES = (
    "Can you help me with a <cover letter|job application|letter of motivation>? The company builds <parking"
    " sensors|water pumps|school furniture> and wants one page by <Friday|Monday|tomorrow night>. {F}. Anyway, I"
    " would like"
    " it to sound <confident but not pushy|friendly but serious>, and please leave out the two years I spent abroad.",
    "I need an idea for <dinner|supper|Sunday lunch> with what is in the fridge: half a"
    " <cabbage|cauliflower|pumpkin>, some"
    " eggs, <old bread|cold rice|boiled potatoes> and a piece of cheese. Nobody here likes it spicy. {F}. So it"
    " should not"
    " take longer than <half an hour|forty minutes>, and I have only one pan that is clean.",
    "My <spreadsheet|budget sheet> keeps showing an error in the <third|last|second> column, and I have no clue why."
    " {F}. But"
    " back to the sheet: the formula adds up the <hours|miles|invoices> of each week and then divides by <zero, it"
    " seems|something empty>. How do I tell it to skip the weeks that have nothing in them?",
    'Please check the tone of this message to our landlord: "The <lift|heating|stairwell light> has been out of'
    " order for"
    ' <eleven days|two weeks|nearly a month>, and we expect it to be mended." {F}. Does the message sound too harsh?'
    " I do"
    " not want to <start a war|burn any bridges>, but somebody has to say something.",
    "I would like to understand <compound interest|inflation|how a heat pump works> before I talk to the <bank|adviser|"
    "plumber>. Explain it as if I were <twelve|fifteen>. {F}. Sorry, my mind is all over the place today. If you"
    " can, add"
    " an example with small numbers, and tell me which <question|two questions> I should ask them first.",
    "What should I pack for <five|four|ten> days of <hiking|cycling> in <cold|wet|changeable> weather? I have a small"
    " rucksack and a bad back. {F}. Where was I, the packing: please sort the list by weight, and say what I could"
    " <leave at"
    " home|buy on the way> if it gets too heavy.",
    'Translate this for me, please: "The <parcel|delivery> was left with the neighbour on the <second|top> floor."'
    " It is"
    " for a <card|note> that I want to stick to the door. {F}. And while you are at it, a <polite|funny> second"
    " sentence"
    " that asks people <not to ring after nine|to close the gate> would be great.",
    "I am trying to <sleep better|get up earlier>, and all the advice I find contradicts itself. Some say no"
    " <coffee|screens>"
    " after <noon|four>, others say it makes no difference. {F}. That was a busy day, as you see. What does the"
    " research"
    " say, in <three|five> sentences and without selling me anything?",
    "Write me a short <speech|toast> for <a colleague who retires|my uncle's seventieth birthday>. He likes <bad"
    " puns|old"
    " trains|fishing> and hates being praised. {F}. Make it two minutes at most, because I get nervous, and the"
    " ending should"
    " give people a reason to <clap|raise their glasses>.",
    "The <dishwasher|tumble dryer> shows the code <E4|F11|E22> and beeps. I have cleaned the filter <twice|already>."
    " {F}. It"
    " never rains but it pours. Could you go through the likely reasons, starting with the <cheap|easy> ones, so that I"
    " know whether I need to call anybody?",
    "I want to learn <twenty|fifty> Spanish words a week and need a plan that survives a normal life. {F}. You see,"
    " there is"
    " always something. So perhaps <ten minutes|a quarter of an hour> in the <morning|evening>, with a day off?"
    " Please make"
    " a table for <four|six> weeks, and put the hard words early.",
    "Our <hiking club|parents' group|allotment society> needs minutes of last night's meeting. We talked about <the"
    " fees|the broken gate|who has the key>, nobody agreed, and it ended <late|with a vote>. {F}. Turn that into five"
    " neutral sentences, please, so that neither <side|of the two camps> feels attacked.",
    "Is it normal that a <sourdough starter|kombucha> smells of <nail varnish|apples>? It has been on the shelf for"
    " <three"
    " days|a week>. {F}. Anyway, I feed it in the <morning|evening> with equal parts of flour and water, and the"
    " kitchen is"
    " rather <cold|warm>. Should I throw it away or just be patient?",
    "Please suggest <three|four> board games for <six people|two adults and three children>. We have played the"
    " usual ones"
    " to death. {F}. Nothing that takes more than an hour, and nothing where one <player|person> is out early and"
    " has to"
    " watch. It may cost up to <thirty|fifty> euros.",
    "I have to give a talk about <bats|tides|old bridges> in a primary school, and I have never stood before"
    " children. {F}."
    " What could I bring that they can <touch|draw|take home>? The talk lasts <forty|thirty> minutes, and the"
    " teacher warned"
    " me that they ask about everything.",
    "Can you explain why my <tomato soup|gravy|custard> always curdles? I take it off the heat and add the cream"
    " <slowly|at"
    " the end>. {F}. To be fair, I was distracted last time. Still, there must be a trick, and my <mother|neighbour>"
    " will not"
    " tell me hers, she only smiles.",
    "I am comparing two phone contracts and cannot see through them. One has <more data|a free phone>, the other can be"
    " cancelled <monthly|any time>. {F}. Sorry for rambling. Let us say that I use <four|eight> gigabytes and hardly"
    " ever"
    " call abroad: which questions decide the matter?",
    "Make this paragraph shorter, please. It is for the <newsletter|notice board> and must fit under a picture of"
    " <the new"
    ' bench|the harvest|our choir>: "After a long winter with many delays the work could at last begin." {F}. One'
    " sentence"
    " would be perfect, and please no exclamation marks.",
    "How do I get <red wine|candle wax|ink> out of a <wool carpet|linen tablecloth>? It happened <last night|an hour"
    " ago>,"
    " and I have only put salt on it. {F}. One thing after another, really. I have vinegar, soda and washing-up"
    " liquid in"
    " the house, and the shops are closed.",
    "I am writing a story for my <niece|nephew|godchild> about a <hedgehog|snail> that wants to see the sea. {F}."
    " Could be a"
    " story of its own. So far the animal has got as far as the <motorway|railway>, and I need somebody who helps it"
    " across"
    " without <magic|a car>.",
    "What is the difference between <a virus and a bacterium|weather and climate|sleet and hail>? My <son|daughter>"
    " asked me"
    " at breakfast and I made something up. {F}. I would like to correct myself tonight, so keep it to what a"
    " <seven|nine>-"
    "year-old can follow, with a comparison from everyday life.",
    "My <back|neck> hurts from sitting all day, so I am looking for exercises that I can do <at my desk|in the"
    " office|beside"
    " the bed>. {F}. That is how my weeks look. Nothing that needs a mat, please, and nothing that makes my"
    " <colleagues|"
    "flatmates> stare. Three of them would be enough.",
)

_RAMBLES = (
    "Sorry for the late reply, <the whole day was a mess|I fell asleep on the sofa>. The <bus|tram> broke down, I"
    " had to walk"
    " and it was <raining|freezing>. {F}. Anyway, how was your <meeting|weekend|evening>? I want to hear all of it,"
    " but not"
    " before I have eaten something.",
    "I have just come back from the <market|supermarket> and it was <packed|a madhouse>, everybody was buying"
    " <pumpkins|"
    "candles|asparagus>. {F}. But what I really wanted to ask you: do you have time on <Sunday|Saturday> to help me"
    " with the"
    " <shelf|curtains>? I will cook, of course.",
    "Thanks for the photos, the one with the <umbrella|goat|hat> made me laugh out loud <in the waiting room|on the"
    " train>."
    " {F}. I will send you mine as soon as I have sorted them, there are <hundreds|far too many>, and half of them"
    " show my"
    " thumb.",
    "You would not believe how <slow|rude> they were at the <post office|town hall> today. Forty minutes for a"
    " stamp! {F}. Oh"
    " well. Let us talk about something nicer: have you seen the <new film|last episode> yet, or shall we watch it"
    " together?",
    "I finally <cleared out the cellar|tidied the attic>, and what I found there is unbelievable, <letters from"
    " school|three"
    " broken toasters|my old roller skates>. {F}. If you want any of it, say so before <Thursday|the weekend>,"
    " because then"
    " everything goes.",
    "Honestly, this <heat|fog|wind> is getting to me, I cannot concentrate on anything. {F}. So if I sound grumpy,"
    " it is not"
    " about you. Shall we go for a <swim|walk|coffee> later, when it is <cooler|better>? I could pick you up around"
    " <six|"
    "five>.",
    "I tried the recipe you sent me, and it came out <far too salty|like a brick|surprisingly well>. {F}. Next time"
    " I will"
    " follow it properly, I promise. What did you use instead of <butter|cream>? Mine was <off|all gone>, and I had to"
    " improvise.",
    "The <children|boys> next door have got <drums|a trumpet>, so that is my life these days. {F}. I am thinking of"
    " buying"
    " <earplugs|a trombone of my own>. But tell me, how is your <back|knee|cold>, any better? You sounded awful on the"
    " phone.",
)

ENGLISH = Talk(
    topics=TOPICS,
    events=EVENTS,
    exchanges=EXCHANGES,
    paraphrases=PARAPHRASES,
    stories=_STORIES,
    rambles=_RAMBLES,
    telling=(
        "{F}. Could you keep that in mind, I <always forget|tend to forget> such things?",
        "I just got off the phone, so here is the news: {f}. <It took ages.|That was a long call.>",
        "Before I ask you about <the tax form|the recipe|the essay>: {f}. It may <matter|come up> later.",
        "You know what, {f}. <It took long enough.|I am glad that is settled.|One thing less to think about.>",
        "Let me write this down here so that it does not get lost: {f}.",
        "<Long story short|To cut a long story short>, {f}, and I am <rather happy|quite tired> after all the back"
        " and forth.",
        "For my diary of this week: {f}. Apart from that not <much|a lot> happened.",
        "I was going to tell you <yesterday|earlier> and then the bell rang: {f}.",
        "{F}, which is <good to know|worth noting> in case anybody asks me about it.",
        "A bit of <news|gossip> from here, {f}. I shall leave it at that for <today|the moment>.",
        "My <weekend|evening> in one sentence: {f}. <The rest was laundry.|Otherwise I slept.>",
        "{F}. I am only telling you so that <somebody|one of us> remembers it.",
        "I am <sitting in the kitchen|on the train> with a cup of tea and thinking things over: {f}.",
        "Please add this to the <things|notes> you keep for me: {f}. <No hurry.|I might ask for it.>",
        "It has been one of those <weeks|days>, and to top it all, {f}.",
    ),
    saying=(
        "{F}.",
        "Guess what, {f}!",
        "Oh, and {f}.",
        "{F}, <by the way|in case you wondered|believe it or not>.",
        "Did I tell you that {f}?",
        "<Good|Well, some> news: {f}.",
        "<Hm, what else|What else is new>? {F}.",
        "{F}. <Crazy, right?|What do you say?|There you are.>",
        "Haha no, but {f}.",
        "I <meant|wanted> to tell you, {f}.",
        "<Sorry, I was distracted|Hang on>, {f}.",
        "Same here. {F}, that <was|is> all.",
        "So, {f}. <And you?|What about you?|Your turn.>",
        "<Honestly|Seriously>, {f}!",
        "You will <laugh|like this>: {f}.",
    ),
    short_asking=(
        "{Q}?",
        "Hey, {q}?",
        "Sorry, {q}?",
        "{Q}, do you know?",
        "Wait, {q}?",
        "Once more, please: {q}?",
        "{Q}, can you tell me?",
        "Hmm, {q}?",
        "And {q}?",
        "{Q} again?",
    ),
    long_asking=(
        "I was telling my <mother|father|dentist|hairdresser> about it <yesterday|on Sunday|the other day> and"
        " <could not remember|drew a blank|got it all wrong>: {q}?",
        "I am filling in <some papers|a form|an old-fashioned questionnaire> here and got stuck <at one"
        " line|halfway|on page two>, so please help me out: {q}?",
        "We were talking <at lunch|over coffee|in the car> and everybody <said something different|had another"
        " theory>, so I thought I would <ask you|check with you>: {q}?",
        "My memory is like a <sieve|colander|goldfish's> <these days|since the holidays|lately>, and I do not want"
        " to <ask the same people again|look silly>: {q}?",
        "This has been <bothering me|going round in my head> since <this morning|breakfast|I woke up> and I cannot"
        " <get on with anything else|concentrate>: {q}?",
        "I know that I <mentioned it|wrote it down here> at some point, but <I talk so much that I lose track|where"
        " would I begin to look>: {q}?",
        "Could you have a look in what I told you <earlier|before|some time ago>, because I need it for <an email|a"
        " letter|a list>: {q}?",
        "<Excuse me|Forgive me> for <coming back to this|being such a nuisance>, I promise that it is <the last"
        " time|important>: {q}?",
        "My <colleague|neighbour's son|old teacher> wants to know and I did not want to <guess|make something up>,"
        " so tell me, if you would: {q}?",
        "It is on the tip of my tongue and it <simply does not come back to me|will not come out>, <maddening|how"
        " annoying|I must be getting old>: {q}?",
        "There was <a quiz|an argument|a long silence> at <dinner|work|the club> because of me, all about one thing:"
        " {q}?",
        "Before I <go to bed|leave the house|send this off> I would like to have it clear once and for all: {q}?",
    ),
    recalling=(
        "Could you please remind me {r}? I am <writing a card|on the phone|at the counter> and my head is"
        " <completely empty|like cotton wool>.",
        "Would you happen to know {r}? Somebody asked me <at the office|in the lift|at the gym> and I just <stood"
        " there|shrugged>.",
        "I have been trying to remember <all day|for an hour|the whole way home> {r}, and it is driving me <up the"
        " wall|mad>. Can you help?",
        "Do you remember by any chance {r}? I must have told you <some time ago|weeks ago|at some point>, <between"
        " two other things|in passing>.",
        "I am sorry to <bother|trouble> you with this, but can you tell me {r}? I would rather not <ring anybody so"
        " late|ask around>.",
        "My <father|grandmother|godfather> wants to know {r}, and of course I have no idea <any longer|at all>. What"
        " did I say about that?",
        "Just to be sure that I have not <mixed things up|dreamt it|confused anything>: can you tell me {r}?",
        "Before I embarrass myself <in front of everyone tonight|at the table|in writing>, please tell me {r}.",
        "If you could look up for me {r}, that would save me <an awkward phone call|a lot of scrolling|half an hour>.",
        "There is one thing that I should know and do not, and that is {r}. Do you <have it somewhere|still know>?",
    ),
    remarks=(
        "I <talked to|spoke with|had a chat with> {N} about {T} <again |once more |>{today}.",
        "{N} <asked|was asking> me about {T} <again |>{today}, <but I was in a hurry|but there was no time>.",
        "{N} and I <were talking|talked> about {T} {today}, and then about the <weather|neighbours|news>.",
        "<We still have to talk|I must remember to talk> to {N} about {T}<.|, one of these days.>",
        "<No news|Nothing new> from {N} about {T} {today}.",
        "How is {N} <doing|getting on>, and what about {T}?",
    ),
    exchanged=(
        ("How was your <day|morning|week>?", "<Long|Quiet|Not bad>, thanks. I am <glad it is over|ready for bed>."),
        ("Have you <eaten|had lunch> yet?", "<Not yet|Just soup|Only a sandwich>, I had <no time|no appetite>."),
        (
            "Did you see the <rainbow|full moon|fog> <this morning|last night>?",
            "No, I was <asleep|at my desk>. Was it nice?",
        ),
        (
            "Shall we <go for a walk|have a coffee|play cards> later?",
            "<Gladly|Why not>, but not before <five|six|four>.",
        ),
        ("Is {N} coming <tonight|on Sunday|along>?", "I <think so|doubt it|have not asked>, you know how it is."),
        ("I <ran into|met> {N} at the <bakery|station|pool>.", "Oh, how nice! Say hello from me next time."),
        ("The <train|bus|tram> is late again.", "<Typical|What a surprise>. Take your time, I am <here|at home>."),
        ("I cannot get this <song|tune> out of my head.", "Please do not <sing|whistle> it to me, I beg you."),
        ("What are you <reading|watching> these days?", "Nothing much, I fall asleep after <two pages|ten minutes>."),
        ("Happy <Friday|Monday>, I suppose!", "Ha, same to you. <Only a few hours left.|Coffee first.>"),
        ("It is <so hot|freezing|so windy> here.", "Here too, I have <closed all the shutters|put on two jumpers>."),
        ("Did {N} ever answer your <message|letter>?", "With <one word|a smiley|three words>, as always."),
        ("My <phone|laptop> is nearly dead.", "Then <ring me later|charge it>, it was nothing urgent."),
        ("You are up <late|early>!", "Could not sleep, the <cat|wind|neighbour> was too loud."),
        ("Thank you for the <cake|flowers|ride>!", "Any time, it was a pleasure, <really|honestly>."),
        ("Do you need anything from the <shop|market>?", "<Milk|Bread|Some onions>, if it is not too much trouble."),
        ("I am <so tired|exhausted> today.", "Then lie down for a bit, nobody will <mind|notice>."),
        ("Sorry, I <missed your call|saw this only just now>.", "No problem, I only wanted to <chat|hear your voice>."),
    ),
    linking=("{F}", "By the way, {f}", "Just so you know, {f}", "Oh, and {f}"),
    todays=("today", "this morning", "yesterday", "on the way home", "over lunch", "on the phone"),
    whens=(
        "yesterday",
        "the day before yesterday",
        "last Monday",
        "last Tuesday",
        "last Wednesday",
        "last Thursday",
        "last Friday",
        "last weekend",
        "three days ago",
        "four days ago",
        "five days ago",
        "a week ago",
        "ten days ago",
        "two weeks ago",
        "three weeks ago",
        "a month ago",
        "last month",
        "this morning",
        "last night",
        "on Sunday",
    ),
    relations={
        "my sister": True,
        "my brother": False,
        "my aunt": True,
        "my cousin": False,
        "my neighbour": True,
        "my boss": False,
        "my flatmate": True,
        "my uncle": False,
        "my landlady": True,
        "my nephew": False,
    },
    replies=(
        "Noted, thanks for telling me.",
        "Good to know. Anything else?",
        "I see, I will keep it in mind.",
        "Sure, let us go through it step by step.",
        "Of course. Here is a first attempt.",
        "That makes sense.",
    ),
    answering="<It was {V}, I think.|{V}, if I remember rightly.>",
    oneself=("I", "my", "I", "my", "me"),
    women=("she", "her", "her"),
    men=("he", "his", "him"),
    owner="{}'s",
    line="{}: {}",
)
