"""Every parser against mutated documents, for two minutes: a result or a refusal.

Hypothesis takes documents that are right and breaks them: bytes are flipped, cut,
repeated and inserted; values of JSON are replaced by what nobody means well with.
Anything but a `GradHealthError` is a crash and ends the benchmark.
"""

import argparse
import copy
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import psutil
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bench.load.documents import BATCH, LOGS, POLICY, RUN, SPECS, TRACE
from gradhealth.architecture.limits import Limits
from gradhealth.architecture.network import resolve
from gradhealth.batches.documents import parse_binary_batch, parse_json_batch
from gradhealth.batches.packing import Column, PackedBatch
from gradhealth.documents.strict_json import parse_object
from gradhealth.exceptions import GradHealthError, InvalidDocumentError
from gradhealth.gate.policy import parse_policy
from gradhealth.ingest import parse_mapping, read_log
from gradhealth.ingest.formats.base import log_formats
from gradhealth.logs.results import judge_log
from gradhealth.schemas.problems import problems_of
from gradhealth.schemas.run import RunRequest
from gradhealth.traces import parse_trace
from storage.cursors import decode_cursor

ROUND_EXAMPLES = 200
HOSTILE = [
    None, True, -1, 0, 2**63, 10**30, 1e308, -0.0, "", "NaN", "Infinity", [], {}, [[]],
    "\0", "\ud800", "\u202e", "../../etc/passwd", "<script>alert(1)</script>",
    "'; DROP TABLE gh_analyses; --", "{{7*7}}", "a" * 10_000, [0] * 1_000,
    {"type": {}},
]  # fmt: skip
TOKENS = [
    b"\0",
    b"\xff\xfe",
    b"NaN",
    b"1e999",
    b"-",
    b'"',
    b"{",
    b"[" * 500,
    b"\x1f\x8b",
]
_RUN = TypeAdapter(RunRequest)


def parse_spec(text):
    return resolve(parse_object(text), Limits())


def parse_run(text):
    document = parse_object(text)
    try:
        return _RUN.validate_python(document)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document)) from error


def parse_json_trace(text):
    return parse_trace(parse_object(text))


def parse_text(parse):
    return lambda text: parse(text.decode(errors="replace"))


def reader(name):
    def read(content):
        for trace in read_log(content, filename="log", format_name=name):
            judge_log(trace)

    return read


def packed_batch():
    columns = [(Column(name="loss", kind="series"), np.ones(3, np.float32))]
    return PackedBatch(0, [0, 1, 2], 0, columns).to_bytes()


def parsers() -> Iterator[tuple[str, object, list[bytes]]]:
    """Name, function of bytes, and documents that are right."""
    yield "spec", parse_spec, [json.dumps(spec).encode() for spec in SPECS]
    yield "trace", parse_json_trace, [json.dumps(TRACE).encode()]
    yield "run", parse_run, [json.dumps(RUN).encode()]
    yield (
        "batch",
        lambda b: parse_json_batch(b, max_values=10**6),
        [json.dumps(BATCH).encode()],
    )
    yield "packed batch", parse_binary_batch, [packed_batch()]
    yield "policy", parse_text(parse_policy), [POLICY]
    yield "mapping", parse_text(parse_mapping), [b"step:iteration,loss:train/*"]
    yield (
        "cursor",
        parse_text(decode_cursor),
        [b"WyIyMDI2LTExLTI2VDAwOjAwOjAwWiIsImEiXQ=="],
    )
    logs = [*LOGS.values(), gzip.compress(LOGS["jsonl"])]
    for name in ("auto", *log_formats()):
        yield f"log {name}", reader(name), logs


@st.composite
def broken(draw, documents):
    """Bytes of one of the documents, broken in up to four places."""
    text = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(0, 4))):
        text = draw(st.sampled_from(BREAKS))(draw, text)
    return text


def broken_value(draw, text):
    """The text with one JSON value replaced, where there is one."""
    lines = text.split(b"\n")
    number = draw(st.integers(0, len(lines) - 1))
    try:
        document = json.loads(lines[number])
    except ValueError:
        return broken_bytes(draw, text)
    hostile = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    lines[number] = json.dumps(replaced(draw, document, hostile)).encode()
    return b"\n".join(lines)


def replaced(draw, value, hostile):
    """A copy in which something is another value, under another key, or twice."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return hostile
    if isinstance(value, list):
        index = draw(st.integers(0, len(value) - 1))
        changed = replaced(draw, value[index], hostile)
        return [*value[:index], changed, *value[index + draw(st.integers(0, 1)) :]]
    key = draw(st.sampled_from(sorted(value)))
    changed = {**value, key: replaced(draw, value[key], hostile)}
    if draw(st.integers(0, 4)) == 0:
        changed[str(draw(st.sampled_from(HOSTILE)))] = changed.pop(key)
    return changed


def broken_bytes(draw, text):
    """The text with bytes inserted, removed, changed or repeated."""
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, min(len(text), begin + 200)))
    inserted = draw(st.sampled_from(TOKENS) | st.binary(max_size=8))
    middle = draw(st.sampled_from([inserted, text[begin:end] * 3, b""]))
    return text[:begin] + middle + text[end:]


BREAKS = [broken_bytes, broken_value, broken_value]


def fuzz(parse, documents, seconds):
    """Number of documents that were read, and of those that were refused.

    Args:
        parse: What reads bytes.
        documents: What it reads as they are.
        seconds: How long.
    """
    counts = Counter()
    deadline = time.monotonic() + seconds

    @settings(
        max_examples=ROUND_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(broken(documents))
    def check(text):
        if time.monotonic() > deadline:
            return
        try:
            parse(text)
        except GradHealthError:
            counts["refused"] += 1
        else:
            counts["read"] += 1

    while time.monotonic() < deadline:
        check()
    return counts


def main():
    argument_parser = argparse.ArgumentParser(description=__doc__)
    argument_parser.add_argument("--seconds", type=float, default=120)
    arguments = argument_parser.parse_args()
    known = list(parsers())
    before = resident_mb()
    for name, parse, documents in known:
        counts = fuzz(parse, documents, arguments.seconds / len(known))
        print(f"{name:16} {counts['read']:6} read, {counts['refused']:6} refused")
    print(f"memory grew by {resident_mb() - before:.0f} MB")


def resident_mb():
    return psutil.Process().memory_info().rss / 2**20


if __name__ == "__main__":
    main()
