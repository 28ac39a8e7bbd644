"""Where in a JSON document: RFC 6901 pointers."""


def pointer_to(*parts: str | int) -> str:
    """An RFC 6901 pointer from its parts."""
    return "".join(
        "/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts
    )
