"""Hostile strings through every door, and every answer looked at.

Each string is put wherever a document takes one: names, labels, paths, projects, files,
queries. Answers must be no server errors, hold no traceback, and every report must keep
the string from becoming markup; the service's memory must not grow.
"""

import json
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import httpx

from bench.load.documents import BATCH, LOGS, RUN, SPECS, TRACE
from bench.load.servers import (
    INSTANT_WORK,
    ROOT,
    UNLIMITED,
    databases,
    running_service,
    running_workers,
)
from gradhealth.reports.base import reports

STRINGS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\"'><svg onload=alert(1)>",
    "comment": "--><script>alert(1)</script><!--",
    "CDATA": "]]><script>alert(1)</script>",
    "template": "{{7*7}}{% for x in y %}${7*7}<%= 7*7 %>",
    "SQL": "'; DROP TABLE gh_analyses; --",
    "path": "../../../../etc/passwd",
    "workflow command": "x\n::error file=a::alert%0A",
    "markdown": "[x](javascript:alert(1)) ![](http://x/y) `a` | b\n\n# head",
    "terminal": "\x1b[31mred\x1b[0m\x07\x08",
    "direction": "\u202egnp.exe\u2066",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 \ufeff\ufffe",
    "combining": "Z\u0334\u0335" * 200,
    "long": "a" * 60_000,
    "NUL": "a\0b",
    "surrogate": "\ud800",
    "number": "1e999",
}
# What no report may hold once it is rendered as a page.
MARKUP = ("<script>alert", "<img src=x", "<svg onload", "49${")
DEEP = [
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"kind":"theory","spec":' + b'{"model":[' * 5_000,
]
ANSWER_SECONDS = 30


def analyses(text):
    """Requests in which the text stands everywhere."""
    spec = SPECS[0] | {"name": text}
    yield {"kind": "theory", "spec": spec, "labels": {"key": text[:256]}}
    yield {
        "kind": "architecture",
        "spec": spec,
        "options": {"verify_fixes": False, "source": {"path": text}},
    }
    yield {"kind": "architecture", "spec": spec, "project": text}
    layer = {"type": text, "out_features": text}
    yield {"kind": "theory", "spec": {"model": [layer, {text: text}]}}
    yield {"kind": "theory", "spec": SPECS[0] | {"define": {text: {"body": []}}}}
    yield {"kind": text, text: text}
    layers = [{"path": text, "type": "Linear"}, {"path": f"{text}2", "type": text}]
    yield {"kind": "trace", "trace": TRACE | {"run": text, "layers": layers}}
    series = {text: [1.0] * 12, "loss": [float(n) for n in range(12)]}
    yield {"kind": "trace", "trace": TRACE | {"run": text, "series": series}}


def logs(text):
    """Log files with the text as run, column and content."""
    rows = [{"step": n, "loss": 2.0 + n, f"grad_norm/{text}": 1.0} for n in range(12)]
    yield "\n".join(map(json.dumps, rows)).encode()
    table = f'step,loss,"{text}"\n' + "".join(f"{n},{n},1\n" for n in range(12))
    yield table.encode(errors="surrogatepass")
    for content in LOGS.values():
        yield content.replace(b"loss", text.encode(errors="surrogatepass")[:1000])


def runs(text):
    """A run and a batch of it with the text everywhere."""
    layers = [{"path": text, "type": text}, {"path": "b"}]
    run = RUN | {"name": text, "layers": layers}
    yield run, BATCH | {"series": {text: [1, 2, 3]}}
    yield RUN, BATCH | {"series": {"loss": [text, text, None]}}


class Doors:
    """Asks a service, and counts what comes back.

    Attributes:
        kept: Ids of the analyses that were accepted.
    """

    def __init__(self, client):
        self._client = client
        self.statuses = Counter()
        self.kept = []

    def send(self, method, path, **content):
        answer = self._client.request(method, path, timeout=ANSWER_SECONDS, **content)
        self.statuses[answer.status_code // 100] += 1
        assert answer.status_code < 500, (method, path, answer.text[:500])
        assert "Traceback" not in answer.text, answer.text[:500]
        return answer

    def post_json(self, path, document):
        # As it is: httpx would refuse half a surrogate pair.
        text = json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        return self.send("POST", path, content=text, headers=headers)

    def try_all(self, text):
        for request in analyses(text):
            answer = self.post_json("/v1/analyses", request)
            if answer.is_success:
                self.kept.append(answer.json()["id"])
        for content in logs(text):
            answer = self.send("POST", "/v1/traces", content=content)
            if answer.is_success:
                found = answer.json()
                self.kept += [each["id"] for each in found.get("items", [found])]
        for run, batch in runs(text):
            announced = self.post_json("/v1/runs", run)
            if announced.is_success:
                path = announced.json()["links"]["self"]
                self.post_json(f"{path}/batches", batch)
                self.send("GET", path)
        self.ask_for(text)

    def ask_for(self, text):
        value = text.encode(errors="replace").decode()[:2000]
        for name in ("project", "label", "cursor", "status"):
            self.send("GET", "/v1/analyses", params={name: value})
        for name in ("filename", "map", "layers", "format", "label"):
            log = LOGS["jsonl"]
            self.send("POST", "/v1/traces", params={name: value}, content=log)
        file = {"file": (value[:200], LOGS["jsonl"])}
        self.send("POST", "/v1/traces", files=file)


def check_reports(doors):
    """Renders every analysis in every format; how many there were."""
    count = 0
    for analysis_id in doors.kept:
        wait_for(doors, analysis_id)
        for name in reports():
            path = f"/v1/analyses/{analysis_id}/report"
            answer = doors.send("GET", path, params={"format": name})
            assert answer.is_success, answer.text
            check_report(name, answer.text)
            count += 1
    return count


def wait_for(doors, analysis_id):
    deadline = time.monotonic() + ANSWER_SECONDS
    path = f"/v1/analyses/{analysis_id}"
    while doors.send("GET", path).json()["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, analysis_id
        time.sleep(0.02)


def check_report(name, text):
    if name in ("html", "markdown"):
        found = [each for each in MARKUP if each in text]
        assert not found, (name, found)
    if name == "html":
        assert "javascript:" not in text.replace("(javascript:", ""), text[:500]
    if name == "junit":
        ET.fromstring(text)
    if name in ("json", "sarif", "gitlab"):
        json.loads(text)
    if name == "github":
        commands = [line for line in text.splitlines() if line.startswith("::")]
        assert not [each for each in commands if each.startswith("::error file=a::")]
    if name == "text":
        assert "\x1b" not in text


def check_command_line():
    """The same strings as files of the command line; how many were tried."""
    count = 0
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        for number, text in enumerate(STRINGS.values()):
            spec, log = Path(folder) / f"{number}.json", Path(folder) / f"{number}.csv"
            spec.write_text(json.dumps(SPECS[0] | {"name": text, "model": [{text: 1}]}))
            log.write_bytes(next(iter(logs(text))))
            for file in (spec, log):
                ended = subprocess.run(
                    [sys.executable, "-m", "gradhealth.cli", "check", "--fast", file],
                    cwd=ROOT,
                    capture_output=True,
                    check=False,
                    timeout=60,
                )
                output = ended.stdout + ended.stderr
                assert b"Traceback" not in output, output.decode(errors="replace")
                assert b"\x1b[31mred" not in output, output
                count += 1
    return count


def main():
    with databases("SQLite") as found:
        environment = found["SQLite"] | UNLIMITED
        with (
            running_service(environment) as server,
            running_workers(environment, 1, **INSTANT_WORK),
            httpx.Client(base_url=server.url) as client,
        ):
            doors = Doors(client)
            doors.try_all("warm")
            before = server.resident_mb()
            for text in STRINGS.values():
                doors.try_all(text)
            for body in DEEP:
                for path in ("/v1/analyses", "/v1/traces", "/v1/runs"):
                    doors.send("POST", path, content=body)
            num_reports = check_reports(doors)
            grown = server.resident_mb() - before
            log = server.log.read_text()
    asked = ", ".join(f"{n} {first}xx" for first, n in sorted(doors.statuses.items()))
    print(f"answers: {asked}; memory grew by {grown:.0f} MB")
    print(f"reports: {num_reports} in {len(reports())} formats, none with markup")
    print(f"tracebacks in the service's log: {log.count('Traceback')}")
    print(f"command line: {check_command_line()} files, no traceback")


if __name__ == "__main__":
    main()
