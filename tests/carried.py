"""What a card's buttons carry, for clicks by someone who still sees the card as it was."""

from creditbot.sandbox.slack import Message


def carried(card: Message) -> str:
    """The value of its buttons, which all have the same."""
    rows = [block["elements"] for block in card.blocks if block["type"] == "actions"]
    [value] = {element["value"] for elements in rows for element in elements}
    return str(value)
