"""`/healthz`, `/readyz` and `/metrics` over HTTP."""

from __future__ import annotations

import errno
import importlib.util
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bot.configuration import ConfigurationError
from bot.meter import Meter
from bot.monitoring.health import Health
from bot.monitoring.request_log import RequestLog
from classifiers.errors import MissingExtraError

log = logging.getLogger(__name__)

NO_METRICS = str(MissingExtraError("/metrics", "metrics"))

_SHUTDOWN_TIMEOUT = 1.0  # seconds that a pending answer may still take when the bot stops


@asynccontextmanager
async def serve_health(host: str, port: int) -> AsyncIterator[tuple[Health, Meter]]:
    """Serve at an address while the context is open.

    Args:
        host: the address of this computer to listen at; 0.0.0.0 for all.
        port: the TCP port.

    Yields:
        A `Health`, which must follow the bot, and the `Meter` with which the bot must be built.

    Raises:
        ConfigurationError: nobody can listen there.
    """
    health = Health()
    app, meter = _application(health)
    runner = web.AppRunner(app, access_log=None, logger=RequestLog(), shutdown_timeout=_SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigurationError(_why_unavailable(host, port, error)) from None
        log.info("Serving health checks at http://%s/healthz and /readyz, metrics at /metrics.", _address(host, port))
        yield health, meter
    finally:
        await runner.cleanup()


def _application(health: Health) -> tuple[web.Application, Meter]:
    """Return the web application, and the meter whose figures it shows if prometheus-client is installed."""

    async def healthz(_request: web.Request) -> web.Response:
        return _health_response(await health.why_dead())

    async def readyz(_request: web.Request) -> web.Response:
        return _health_response(health.why_not_ready())

    async def metrics_missing(_request: web.Request) -> web.Response:
        return web.Response(text=f"{NO_METRICS}\n", status=501)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    if importlib.util.find_spec("prometheus_client") is None:
        app.router.add_get("/metrics", metrics_missing)
        log.warning(NO_METRICS)
        return app, Meter()
    from prometheus_client.aiohttp import make_aiohttp_handler  # noqa: PLC0415 - it is an extra

    from bot.monitoring.metrics import create_metrics  # noqa: PLC0415 - it imports the same

    registry, meter = create_metrics(health)
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    return app, meter


def _health_response(reasons: Sequence[str]) -> web.Response:
    """Return the answer: the status says whether all is well, and the text says why not."""
    return web.Response(text="".join(f"{reason}\n" for reason in reasons) or "ok\n", status=503 if reasons else 200)


def _why_unavailable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use already: choose another EMOBOT_HEALTH_PORT, or stop what listens there, "
            "perhaps this bot itself."
        )
    return (
        f"EMOBOT_HEALTH_HOST and EMOBOT_HEALTH_PORT must be an address of this computer and a port that may be opened, "
        f"unlike {_address(host, port)} ({os.strerror(error.errno) if error.errno else error})."
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
