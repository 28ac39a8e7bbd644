import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import validate

from service.analyses.badges import BADGES
from tests.support.requests import body, finish

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas/shields-endpoint.json").read_text()
)


async def analysed(api, stores, verdict, project, **labels):
    request = body(project=project, labels=labels)
    analysis = (await api.post("/v1/analyses", json=request)).json()
    await finish(stores, analysis["id"], verdict=verdict)


async def badge(api, project, query=""):
    answer = await api.get(f"/v1/projects/{project}/badge.json{query}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "max-age=300"
    validate(answer.json(), SCHEMA)
    return answer.json()["message"]


@pytest.mark.parametrize("verdict", BADGES)
async def test_it_says_what_the_newest_analysis_found(api, stores, verdict):
    await analysed(api, stores, "critical", f"words-{verdict}")
    await analysed(api, stores, verdict, f"words-{verdict}")

    assert await badge(api, f"words-{verdict}") == verdict.replace("_", " ")


async def test_a_branch_has_its_own(api, stores):
    await analysed(api, stores, "healthy", "branches", branch="main")
    await analysed(api, stores, "critical", "branches", branch="topic/x")

    assert await badge(api, "branches", "?branch=main") == "healthy"
    assert await badge(api, "branches", "?branch=topic/x") == "critical"
    assert await badge(api, "branches", "?branch=gone") == "unknown"


async def test_of_one_commit_the_worst_file_counts(api, stores):
    await analysed(api, stores, "critical", "files", commit="old")
    await analysed(api, stores, "warning", "files", commit="new", file="a")
    await analysed(api, stores, "healthy", "files", commit="new", file="b")

    assert await badge(api, "files") == "warning"


@pytest.mark.parametrize("project", ["nobody", "UPPER", "%00", "a%20b", "é", "x" * 999])
async def test_unknown_projects_are_grey_and_no_error(api, project):
    assert await badge(api, project) == "unknown"
    assert await badge(api, project, "?branch=%00") == "unknown"


async def test_what_is_not_finished_does_not_count(api):
    await api.post("/v1/analyses", json=body(project="waiting"))

    assert await badge(api, "waiting") == "unknown"


async def test_the_picture_says_the_same_in_words(api, stores):
    await analysed(api, stores, "insufficient_data", "picture")

    answer = await api.get("/v1/projects/picture/badge.svg")

    root = ET.fromstring(answer.text)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "max-age=300"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "gradients: insufficient data"


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    digits = colour.removeprefix("#")
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares
    ]
    return sum(w * s for w, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("found", BADGES.values(), ids=BADGES)
def test_the_white_words_can_be_read(found):
    assert 1.05 / (luminance(found.fill) + 0.05) >= 4.5
