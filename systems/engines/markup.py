"""Markup of chat templates in what somebody said: broken by a space, so that it is text to any model that reads it.

Where a model runs in this process its own vocabulary says what is markup (`systems.engines.llama_text`). What is sent
to somebody else's server, or stands in a prompt as a note, is kept from the markup that is known in the field.
"""

from __future__ import annotations

import re

# The first character of each; a space after it takes the rest of its meaning. Families: ChatML, Llama 3, Phi and others
# write <|name|>, DeepSeek <｜name｜>, Gemma <start_of_turn>, Llama 2 and Mistral [INST], <<SYS>> and </s>.
_OPENING = re.compile(
    r"<(?=[|｜])"
    r"|<(?=/?\w+[|｜]>)"
    r"|<(?=<?/?(?:s|bos|eos|sop|eop|unk|pad|sep|cls|mask|SYS|(?:start|end)_of_\w+|think|tool_call|tool_response)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|gMASK|BOS|EOS|CLS|SEP|PAD|MASK)\])"
)


def broken(text: str) -> str:
    """Return ``text`` with a space after the first character of all known markup; a second time changes nothing."""
    if "<" not in text and "[" not in text:
        return text
    return _OPENING.sub(r"\g<0> ", text)
