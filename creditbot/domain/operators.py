"""Who acts from the command line, where Slack vouches for nobody."""

OPERATOR = "operator"
"""Who acts from the command line, where Slack vouches for nobody; a colon and a name may follow."""


def operator(name: str) -> str:
    """Who acts from the command line, by the name that they give: alice -> operator:alice"""
    return f"{OPERATOR}:{name}"


def is_operator(identifier: str) -> bool:
    return identifier == OPERATOR or identifier.startswith(f"{OPERATOR}:")
