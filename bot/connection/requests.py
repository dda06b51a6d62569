"""All requests to Discord: limited per second, with deadlines, and paused after failures and refusals."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import TypeVar

import aiohttp
import discord

from bot.connection.backoff import Backoff
from bot.connection.clock import DiscordTime
from bot.connection.rate_limits import BAN_STATUSES, SUSPICIOUS_REFUSALS, RateLimiter, RefusalCounter
from bot.meter import Meter

log = logging.getLogger(__name__)

MAX_PAUSE_WAIT = 30.0
"""The most seconds that a request waits for the end of a pause; discord.py accepts no smaller value."""

TOLERATED_CLOCK_ERROR = 5.0
"""Seconds by which this computer's clock may be wrong without a warning."""

ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=300, sock_connect=10, sock_read=15)
"""Seconds until a request without an answer is given up; aiohttp's default is five minutes."""

_UNKNOWN_LIMIT = 60.0  # assumed seconds of a rate limit if Discord does not say
_WARNING_INTERVAL = 600.0  # seconds between two warnings of the same kind
_FIRST_PAUSE = 1.0  # seconds for which all requests are paused after the first failure
_REFUSED_PAUSE, _LONGEST_REFUSED_PAUSE = 10.0, 30.0  # seconds of the first pause after refusals in a row, and of any
_REPEATED_PAUSE, _LONGEST_REPEATED_PAUSE = 40.0, 160.0  # likewise if they begin again: six fit into ten minutes
_ALL_REQUESTS = 0
_PROXY_TIMEOUT_STATUS = 408  # a proxy's status when Discord does not answer in time; Discord itself never sends it

Answer = TypeVar("Answer")

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
_reacts_to: ContextVar[datetime | None] = ContextVar("reacts_to", default=None)


class HeldBackError(discord.DiscordException):
    """A request was not sent, since it was too late or all requests are paused; or the bot is stopping."""


class DiscordFailedError(discord.DiscordException):
    """Discord gave no answer, or one that cannot be read."""


class DiscordRequests:
    """Limits a bot's requests, including those that discord.py repeats by itself.

    While discord.py waits, above all for the global rate limit, it holds locks that it never releases if it is
    cancelled. So no request is ever cancelled. Instead it has a deadline, after which it is not sent.

    Attributes:
        allowed: how many requests this process may send in a second.
        time: Discord's time, from the dates of its answers.
        token_refused: whether Discord no longer accepts the bot's token.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        allowed: float,
        on_token_refused: Callable[[], None] = lambda: None,
        meter: Meter | None = None,
    ) -> None:
        """Start with no request sent.

        Args:
            clock: monotonic seconds.
            allowed: how many requests this process may send in a second.
            on_token_refused: called once, when Discord refuses the bot's token.
            meter: records each answer; None to record nothing.
        """
        self.allowed = allowed
        self.time = DiscordTime(clock)
        self.token_refused = False
        self._clock = clock
        self._on_token_refused = on_token_refused
        self._meter = meter or Meter()
        self._refusals = RefusalCounter(clock)
        self._rate = RateLimiter.with_reserve(allowed, clock, self._max_unanswered)
        self._refused = Backoff(clock, max_pause=_LONGEST_REFUSED_PAUSE, tolerated=SUSPICIOUS_REFUSALS - 1)
        self._repeated = Backoff(clock, max_pause=_LONGEST_REPEATED_PAUSE, tolerated=1)
        self._failures = Backoff(clock, max_pause=300.0)
        self._closed = False
        self._limited_until = -math.inf
        self._next_warning_at = -math.inf
        self._warned_of_clock = False

    def trace(self) -> aiohttp.TraceConfig:
        """Return a trace configuration with which discord.py's HTTP client reports each request and answer here."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._on_request_start)
        trace.on_request_end.append(self._on_request_end)
        trace.on_request_exception.append(self._on_request_exception)
        return trace

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._rate)

    def pause_left(self) -> float:
        """Return the seconds for which all requests are still paused; 0 if they are not."""
        pauses = (pause.remaining(_ALL_REQUESTS) for pause in (self._failures, self._refused, self._repeated))
        return max(self._limited_until - self._clock(), *pauses)

    def close(self) -> None:
        """Stop counting unanswered requests as failures of Discord, since their connections are about to be closed."""
        self._closed = True

    async def ask(
        self, request: Awaitable[Answer], within: float = math.inf, reacts_to: datetime | None = None
    ) -> Answer:
        """Send a request to Discord and return its answer.

        Just before discord.py sends it, it calls `_on_request_start` through `trace`, where the limits are.

        Args:
            request: the awaitable that a method of discord.py returned.
            within: seconds after which it is neither sent nor repeated.
            reacts_to: when the text to which it reacts was written, to record how much later it is first sent.

        Raises:
            discord.HTTPException: Discord refused, or answered with an error.
            discord.RateLimited: a rate limit lasts too long to wait for.
            HeldBackError: it was not sent, or its answer was lost because the bot is stopping.
            DiscordFailedError: there was no answer, or one that cannot be read.
        """
        deadline_before, reacts_to_before = _deadline.set(self._clock() + within), _reacts_to.set(reacts_to)
        try:
            answer = await request
        except discord.DiscordException as error:
            if isinstance(error, discord.HTTPException) and _is_failure(error.status):
                self._pause_after_failure(f"HTTP {error.status}")
                if error.status == _PROXY_TIMEOUT_STATUS:
                    raise DiscordFailedError(f"HTTP {error.status}") from error
            raise
        except Exception as error:
            if self._closed:
                raise HeldBackError("the bot is stopping") from error
            self._pause_after_failure(type(error).__name__)
            raise DiscordFailedError(type(error).__name__) from error
        finally:
            _deadline.reset(deadline_before)
            _reacts_to.reset(reacts_to_before)
        self._failures.succeed(_ALL_REQUESTS)
        return answer

    async def _on_request_start(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        """Delay a request to keep the limits, or raise HeldBackError; answers to commands and the gateway are exempt.

        A request with a deadline does not wait for the end of a pause, since newer requests will have come by then.
        """
        if not _has_token(params):
            return
        deadline = _deadline.get()
        hurried = deadline < math.inf
        while True:
            pause = self.pause_left()
            if self.token_refused or pause > MAX_PAUSE_WAIT or (pause and hurried):
                raise HeldBackError("all requests are paused")
            await asyncio.sleep(pause)
            if not await self._rate.acquire(deadline):
                raise HeldBackError("too late")
            late = self._clock() > deadline
            if not late and not self.token_refused and not self.pause_left():  # all may have changed while it waited
                break
            self._rate.release(sent=False)
            if late:
                raise HeldBackError("too late")
        if written_at := _reacts_to.get():
            _reacts_to.set(None)
            self._meter.reaction_requested((self.time.now() - written_at).total_seconds())

    async def _on_request_end(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        """Note the date, refusals and rate limits in the status and headers of an answer."""
        status, headers = params.response.status, params.response.headers
        self._meter.discord_answered(status)
        if _has_token(params):
            self._rate.release()
        if _note_date(self.time, params):
            self._check_clock()
        scope = headers.get("X-RateLimit-Scope")
        # Discord does not count a shared limit as a refusal, and a proxy's own answer never reached Discord.
        if scope != "shared" and "generated-by-proxy" not in headers and status != _PROXY_TIMEOUT_STATUS:
            self._count(status, by_token=_has_token(params), reads=params.method == "GET")
        if status == 429 and scope not in ("user", "shared"):
            self._limit(_seconds(headers.get("Retry-After")))
        if _is_failure(status):
            self._pause_after_failure(f"HTTP {status}")
        if status == 401 and _has_token(params) and not self.token_refused:
            self.token_refused = True
            self._on_token_refused()

    async def _on_request_exception(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self._meter.discord_answered(None)
        if _has_token(params):
            self._rate.release()

    def _check_clock(self) -> None:
        """Warn once when this computer's clock is wrong."""
        error = self.time.host_clock_error()
        if abs(error.total_seconds()) <= TOLERATED_CLOCK_ERROR:
            self._warned_of_clock = False
        elif not self._warned_of_clock:
            self._warned_of_clock = True
            log.warning("%s The bot uses Discord's time, but the times in this log are wrong.", clock_warning(error))

    def _count(self, status: int, *, by_token: bool, reads: bool) -> None:
        """Count a request as accepted or refused, and pause all requests if several in a row were refused.

        If that happens again within minutes, the pause is longer, although requests were accepted in between.

        Requests without the token, such as answers to commands, and requests that only read are not counted as
        accepted, since they do not show that Discord would accept a reaction.
        """
        if status < 400 and by_token and not reads:
            self._refusals.accept()
            self._refused.succeed(_ALL_REQUESTS)
        if not (status in BAN_STATUSES or (400 <= status < 500 and by_token)):
            return
        self._refused.fail(_ALL_REQUESTS, _REFUSED_PAUSE)
        statuses = self._refusals.count(status)
        if self._refusals.in_a_row == SUSPICIOUS_REFUSALS:
            self._repeated.fail(_ALL_REQUESTS, _REPEATED_PAUSE)
        if statuses:
            self._limit(self._refusals.window)
            log.warning(
                "Discord refused %d requests within %d minutes (%s): the bot sends no requests for the same time.",
                statuses.total(),
                self._refusals.window / 60,
                ", ".join(f"HTTP {status}: {number}" for status, number in sorted(statuses.items())),
            )

    def _max_unanswered(self) -> int:
        """Return how many requests may be unanswered; after a failure just one, to find out whether Discord is back."""
        return 1 if len(self._failures) else self._refusals.max_unanswered()

    def _limit(self, seconds: float) -> None:
        self._limited_until = max(self._limited_until, self._clock() + seconds)

    def _pause_after_failure(self, reason: str) -> None:
        """Pause all requests, longer after each failure in a row, and log it at most once in ten minutes."""
        self._failures.fail(_ALL_REQUESTS, _FIRST_PAUSE)
        if self._clock() >= self._next_warning_at:
            self._next_warning_at = self._clock() + _WARNING_INTERVAL
            log.warning("Discord failed (%s): the bot pauses after each failure in a row, each time longer.", reason)


def trace_dates(time: DiscordTime) -> aiohttp.TraceConfig:
    """Return a trace configuration with which a discord.py client notes the dates of Discord's answers in `time`."""

    async def on_request_end(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        _note_date(time, params)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_request_end)
    return trace


def clock_warning(error: timedelta) -> str:
    """Return a sentence about this computer's clock, which is `error` ahead of Discord's, or behind if negative."""
    size = timedelta(seconds=round(abs(error.total_seconds())))
    return f"This computer's clock is {size} {'fast' if error > timedelta() else 'slow'}: set it right."


def _note_date(time: DiscordTime, params: aiohttp.TraceRequestEndParams) -> bool:
    """Note the date of an answer in `time`; return False if it has none or comes from a proxy's cache."""
    if "X-Cached" in params.response.headers:
        return False
    try:
        time.note(parsedate_to_datetime(params.response.headers.get("Date", "")))
    except ValueError:
        return False
    return True


def _has_token(
    params: aiohttp.TraceRequestStartParams | aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams,
) -> bool:
    return "Authorization" in params.headers


def _is_failure(status: int) -> bool:
    """Return whether an answer means that Discord failed, rather than that it refused."""
    return status >= 500 or status == _PROXY_TIMEOUT_STATUS


def _seconds(retry_after: str | None) -> float:
    try:
        return float(retry_after or _UNKNOWN_LIMIT)
    except ValueError:
        return _UNKNOWN_LIMIT
