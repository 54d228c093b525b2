"""``python -m tests.support.qdrant_facade --port N --path DIR [--host H] [--api-key KEY]``.

Says ``qdrant facade listens on http://HOST:PORT`` once it does (port 0: a free one); SIGTERM flushes and ends it.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from tests.support.qdrant_facade.app import Facade
from tests.support.qdrant_facade.collections import Collections


async def main(host: str, port: int, path: Path, api_key: str | None) -> None:
    """Serve the collections in a directory until told to stop."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(Facade(Collections(path), api_key=api_key).app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, shutdown_timeout=1).start()
        sys.stdout.write(f"qdrant facade listens on http://{host}:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="qdrant_facade", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6333)
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--api-key")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.host, arguments.port, arguments.path, arguments.api_key))
