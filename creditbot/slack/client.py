"""The client of Slack's Web API: what all of its messages and views have in common."""

from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from .errors import faults_of_blocks, own_word
from .naming import Naming
from .new_blocks import NewBlocks


class SlackClient(AsyncWebClient):
    """Puts in the command's name, and plainer blocks where the workspace does not take new ones."""

    def __init__(self, naming: Naming, new_blocks: NewBlocks, **given: Any) -> None:
        super().__init__(**given)
        self._naming = naming
        self._new_blocks = new_blocks

    async def api_call(
        self, api_method: str, *, json: dict[str, Any] | None = None, **given: Any
    ) -> AsyncSlackResponse:
        if json is None:
            return await super().api_call(api_method, json=json, **given)
        tries = self._new_blocks.tries(self._naming.payload(json))
        try:
            return await super().api_call(api_method, json=tries.first, **given)
        except SlackApiError as error:
            if tries.instead is None or own_word(error) != tries.refusal:
                raise
            said = faults_of_blocks(error)
        answer = await super().api_call(api_method, json=tries.instead, **given)
        self._new_blocks.learn(tries.first, said)
        return answer
