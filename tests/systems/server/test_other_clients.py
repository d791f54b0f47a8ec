"""Other people's agents and clients hold a conversation with tools: with an engine alone, and with the agent.

What is said stands fixed, so that what is tested is the protocol; the real model's test lets a grammar make the calls.
Two of these packages are installed with the tests, which skip those that are not there; `nox -s clients` has them all.
"""

import asyncio
import importlib
import warnings

import pytest

from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.server.direct import EngineHost
from tests.systems.server.serving import agent, listening_to
from tests.systems.server.speaking import Speaking

CALL = '{"tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]}'
ANSWER = "It is cold in Oslo."
ASKED = "What is the weather in Oslo?"


def package(name):
    """Return the module ``name``, or skip the test."""
    pytest.importorskip(name.partition(".")[0], reason=f"{name.partition('.')[0]} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine(monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "anything")


@pytest.fixture(params=["engine", "agent"])
def speaking(request, tmp_path):
    """Return a function that hosts what says the replies it is given, one after the other."""

    def hosted(*replies):
        engine = Speaking(*replies)
        return listening_to(EngineHost(engine, 60) if request.param == "engine" else agent(tmp_path, engine))

    return hosted


@pytest.mark.parametrize("stream", [False, True])
async def test_langchain(speaking, stream):
    chat_models = package("langchain_openai")
    messages = package("langchain_core.messages")

    def weather(city: str) -> str:
        """Say how the weather is in a city."""
        return f"Cold in {city}."

    async def said(model, talk):
        if not stream:
            return await model.ainvoke(talk)
        whole = None
        async for chunk in model.astream(talk):
            whole = chunk if whole is None else whole + chunk
        return whole

    for by_responses in (False, True):
        async with speaking(CALL, ANSWER) as address:
            model = chat_models.ChatOpenAI(
                model="test",
                base_url=f"http://{address}/v1",
                api_key="anything",
                use_responses_api=by_responses,
                max_retries=0,
            )
            talk = [messages.SystemMessage("Be short."), messages.HumanMessage(ASKED)]
            first = await said(model.bind_tools([weather], tool_choice="required"), talk)
            [called] = first.tool_calls
            assert (called["name"], called["args"]) == ("weather", {"city": "Oslo"})
            talk += [first, messages.ToolMessage(weather(**called["args"]), tool_call_id=called["id"])]
            assert (await said(model.bind_tools([weather]), talk)).text == ANSWER


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["OpenAIChatModel", "OpenAIResponsesModel"])
async def test_pydantic_ai(speaking, kind, stream):
    pydantic_ai = package("pydantic_ai")
    models = package("pydantic_ai.models.openai")
    provider = package("pydantic_ai.providers.openai").OpenAIProvider
    asked = []

    def weather(city: str) -> str:
        """Say how the weather is in a city."""
        asked.append(city)
        return "Cold."

    async with speaking(CALL, ANSWER) as address:
        model = getattr(models, kind)("test", provider=provider(base_url=f"http://{address}/v1", api_key="anything"))
        other = pydantic_ai.Agent(model, tools=[weather], system_prompt="Be short.")
        if stream:
            async with other.run_stream(ASKED) as running:
                said = await running.get_output()
        else:
            said = (await other.run(ASKED)).output
    assert (asked, said) == (["Oslo"], ANSWER)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["OpenAIChatCompletionsModel", "OpenAIResponsesModel"])
async def test_openai_agents(speaking, kind, stream):
    agents = package("agents")
    openai = package("openai")
    asked = []

    @agents.function_tool
    def weather(city: str) -> str:
        """Say how the weather is in a city."""
        asked.append(city)
        return "Cold."

    async with (
        speaking(CALL, ANSWER) as address,
        openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key="anything", max_retries=0) as client,
    ):
        model = getattr(agents, kind)(model="test", openai_client=client)
        other = agents.Agent(name="other", instructions="Be short.", model=model, tools=[weather])
        if stream:
            running = agents.Runner.run_streamed(other, ASKED)
            async for _ in running.stream_events():
                pass
        else:
            running = await agents.Runner.run(other, ASKED)
    assert (asked, running.final_output) == (["Oslo"], ANSWER)


@pytest.mark.parametrize("stream", [False, True])
async def test_litellm(speaking, stream):
    litellm = package("litellm")
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    async with speaking(CALL, ANSWER) as address:

        async def said(talk, choice):
            reply = await litellm.acompletion(
                model="openai/test",
                api_base=f"http://{address}/v1",
                api_key="anything",
                messages=talk,
                tools=tools,
                tool_choice=choice,
                stream=stream,
                max_retries=0,
            )
            if stream:
                reply = litellm.stream_chunk_builder([chunk async for chunk in reply], messages=talk)
            return reply.choices[0].message

        talk = [{"role": "user", "content": ASKED}]
        first = await said(talk, "required")
        [called] = first.tool_calls
        assert (called.function.name, "Oslo" in called.function.arguments) == ("weather", True)
        talk += [first.model_dump(), {"role": "tool", "tool_call_id": called.id, "content": "Cold."}]
        assert (await said(talk, "auto")).content == ANSWER


async def test_strands(speaking):
    strands = package("strands")
    model_of = package("strands.models.openai").OpenAIModel
    asked = []

    @strands.tool
    def weather(city: str) -> str:
        """Say how the weather is in a city.

        Args:
            city: The city.
        """
        asked.append(city)
        return "Cold."

    async with speaking(CALL, ANSWER) as address:
        reached = {"base_url": f"http://{address}/v1", "api_key": "anything"}
        model = model_of(client_args=reached, model_id="test")
        other = strands.Agent(model=model, tools=[weather], callback_handler=None)
        said = await asyncio.to_thread(other, ASKED)
    assert (asked, str(said).strip()) == (["Oslo"], ANSWER)


async def test_smolagents(speaking):
    smolagents = package("smolagents")
    asked = []

    @smolagents.tool
    def weather(city: str) -> str:
        """Say how the weather is in a city.

        Args:
            city: The city.
        """
        asked.append(city)
        return "Cold."

    answer = f'{{"tool_calls": [{{"name": "final_answer", "arguments": {{"answer": "{ANSWER}"}}}}]}}'
    async with speaking(CALL, answer) as address:
        model = smolagents.OpenAIServerModel(model_id="test", api_base=f"http://{address}/v1", api_key="anything")
        other = smolagents.ToolCallingAgent(tools=[weather], model=model, verbosity_level=0)
        said = await asyncio.to_thread(other.run, ASKED)
    assert (asked, said) == (["Oslo"], ANSWER)


async def test_the_real_model_s_calls_are_valid(smollm2):
    chat_models = package("langchain_openai")
    tool = {
        "name": "weather",
        "description": "Says how the weather is.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Oslo", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
    engine = LlamaEngine(LlamaSettings(model_path=str(smollm2), context_tokens=2048, calibrate=False))
    async with listening_to(EngineHost(engine, 60)) as address:
        model = chat_models.ChatOpenAI(
            model="test", base_url=f"http://{address}/v1", api_key="anything", max_retries=0, max_tokens=200
        )
        first = await model.bind_tools([tool], tool_choice="required", parallel_tool_calls=False).ainvoke(ASKED)
        [called] = first.tool_calls
        assert called["name"] == "weather"
        assert called["args"]["city"] in ("Oslo", "Rome")
