"""A small system for another interpreter: it has the whole conversation in a file, and sends as much as its window has.

Nothing but the standard library is there.
"""

import json
import os
import urllib.request
from pathlib import Path


class Notebook:
    """Saves each turn before it says the reply, or, if it is lazy, all of them when it is closed.

    It may ask for a title after each turn, tear its file, and die when a history has so many messages.
    """

    def __init__(self, settings, engine_url, data_dir):
        self._settings, self._url = settings, engine_url
        self._file = Path(data_dir) / "said.json"
        self._said = {}

    def start(self):
        if self._file.exists():
            self._said = json.loads(self._file.read_text())

    def answer(self, request, on_token):
        said = self._said.setdefault(request["session"], [])
        if self._settings["dies_at"] and len(said) >= self._settings["dies_at"]:
            os._exit(3)
        history = said[-self._settings["window"] :] if self._settings["window"] else said
        asked = {"role": "user", "content": request["text"]}
        text = self._ask([*history, asked], request["max_tokens"])
        on_token(text)
        if self._settings["titles"]:
            self._ask([{"role": "user", "content": f"A title for this, please: {request['text']}"}], 4)
        said += [asked, {"role": "assistant", "content": text}]
        if not self._settings["lazy"]:
            self._save()
        return text

    def close(self):
        self._save()

    def _ask(self, messages, max_tokens):
        body = {"model": "default", "messages": messages, "max_tokens": max_tokens}
        call = urllib.request.Request(
            f"{self._url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(call) as response:
            return json.load(response)["choices"][0]["message"]["content"]

    def _save(self):
        text = json.dumps(self._said)
        self._file.write_text(text[:-1] if self._settings["torn"] else text)
