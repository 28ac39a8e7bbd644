"""Keeps one comment of a pull request up to date: `comment.py REPORT`.

The comment is found by the marker in its first line. Needs the standard library only,
and the environment that GitHub gives a job, with GITHUB_TOKEN and PULL_REQUEST.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE_SIZE = 100


def main() -> None:
    """Updates the comment, or writes the first one."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    marker = text.partition("\n")[0]
    repository = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    comments = f"{repository}/{os.environ['PULL_REQUEST']}/comments"
    for comment in _all(comments):
        if comment["body"].startswith(marker) and comment["user"]["type"] == "Bot":
            _call("PATCH", f"{repository}/comments/{comment['id']}", {"body": text})
            return
    _call("POST", comments, {"body": text})


def _all(path: str) -> Iterator[dict[str, Any]]:
    page = 1
    while found := _call("GET", f"{path}?per_page={PAGE_SIZE}&page={page}"):
        yield from found
        if len(found) < PAGE_SIZE:
            return
        page += 1


def _call(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 -- the API's own address
        os.environ.get("GITHUB_API_URL", "https://api.github.com") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- same
        return json.load(answer)


if __name__ == "__main__":
    main()
