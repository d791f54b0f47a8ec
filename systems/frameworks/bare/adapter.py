"""The floor: what a turn costs with the standard library alone, a connection and a thread for each turn under way."""

import asyncio
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Lock
from urllib.request import Request, urlopen

MAKE = """PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY, session TEXT, role TEXT, content TEXT);
CREATE INDEX IF NOT EXISTS of_session ON messages (session, number)"""
NEWEST = "SELECT role, content FROM messages WHERE session = ? ORDER BY number DESC LIMIT ?"


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        self.window, self.instructions = settings.get("window", 0), settings.get("instructions", "")
        self.url, self.lock, self.threads = f"{engine_url}/chat/completions", Lock(), ThreadPoolExecutor(64)
        self.file = sqlite3.connect(f"{data_dir}/messages.sqlite", check_same_thread=False)
        self.ask = import_module("in_process").ask if settings.get("in_process") else self.post

    def start(self):
        self.file.executescript(MAKE)

    async def answer(self, request, on_token):
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.turn, request, on_token)

    def turn(self, request, on_token):
        with self.lock:
            rows = self.file.execute(NEWEST, (request["session"], self.window or -1)).fetchall()
        history = [{"role": role, "content": content} for role, content in reversed(rows)]
        system = [{"role": "system", "content": self.instructions}] if self.instructions else []
        reply = self.ask([*system, *history, {"role": "user", "content": request["text"]}], request, on_token)
        rows = [(request["session"], "user", request["text"]), (request["session"], "assistant", reply["text"])]
        with self.lock, self.file:
            self.file.executemany("INSERT INTO messages (session, role, content) VALUES (?, ?, ?)", rows)
        return reply

    def post(self, messages, request, on_token):
        chosen = {"max_tokens": request["max_tokens"], **(request.get("sampling") or {})}
        body = {name: value for name, value in chosen.items() if value not in (None, [])}
        body |= {"model": "default", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        text, usage = "", {}
        with urlopen(Request(self.url, json.dumps(body).encode(), {"Content-Type": "application/json"})) as lines:
            for line in lines:
                said = json.loads(line[6:]) if line.startswith(b"data: {") else {}
                if "error" in said:
                    raise RuntimeError(said["error"])
                for choice in said.get("choices", []):
                    if piece := choice["delta"].get("content"):
                        text += piece
                        on_token(piece)
                usage = said.get("usage") or usage
        return {"text": text, "prompt_tokens": usage["prompt_tokens"], "generated_tokens": usage["completion_tokens"]}

    def close(self):
        self.threads.shutdown()
        self.file.close()
