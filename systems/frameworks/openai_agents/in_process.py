"""A model of the Agents SDK's that answers by itself, in the events that its runner waits for."""

import agents
from agents.models.fake_id import FAKE_RESPONSES_ID as ID
from openai.types import responses


class Model(agents.Model):
    async def get_response(self, *arguments, **named):
        raise NotImplementedError("The adapter streams.")

    async def stream_response(self, system_instructions, input, model_settings, *arguments, **named):  # noqa: A002
        text = f"{len(input)}" + " word" * ((model_settings.max_tokens or 2) - 1)
        yield responses.ResponseTextDeltaEvent(
            delta=text,
            item_id=ID,
            output_index=0,
            content_index=0,
            logprobs=[],
            sequence_number=0,
            type="response.output_text.delta",
        )
        part = responses.ResponseOutputText(text=text, type="output_text", annotations=[])
        message = responses.ResponseOutputMessage(
            id=ID, content=[part], role="assistant", status="completed", type="message"
        )
        response = responses.Response(
            id=ID,
            created_at=0,
            model="in-process",
            object="response",
            output=[message],
            parallel_tool_calls=False,
            tool_choice="auto",
            tools=[],
        )
        yield responses.ResponseCompletedEvent(response=response, sequence_number=1, type="response.completed")
