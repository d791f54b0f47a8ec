"""A model of the Agent Development Kit's that answers by itself."""

from google.adk.models import BaseLlm, LlmResponse
from google.genai import types


class Model(BaseLlm):
    model: str = "in-process"

    async def generate_content_async(self, llm_request, stream=False):
        words = llm_request.config.http_options.extra_body.get("max_tokens") or 2
        text = f"{len(llm_request.contents)}" + " word" * (words - 1)
        content = types.Content(role="model", parts=[types.Part(text=text)])
        yield LlmResponse(content=content, partial=True)
        # Without it, a line that it is missing is logged for each turn.
        used = types.GenerateContentResponseUsageMetadata(prompt_token_count=0, candidates_token_count=words)
        yield LlmResponse(content=content, partial=False, usage_metadata=used)
