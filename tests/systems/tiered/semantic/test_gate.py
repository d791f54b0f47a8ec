"""Each rule of the gate tells apart what it is there for, and lets paraphrases through."""

import pytest

from systems.tiered.semantic.gate import Gate
from systems.tiered.semantic.wording import Wording


def difference(one, other, least_shared=0.6):
    return Gate(least_shared=least_shared).difference(Wording.of(one), Wording.of(other))


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("How many legs has a spider?", "Why has a spider legs?", "kind"),
        ("How do I cut a tree into 3 parts?", "How do I cut a tree into 4 parts?", "numbers"),
        ("Convert twelve inches of rope.", "Convert 13 inches of rope.", "numbers"),
        ("What weighs 5 kg in a lab?", "What weighs 5 lb in a lab?", "units"),
        ("Did the novelist Anna Keller die?", "Did the novelist Anna Kehler die?", "names"),
        ("Which plants are poisonous for cats?", "Which plants are not poisonous for cats?", "negation"),
        ("Is it healthy to eat raw fish?", "Is it unhealthy to eat raw fish?", "negation"),
        ("Can't penguins fly over water?", "Can penguins fly over water?", "negation"),
        ("What is the cheapest laptop brand?", "What is the most expensive laptop brand?", "comparison"),
        ("Did Anna hire Petra?", "Did Petra hire Anna?", "direction"),
        ("Was Anna hired by Petra?", "Did Anna hire Petra?", "direction"),
        ("Convert dollars into francs.", "Convert francs into dollars.", "direction"),
        ("How do I bake a rye bread?", "How do I bake a plum cake?", "content"),
        ("哈洛的大桥有没有栏杆？", "林登的大桥有没有栏杆？", "names"),
        ("二十磅等于多少公斤？", "三十磅等于多少公斤？", "numbers"),
        ("张伟雇用了刘洋吗？", "刘洋雇用了张伟吗？", "direction"),
        ("兰花可以浇水吗？", "兰花不可以浇水吗？", "negation"),
        ("怎么安装速画软件？", "怎么卸载速画软件？", "names"),
    ],
)
def test_what_asks_something_else_is_told_apart(one, other, rule):
    assert difference(one, other) == rule
    assert difference(other, one) == rule


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I reset the router's password?", "What is the way to reset the password of a router?"),
        ("What is the capital of Chile?", "Tell me the capital city of Chile."),
        ("What's the capital of Chile?", "what is the capital of chile"),
        ("Convert 12 pounds to kg.", "Convert twelve pounds to kilograms."),
        ("How can I repair a bicycle?", "How do you fix a bike?"),
        ("怎么重置路由器的密码？", "请问路由器的密码如何重置？"),
    ],
)
def test_what_asks_the_same_goes_through(one, other):
    assert difference(one, other) is None


def test_a_rule_can_be_left_out():
    wordings = Wording.of("Cut 3 parts of wood."), Wording.of("Cut 4 parts of wood.")
    assert Gate(rules=("content",)).difference(*wordings) is None
    assert Gate(rules=("numbers",)).difference(*wordings) == "numbers"


@pytest.mark.parametrize("text", ["", "?", "12", "\ud800 what", "a" * 5000, "是" * 3000, "零万亿百", "🙂🙂"])
def test_any_text_can_be_taken_apart(text):
    assert difference(text, text) is None
