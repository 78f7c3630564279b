import json
import os
import subprocess
import sys

from django.conf import settings

LOG_LIKE_A_WORKER = """
import logging
from trooply.celery import app
app.log.setup(loglevel="WARNING")
logging.getLogger("celery.worker").info("at work", extra={"lane": 3})
logging.getLogger("celery.worker").debug("not said")
"""


def test_workers_log_json_at_the_level_of_the_environment():
    result = subprocess.run(
        [sys.executable, "-c", LOG_LIKE_A_WORKER],
        cwd=settings.BASE_DIR,
        env=os.environ | {"LOG_LEVEL": "INFO"},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = result.stderr.splitlines()
    record = json.loads(line)
    assert (record["level"], record["logger"], record["message"]) == ("INFO", "celery.worker", "at work")
    assert record["lane"] == 3
