"""Make discord.py report answers that do not come from Discord's API, rather than trust them or fail otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
from discord.http import HTTPClient
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

UNEXPECTED_SHAPE_ERRORS = (AttributeError, KeyError, TypeError, ValueError)
"""What is raised when an answer's JSON does not have the shape that Discord documents."""

_answered: ContextVar[bool] = ContextVar("answered", default=False)
"""Whether the request that a task sends has been answered, even if the answer cannot be read."""

_ANSWER_TIMEOUT = 30.0  # seconds for answering an interaction; if Discord fails, discord.py retries for 25


class UnreadableAnswerError(aiohttp.ClientError):
    """The answer does not come from Discord's API but, for example, from the login page of a public network."""


def use_strict_answers(http: HTTPClient, **options: Any) -> None:
    """Let a discord.py client send its requests with `strict`, with further options for each.

    The client's method is replaced, since discord.py accepts no other HTTP client. Its trace says when there is an
    answer, so the client must have one and must not have sent anything yet.

    Raises:
        ValueError: the client has no trace.
    """
    request = http.request
    if http.http_trace is None:
        raise ValueError("a client without a trace")
    http.http_trace.on_request_end.append(_note_answer)

    async def with_options(route: Any, *arguments: Any, **given: Any) -> Any:
        return await request(route, *arguments, **options, **given)

    http.request = strict(with_options)  # type: ignore[assignment, method-assign]  # on purpose, see above


def use_strict_interaction_answers() -> None:
    """Let this task, and those it starts, send answers to interactions with `strict`, and not wait for minutes."""
    async_context.set(_StrictAdapter())  # type: ignore[no-untyped-call]  # discord.py leaves its methods untyped


def strict(request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Wrap a method of discord.py that sends requests, so that an answer it cannot read is an `UnreadableAnswerError`.

    discord.py itself returns text that is not JSON as if it were the answer, and fails on other such answers with
    whatever exception reading them raises. If there is no answer yet, the same exceptions are bugs of ours.
    """

    async def asked(route: Any, *arguments: Any, **options: Any) -> Any:
        before = _answered.set(False)
        try:
            answer = await request(route, *arguments, **options)
        except UNEXPECTED_SHAPE_ERRORS as error:
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
    """Turn `UNEXPECTED_SHAPE_ERRORS` in the block, which reads an answer, into an `UnreadableAnswerError`."""
    try:
        yield
    except UNEXPECTED_SHAPE_ERRORS as error:
        raise UnreadableAnswerError(type(error).__name__) from error


class _StrictAdapter(AsyncWebhookAdapter):
    """Sends answers to interactions, for which discord.py has a client of its own."""

    async def request(self, *arguments: Any, **options: Any) -> Any:
        """Send a request with `strict`; raise TimeoutError if it takes too long with all its retries."""
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            return await strict(super().request)(*arguments, **options)
