"""Have discord.py report an answer that is not one of Discord's API, which it would take for one or fail on anyhow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
from discord.http import HTTPClient
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

OF_ANOTHER_SHAPE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading an answer leads to whose JSON has another shape than Discord's."""

_answered: ContextVar[bool] = ContextVar("answered", default=False)
"""Whether there is an answer to the request that a task sends, be it one that cannot be read."""

_ANSWERED_WITHIN = 30.0  # seconds for an answer to an interaction; where Discord fails, discord.py tries for 25


class UnreadableAnswerError(aiohttp.ClientError):
    """What came is not an answer of Discord's API but, for example, the page to log in to a public network."""


def use_strict_answers(http: HTTPClient, **options: Any) -> None:
    """Let a client of discord.py send its requests by `strict`, with further options for each.

    Its method is replaced, since discord.py takes no other client for requests. Its trace, which it must have and with
    which it has not sent anything yet, tells when there is an answer.
    """
    request = http.request
    if http.http_trace is None:
        raise ValueError("a client without a trace")
    http.http_trace.on_request_end.append(_note_answer)

    async def with_options(route: Any, *arguments: Any, **given: Any) -> Any:
        return await request(route, *arguments, **options, **given)

    http.request = strict(with_options)  # type: ignore[assignment, method-assign]  # on purpose, see above


def use_strict_interaction_answers() -> None:
    """Let this task, and those that it begins, send answers to interactions by `strict`, and not wait for minutes."""
    if type(async_context.get()) is AsyncWebhookAdapter:  # else it is that of a simulation
        async_context.set(_StrictAdapter())  # type: ignore[no-untyped-call]  # discord.py leaves its methods untyped


def strict(request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Wrap a method of discord.py that sends requests, so that an answer it cannot read is an `UnreadableAnswerError`.

    By itself, discord.py returns text that is not JSON as if it were the answer, and fails on other such answers with
    whatever exception reading them leads to. The same exceptions before there is an answer are mistakes of our own.
    """

    async def asked(route: Any, *arguments: Any, **options: Any) -> Any:
        before = _answered.set(False)
        try:
            answer = await request(route, *arguments, **options)
        except OF_ANOTHER_SHAPE as error:
            if not _answered.get():
                raise
            raise UnreadableAnswerError(type(error).__name__) from error
        finally:
            _answered.reset(before)
        if isinstance(answer, str) and (answer or route.method == "GET"):
            raise UnreadableAnswerError("no JSON")
        return answer

    return asked


async def _note_answer(*_: object) -> None:
    _answered.set(True)


@contextmanager
def reading_answers() -> Iterator[None]:
    """Turn what an answer of another shape leads to, as it is read, into an `UnreadableAnswerError`."""
    try:
        yield
    except OF_ANOTHER_SHAPE as error:
        raise UnreadableAnswerError(type(error).__name__) from error


class _StrictAdapter(AsyncWebhookAdapter):
    """Sends answers to interactions, for which discord.py has a client of its own."""

    async def request(self, *arguments: Any, **options: Any) -> Any:
        """Send a request, see `strict`; raise TimeoutError if it takes too long with all its repetitions."""
        async with asyncio.timeout(_ANSWERED_WITHIN):
            return await strict(super().request)(*arguments, **options)
