"""A small system for another interpreter: it has the whole conversation in a file, and sends as much as its window has.

Nothing but the standard library is there.
"""

import json
import urllib.request
from pathlib import Path


class Notebook:
    """Saves each turn before it says the reply, or, if it is lazy, all of them when it is closed."""

    def __init__(self, settings, engine_url, data_dir):
        self._settings, self._url = settings, engine_url
        self._file = Path(data_dir) / "said.json"
        self._said = {}

    def start(self):
        if self._file.exists():
            self._said = json.loads(self._file.read_text())

    def answer(self, request, on_token):
        said = self._said.setdefault(request["session"], [])
        history = said[-self._settings["window"] :] if self._settings["window"] else said
        asked = {"role": "user", "content": request["text"]}
        body = {"model": "default", "messages": [*history, asked], "max_tokens": request["max_tokens"]}
        call = urllib.request.Request(
            f"{self._url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(call) as response:
            text = json.load(response)["choices"][0]["message"]["content"]
        on_token(text)
        said += [asked, {"role": "assistant", "content": text}]
        if not self._settings["lazy"]:
            self._save()
        return text

    def close(self):
        self._save()

    def _save(self):
        self._file.write_text(json.dumps(self._said))
