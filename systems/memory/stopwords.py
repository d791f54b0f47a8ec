"""Words that say nothing of what a question is about: they are kept, but they are not looked for.

English is Snowball's published stop list (snowballstem.org/algorithms/english/stop.txt) without its contractions,
which are taken apart before, and with words that questions and chats are full of. Negations are among them: who asks
what somebody does *not* eat is answered by what is said of eating. The other lists are of the commonest words of
grammar in their languages, without those that mean something in English.

All of them are in the form that `letters.plain` leaves, in lower case, and not yet stemmed.
"""

from __future__ import annotations

import re

_ENGLISH = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves what which who whom this that these those am is are was were be been being
have has had having do does did doing would should could ought a an the and but if or because as until while of at by
for with about against between into through during before after above below to from up down in out on off over under
again further then once here there when where why how all any both each few more most other some such no nor not only
own same so than too very cannot

us mine whose whatever whichever whoever wherever whenever however can will shall may might must done got get gets
getting going gonna gotta wanna let lets ur
ever never also just now yet still already even really quite rather maybe perhaps actually basically anyway though
although since every many much lot lots else another either neither
yes yeah yep yup nope ok okay oh ah um uh hm hmm hey hi hello well please pls thanks thank sorry sure like likely
tell ask asked asking remind remember recall know mention mentioned say said says talked told wonder wondering
something anything nothing everything someone anyone somebody anybody everyone thing things stuff kind sort
"""

# As these are written they are names: the United States, a month, a person, a town.
NAMES = frozenset("US IT WHO UN LA MIT May Will".split())

_OTHERS = """
le la les des une un et est dans qui que qu quoi ou quand quel quelle quels quelles pourquoi je tu il elle
nous vous mon ma mes ta tes du au aux ce cet cette ces sur avec sont etait avons avez pas ne de en se sa ses
der das und ist ein eine einen einem einer ich du sie es wir ihr mein meine meinen meiner dein deine wie wo wann warum
wer wen welche welcher welches nicht mit auf zu dem im von vom habe hast haben ja nein kein keine
el los las una unos unas como cuando donde quien quienes cual cuales mi mis tu tus su sus es en con por para
esta este esto porque muy mas si del lo
и в во не что он на я с со как а то она так его но да ты к у же вы за бы по ее мне было вот от меня о об из ему когда
где кто какой какая какое какие мой моя мое мои твой твоя это этот эта ли чем чей чья сколько почему зачем куда откуда
мы они был была были есть для до или
και το τα τη την τον του της των ο η οι τι που πως ποιος ποια ποιο ποτε γιατι ειναι ηταν με σε για απο μου σου εχω εχει
στο στη στην στον δεν να θα
من في علي الي عن ما ماذا هل اين متي كيف لماذا كم اي هو هي انا انت هذا هذه ذلك التي الذي كان كانت لي لك و يا لا
है हैं था थी थे का के की में मैं मे क्या कहां कब कौन किस कैसे क्यों कितना कितने कितनी से को और पर यह वह मेरा मेरी मेरे आप
तुम हम ने भी ही तो हूं
cua khong nao toi
"""

WORDS = frozenset(_ENGLISH.split()) | frozenset(_OTHERS.split())

# Chinese. What is found of these in a question is left out, and the words before and after do not touch.
PHRASES = re.compile(
    "什么时候|什么样|什么|为什么|怎么样|怎么办|怎么|怎样|哪一?[个些里儿位天年种]|哪|多少|几[个点号时]|有没有|是不是|能不能|会不会"
    "|可不可以|要不要|对不对|好不好|请问|还?记得|记不记得|告诉|知道|说过|提过|提到过?|之前|一下|一个|这[个些里样么]|那[个些里样么]"
    "|我们|你们|他们|她们|它们|咱们|大家|自己|因为|所以|但是|可是|然后|如果|虽然|而且|或者|还是|就是|不是|没有|可以"
    "|的?时候|[的了吗呢吧啊呀嘛哦噢哈么谁我你您他她它咱是]"
)
CHARACTERS = frozenset(
    "们在有和与跟及或也都就又还才只很太最更这那此其把被让给对从到往向以为于而且但因所之个着过得地不没别会能要想说"
)

# Japanese. After a word's character these are particles, not the end of it, and of two of them in a row nothing is
# asked; nor of the endings that every sentence has.
PARTICLES = frozenset("はがをにでとのもへやかねよ")
ENDINGS = frozenset(
    "です でし した ます まし せん ませ すか たか って てい いる いま から まで ので のに では には とは とか"
    " どこ どの どん どう いつ なに なん だれ さん ちゃ くだ ださ さい こと もの ある あり あっ この その あの"
    " これ それ あれ ここ そこ あそ わた たし あな なた ぼく おれ とき する しま しょ ょう たい だっ った れて"
    " れる られ なっ なる よう うに ても でも だけ しか など くれ れま えて のは のが のを"
    # Korean: the last syllables of polite words, particles, question words, pronouns.
    " 에서 에게 한테 까지 부터 으로 이다 니다 습니 입니 합니 니까 나요 어요 아요 해요 예요 이에 에요 했어"
    " 했나 었어 았어 었나 았나 인가 가요 어디 언제 누구 무엇 뭐예 뭐야 왜요 어떻 떻게 얼마 몇시 나의 내가"
    " 저는 나는 너는 제가 우리 이거 그거 저거 있어 있나 있는 하는 였어 였나 지요 이야 인데 는데".split()
)
