"""Serves an app of the benchmark as `portunus serve` does Portunus: `python -m benchmarks.serve --workers N --port PORT`."""

import argparse
import os
import signal
import sys

from entrypoints.cli.serve import server_config
from entrypoints.http.draining import serve_until_stopped
from entrypoints.logs import configure_logs
from entrypoints.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--port", required=True)
    given = parser.parse_args()
    os.environ["PORTUNUS_PORT"] = given.port
    settings = Settings.read()
    configure_logs(settings.log_level)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve_until_stopped(server_config("benchmarks.apps:of_this_process", settings, workers=given.workers))


if __name__ == "__main__":
    main()
