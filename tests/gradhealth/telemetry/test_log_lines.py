"""In a process of its own: a process has one way to log."""

import json
import subprocess
import sys

BEGIN = """
import logging
from gradhealth.telemetry.log_lines import about, from_now_on_about, set_up_logs
logger = logging.getLogger("a.library")
"""


def logged(code):
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


def test_a_line_for_people_tells_what_where_and_about_what():
    log = logged("""
set_up_logs("INFO", "console")
with about(analysis_id="a1"):
    logger.info("done with %d", 3)
logger.debug("quiet")
""")

    assert "[info     ] done with 3" in log
    assert "[a.library] analysis_id=a1" in log
    assert log.count("\n") == 1


def test_an_error_is_one_object_with_its_traceback_and_no_variables():
    log = logged("""
set_up_logs("INFO", "json")
def fail(password):
    raise RuntimeError("away")
try:
    fail("pass" + "word-1")
except RuntimeError:
    logger.exception("it failed", extra={"route": "/x"})
""")

    line = json.loads(log)
    assert line["message"] == "it failed"
    assert (line["level"], line["logger"], line["route"]) == (
        "error",
        "a.library",
        "/x",
    )
    assert line["exception"].endswith("RuntimeError: away")
    assert "password-1" not in log


def test_new_lines_in_a_message_make_no_new_line():
    log = logged("""
set_up_logs("INFO", "json")
logger.warning('end"}\\n{"message": "forged"}')
""")

    assert json.loads(log)["message"] == 'end"}\n{"message": "forged"}'


def test_ids_end_with_their_block_or_with_the_next():
    log = logged("""
set_up_logs("INFO", "json")
from_now_on_about(request_id="r1")
from_now_on_about(request_id="r2")
with about(analysis_id="a1"):
    logger.info("inside")
logger.info("outside")
""")

    inside, outside = map(json.loads, log.splitlines())
    assert (inside["request_id"], inside["analysis_id"]) == ("r2", "a1")
    assert outside["request_id"] == "r2"
    assert "analysis_id" not in outside


def test_keys_and_secrets_that_slip_in_are_masked():
    log = logged("""
for form in ("json", "console"):
    set_up_logs("INFO", form)
    logger.info("with gh_live_0a1B_Secret-x_y and whsec_Zm9v+/8=", extra={
        "given": "gh_live_0a1B_Secret-x_y"})
""")

    assert "ecret" not in log
    assert "Zm9v" not in log
    assert log.count("gh_live_0a1B_***") == 4
    assert log.count("whsec_***") == 2
