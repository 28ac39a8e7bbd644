import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

# Stands in for a machine where torch is not installed.
TORCH = 'raise ImportError("torch is not installed")\n'
SCRIPT = """
import sys
from pathlib import Path
from service.server import main
sys.argv = ["service"]
main()
"""


def test_the_service_starts_and_answers_without_torch(tmp_path, storage):
    (tmp_path / "torch.py").write_text(TORCH)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
        "GRADHEALTH_PORT": "0",
        "GRADHEALTH_DATA_DIR": str(storage.data_dir),
    }
    if storage.database_url is not None:
        environment["GRADHEALTH_DATABASE_URL"] = storage.database_url

    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = re.search(r"http://\S+", process.stderr.readline())[0]
        ready = httpx.get(f"{url}/readyz", timeout=10).json()
    finally:
        process.terminate()
        status = process.wait(10)
        process.stderr.close()

    assert ready["database"] == "ok"
    assert status == 0
