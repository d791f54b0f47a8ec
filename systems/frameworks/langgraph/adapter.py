"""LangGraph as its documentation builds a chat with memory: one node that asks the model, and a checkpointer."""

from importlib import import_module
from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage, trim_messages
from langchain_openai import ChatOpenAI
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import _messages_delta_reducer
from langgraph.runtime import Runtime

SAMPLING = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")


class DeltaState(TypedDict):
    messages: Annotated[list[AnyMessage], DeltaChannel(_messages_delta_reducer)]


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        self.window, self.instructions = settings.get("window", 0), settings.get("instructions", "")
        inside = import_module("in_process").Model() if settings.get("in_process") else None
        self.model = inside or ChatOpenAI(model="default", base_url=engine_url, api_key="none", stream_usage=True)
        self.opened = AsyncSqliteSaver.from_conn_string(f"{data_dir}/checkpoints.sqlite")
        self.builder = StateGraph(DeltaState if settings.get("delta") else MessagesState, context_schema=dict)
        self.builder.add_node("model", self.node)
        self.builder.add_edge(START, "model")

    async def start(self):
        self.graph = self.builder.compile(checkpointer=await self.opened.__aenter__())

    async def node(self, state, runtime: Runtime):
        messages = state["messages"]
        if self.window:
            most = self.window + 1  # the question is among them
            messages = trim_messages(messages, max_tokens=most, token_counter=len, strategy="last", start_on="human")
        system = [SystemMessage(self.instructions)] if self.instructions else []
        return {"messages": [await self.model.bind(**(runtime.context or {})).ainvoke([*system, *messages])]}

    async def answer(self, request, on_token):
        chosen = {name: (request.get("sampling") or {}).get(name) for name in SAMPLING}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        if request["max_tokens"] is not None:
            chosen["max_tokens"] = request["max_tokens"]
        asked = {"messages": [HumanMessage(request["text"])]}
        thread = {"configurable": {"thread_id": request["session"]}}
        text, usage = "", {}
        async for piece, _ in self.graph.astream(asked, thread, context=chosen, stream_mode="messages"):
            if piece.content:
                text += piece.content
                on_token(piece.content)
            usage = piece.usage_metadata or usage
        counts = {"prompt_tokens": usage["input_tokens"], "generated_tokens": usage["output_tokens"]} if usage else {}
        return {"text": text, **counts}

    async def close(self):
        await self.opened.__aexit__(None, None, None)
