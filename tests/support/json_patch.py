"""Applies RFC 6902 patches, as a reader of the RFC would."""

import json


def apply(document, operations):
    """The document after add, remove and replace operations."""
    root = {"": json.loads(json.dumps(document))}  # no part is there twice
    for operation in operations:
        parts = operation["path"].split("/")[1:]
        parts = [part.replace("~1", "/").replace("~0", "~") for part in parts]
        *way, last = ["", *parts]
        parent = root
        for part in way:
            parent = parent[int(part)] if isinstance(parent, list) else parent[part]
        _change(parent, last, operation)
    return root[""]


def _change(parent, last, operation):
    key = int(last) if isinstance(parent, list) else last
    match operation["op"]:
        case "remove":
            del parent[key]
        case "replace":
            assert not isinstance(parent, dict) or key in parent
            parent[key] = operation["value"]
        case "add" if isinstance(parent, list):
            assert key <= len(parent)
            parent.insert(key, operation["value"])
        case "add":
            parent[key] = operation["value"]
