"""Terms (stand-in)."""

from __future__ import annotations

import re
import unicodedata

from systems.memory.stemming import stem

_RUN = re.compile(r"[a-z0-9+#]+|[\u3400-\u9fff]+|[^\W_]+")
_STOP = frozenset(
    "i me my myself we our ours ourselves you your yours he him his she her hers it its they them their theirs what which who whom this that these those am is are was were be been being have has had having do does did doing would should could ought i'm you're a an the and but if or because as until while of at by for with about against between into through during before after above below to from up down in out on off over under again further then once here there when where why how all any both each few more most other some such no nor not only own same so than too very s t can will just don should now ve ll re d m tell sorry ask please remember rememb doe forgot 的 了 吗 呢 我 你 他 她 是 在 有 什 么 什么 哪 里 哪里 谁 怎 怎么 多 少 多少 吧 啊 和 也 都 就 这 那 我们 你们".split()
)


def cut(text: str) -> list[str]:
    """Return every term."""
    found: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if "\u3400" <= run[0] <= "\u9fff":
            found += run
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            found.append(stem(run))
    return found


def asked(text: str) -> list[str]:
    """Return content terms."""
    found = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if "\u3400" <= run[0] <= "\u9fff":
            for part in re.split("[的了吗呢我你他她是在有什么哪里谁怎多少吧啊和也都就这那还记得请问]+", run):
                if len(part) == 1: found.append(part)
                found += [part[i : i + 2] for i in range(len(part) - 1)]
        else:
            found.append(stem(run))
    terms = list(dict.fromkeys(found))
    return [t for t in terms if t not in _STOP] or terms or list(dict.fromkeys(cut(text)))
