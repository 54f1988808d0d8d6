"""Puts the real parts together and runs the service."""

import asyncio
import os
from collections.abc import Callable

from mainmode.engine.engine import Engine
from mainmode.service import logs
from mainmode.service.daemon import Daemon, Options, Parts
from mainmode.service.drivers import choose_driver
from mainmode.service.source import PolicySource


def serve(options: Options, source: PolicySource, driver: str, log_level: str) -> None:
    """Run until SIGTERM or SIGINT. Raises PersonError when the service cannot start.

    driver: "auto", "user" or "null".
    """
    logs.start_logging(log_level)

    parts = Parts(
        source=source,
        make_engine=lambda selection, credentials: Engine(
            selection, credentials, os.urandom, nat_port=options.nat_port
        ),
        make_driver=lambda policy: choose_driver(
            driver, policy, asyncio.get_running_loop(), (options.port, options.nat_port)
        ),
    )

    async def run() -> None:
        await Daemon(options, parts).run()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's loop where it is installed, else the standard one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
