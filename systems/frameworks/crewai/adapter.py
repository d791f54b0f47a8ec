"""CrewAI as its guide has it for chats: a conversational flow, whose state is persisted when a turn was answered."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module

from crewai import LLM
from crewai.events.event_listener import event_listener
from crewai.flow import ConversationConfig, ConversationState, Flow, listen, persist
from crewai.flow.persistence import SQLiteFlowPersistence

CHOSEN = ("max_tokens", "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        event_listener.formatter.verbose = False  # else it draws a box around each piece of a reply
        self.window, self.prompt = settings.get("window", 0), settings.get("instructions") or None
        self.llm = import_module("in_process").Model if settings.get("in_process") else LLM
        self.endpoint = {"model": "default", "provider": "openai", "base_url": engine_url, "api_key": "none"}
        self.store = SQLiteFlowPersistence(f"{data_dir}/flows.sqlite")
        self.threads, self.kind = ThreadPoolExecutor(64), cache(self.kind)  # a thread for each turn under way

    def start(self): ...  # the file is there

    def kind(self, chosen):  # its client has one bound for all its replies
        newest = slice(-self.window - 1 if self.window else None, None)  # the question is among them
        llm = self.llm(**self.endpoint, **dict(chosen))

        @ConversationConfig(system_prompt=self.prompt, llm=llm, trace_scope="turn")
        class Chat(Flow[ConversationState]):
            @property
            def conversation_messages(self):
                return super().conversation_messages[newest]

            @persist(self.store)
            @listen("converse")
            def converse_turn(self):
                return super().converse_turn()

        return Chat

    async def answer(self, request, on_token):
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.turn, request, on_token)

    def turn(self, request, on_token):
        chosen = {"max_tokens": request["max_tokens"], **(request.get("sampling") or {})}
        kind, usage = self.kind(tuple((name, chosen.get(name)) for name in CHOSEN)), {}
        flow = kind(persistence=self.store, suppress_flow_events=True)  # as a server has one for each request
        stream = flow.stream_turn(request["text"], session_id=request["session"])
        for frame in stream:
            if frame.type == "llm_stream_chunk":
                on_token(frame.content)
            usage = frame.data.get("usage") or usage
        sent, said = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        return {"text": stream.result, "prompt_tokens": sent, "generated_tokens": said}

    async def close(self):
        self.threads.shutdown()
