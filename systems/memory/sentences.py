"""Sentences of a message, in the plain spelling that rules about them are written for, and parts of such rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# What people and their keyboards put for an apostrophe, and the traditional characters that a rule names: this is no
# converter.
_PLAIN = str.maketrans(
    "‘’‛ʼ´′"
    "們這個時會說話請問記憶為無從對還沒過現歲學醫師業機號碼郵電貓豬養愛歡厭親媽爺婦兒孫結離懷產藥術診傷類"
    "聽見覺買賣錢預萬塊歐員課試題週鐘點飛國語練習彈網絡線門鑰車開輛參麼誰嗎裡裏幾訴應該當薦議幫麵質別場長"
    "東給訂約進馬樣剛講謝煩總後專態傳單雙論",
    "''''''"
    "们这个时会说话请问记忆为无从对还没过现岁学医师业机号码邮电猫猪养爱欢厌亲妈爷妇儿孙结离怀产药术诊伤类"
    "听见觉买卖钱预万块欧员课试题周钟点飞国语练习弹网络线门钥车开辆参么谁吗里里几诉应该当荐议帮面质别场长"
    "东给订约进马样刚讲谢烦总后专态传单双论",
)
# Signs in full width, of which every Chinese text has some: for them alone Unicode's own way takes ten times as long.
_PLAIN.update({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})
# A sentence ends with its marks, or a line does; the point of "3.5" or of an address ends nothing.
# Each begins with one of a few characters, which lets the search skip all others.
_END = re.compile(r"[!?؟。.\n](?:(?<=[!?؟。])[!?؟。]*|(?<=\.)(?<!\.\.)\.*+(?=[\s\"'”»」』)]|$)|(?<=\n))")
_AROUND = " \t\r\"'“”«»「」『』*_"


# To put more marks in order than any language writes in a row takes the square of their number.
_MANY_MARKS = re.compile("([\u0300-\u036f]{16})[\u0300-\u036f]+")


def any_of(*patterns: str) -> str:
    """Return a pattern that matches what any of ``patterns`` matches."""
    return f"(?:{'|'.join(patterns)})"


def any_word(words: str) -> str:
    """Return a pattern that matches any of the ``words``, which are divided by spaces."""
    return any_of(*words.split())


def plain(text: str) -> str:
    """Return ``text`` in lower case and half width, with straight apostrophes and simplified characters."""
    if text.isascii():
        return text.lower()
    text = text.translate(_PLAIN)
    if _MANY_MARKS.search(text):
        text = _MANY_MARKS.sub(r"\1", text)
    return unicodedata.normalize("NFKC", text).lower()


def sentences(plain_text: str) -> Iterator[tuple[str, bool]]:
    """Yield every sentence of a plain text without its marks, and whether a question mark ended it."""
    start = 0
    for end in _END.finditer(plain_text):
        sentence = plain_text[start : end.start()].strip(_AROUND)
        start = end.end()
        if sentence:
            yield sentence, "?" in end[0] or "؟" in end[0]
    rest = plain_text[start:].strip(_AROUND)
    if rest:
        yield rest, False
