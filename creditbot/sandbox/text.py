"""A message as lines for a terminal: names instead of IDs, dates instead of tokens, buttons in brackets."""

import html
import re
from datetime import UTC, datetime
from typing import Any

from .slack import Message, Workspace


def readable(message: Message, workspace: Workspace) -> str:
    lines = [line for block in message.blocks for line in _block(block)] or [message.text]
    return "\n".join(_plain(line, workspace) for line in lines)


def _block(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "header":
            return [block["text"]["text"]]
        case "section":
            lines = [block["text"]["text"]] if "text" in block else []
            return lines + [field["text"].replace("\n", ": ") for field in block.get("fields", [])]
        case "context":
            return [element["text"] for element in block["elements"]]
        case "rich_text":
            return [
                "".join(str(part.get("text", "")) for part in found["elements"])
                for found in block["elements"]
            ]
        case "actions":
            return ["  ".join(f"[ {element['text']['text']} ]" for element in block["elements"])]
        case other:
            return [f"({other})"]


def _plain(text: str, workspace: Workspace) -> str:
    def name(found: re.Match[str]) -> str:
        person = workspace.people.get(found[1])
        return f"@{person.name if person else found[1]}"

    def channel(found: re.Match[str]) -> str:
        known = workspace.channels.get(found[1])
        return f"#{known.name if known else found[1]}"

    def group(found: re.Match[str]) -> str:
        known = workspace.user_groups.get(found[1])
        return f"@{known.handle if known else found[1]}"

    def moment(found: re.Match[str]) -> str:
        return f"{datetime.fromtimestamp(int(found[1]), UTC):%b %d, %Y at %H:%M} UTC"

    text = re.sub(r"<!date\^(\d+)\^[^>]*>", moment, text)
    text = re.sub(r"<@(\w+)>", name, text)
    text = re.sub(r"<#(\w+)>", channel, text)
    text = re.sub(r"<https?://[^|>]+\|([^>]+)>", r"\1", text)
    text = re.sub(r"<!subteam\^(\w+)>", group, text)
    return html.unescape(re.sub(r"[*`]", "", text))
