"""Run the classifiers off the event loop: in one worker thread, in batches, with a limit and a deadline.

Heartbeats must not wait for a model, so no prediction runs on the event loop's thread. Texts that arrive while the
worker is busy become its next batch, so batches grow with the load. A text whose caller has stopped waiting is dropped
unread. There is no idle task: one starts with the first text and ends when none is left.

Waking the worker, and being woken by it, costs the event loop more than everything else that it does for a text. So
texts that are not urgent are collected for a moment, and then read together.

An explanation takes a hundred times as long as a prediction, so it is computed in short steps, and only while no text
waits for a prediction.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

from bot.analysis.fair_queue import FairQueue
from bot.analysis.models import models_to_compare, reacting_model
from bot.meter import Meter
from classifiers import Answer, Classifier, Prediction
from classifiers import compare as compare_models
from classifiers.explain import Explanation, PrefixPredictions, explain_in_steps, predict_prefixes_in_steps
from classifiers.model_directory import DIRECTIONS

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""Work that can be interrupted: it yields after each step, and finally returns its result."""

_ROUND_BATCHES = 4  # batches whose texts are taken from the queue and sorted together

_COLLECTED_BATCH = 8  # texts that are not urgent and are read together


class AnalyzerError(Exception):
    """The analyzer gave no answer, for a reason other than the model."""


class AnalyzerOverloadedError(AnalyzerError):
    """Too many texts are waiting."""


class AnalyzerTooSlowError(AnalyzerError):
    """The answer did not come in time."""


class AnalyzerClosedError(AnalyzerError):
    """The bot is shutting down."""


@dataclass(frozen=True, slots=True)
class _Job:
    text: str
    model: str
    answer: asyncio.Future[Prediction]


@dataclass(frozen=True, slots=True)
class _SteppedJob:
    """A comparison or explanation of one text, which takes several steps."""

    steps: Steps[Any]
    answer: asyncio.Future[Any]


class Analyzer:
    """Asks the models on behalf of many callers.

    Attributes:
        models: the loaded models by name.
        default_model: the name of the model that reacts in servers that have not chosen another.
        batch_delay: the most seconds for which a text that is not urgent waits for others; 0 for none.
    """

    def __init__(
        self,
        models: Mapping[str, Classifier],
        default_model: str | None = None,
        *,
        max_waiting: int = 2048,
        max_batch: int = 32,
        max_explaining: int = 16,
        deadline: float = 2.0,
        batch_delay: float = 0.25,
        meter: Meter | None = None,
    ) -> None:
        """Start with nothing to do; the worker thread starts with the first text.

        Args:
            models: the loaded models by name.
            default_model: the model that reacts in servers that have not chosen another; None for the first.
            max_waiting: how many texts may wait for a prediction; a message has at most 4,000 characters.
            max_batch: how many texts are given to a model at once.
            max_explaining: how many callers may wait for a comparison, an explanation or prefix predictions.
            deadline: the default seconds that a caller waits; an interaction must be answered within three.
            batch_delay: the most seconds for which a text that is not urgent waits for others; 0 for none.
            meter: records how long each batch takes; None to record nothing.
        """
        self.models = models
        self.default_model = next(iter(models)) if default_model is None else default_model
        self._max_batch = max_batch
        self.batch_delay = batch_delay
        self._deadline = deadline
        self._meter = meter or Meter()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="classifier")
        self._jobs: FairQueue[_Job] = FairQueue(max_waiting)
        self._max_explaining = max_explaining
        self._stepped_jobs: deque[_SteppedJob] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._collected: list[tuple[Hashable, _Job]] = []
        self._collecting: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def texts_waiting(self) -> int:
        """How many texts wait for a prediction."""
        return len(self._jobs) + len(self._collected)

    @property
    def explanations_waiting(self) -> int:
        """How many comparisons and explanations wait or are being computed."""
        return len(self._stepped_jobs)

    def reacting_model(self, server_model: str | None) -> str:
        """Return the name of the model that reacts in a server whose settings name `server_model`."""
        return reacting_model(server_model, self.models, self.default_model)

    def models_to_compare(self, server_model: str | None) -> tuple[str, str] | None:
        """Return the model that reacts in a server and the one to compare it with; None if only one model is loaded."""
        return models_to_compare(server_model, self.models, self.default_model)

    async def classify(
        self,
        text: str,
        server_model: str | None,
        *,
        lane: Hashable = None,
        within: float | None = None,
        urgent: bool = True,
    ) -> Prediction:
        """Return the prediction of the model that reacts in a server.

        Args:
            text: the text.
            server_model: the model that the server's settings name; see `reacting_model`.
            lane: the lane of the queue in which the text waits, such as its channel. If too many texts are waiting,
                the oldest of the longest lane is dropped.
            within: seconds after which the answer is useless; None for the default deadline.
            urgent: if False, the text may wait for `batch_delay`, to be read together with others.

        Raises:
            AnalyzerError: no answer, because of the limit, the deadline or the end of the bot.
            Exception: whatever the model raised.
        """
        self._check_open()
        job = _Job(text, self.reacting_model(server_model), asyncio.get_running_loop().create_future())
        if urgent or not self.batch_delay:
            self._enqueue(lane, job)
        else:
            self._collect(lane, job)
        return await _wait_for_answer(job.answer, self._deadline if within is None else within)

    async def compare(self, text: str, *names: str) -> dict[str, Answer]:
        """Return each model's answer to a text, with its own time; raises the same as `classify`.

        Args:
            text: the text.
            names: the models to ask; all if none is named.
        """
        return await self._run_steps(_compare(self._select(names), text))

    async def explain(self, text: str, *names: str) -> tuple[dict[str, Answer], dict[str, Explanation]]:
        """Return what `compare` returns, and how far each word moved each model; takes and raises the same."""
        return await self._run_steps(_explain(self._select(names), text))

    async def predict_prefixes(self, text: str, *names: str) -> dict[str, PrefixPredictions]:
        """Return each model's predictions after each word of a text; takes and raises the same as `compare`."""
        return await self._run_steps(_predict_prefixes(self._select(names), text))

    async def responds(self, within: float) -> bool:
        """Return whether the worker thread starts a new task within this many seconds."""
        try:
            async with asyncio.timeout(within):
                await asyncio.get_running_loop().run_in_executor(self._worker, _do_nothing)
        except (TimeoutError, RuntimeError):  # RuntimeError: it was closed
            return False
        return True

    async def close(self) -> None:
        """Refuse new callers, answer those who are waiting, and end the worker thread."""
        self._closed = True
        self._queue_collected()
        if self._answering:
            await asyncio.wait([self._answering])
        await asyncio.to_thread(self._worker.shutdown)

    def _select(self, names: Sequence[str]) -> dict[str, Classifier]:
        """Return the models with these names, or all models if there are no names."""
        return {name: self.models[name] for name in names or self.models}

    async def _run_steps(self, steps: Steps[Result]) -> Result:
        """Run the steps in the worker, one at a time, while no text waits for a prediction; return their result."""
        self._check_open()
        if len(self._stepped_jobs) >= self._max_explaining:
            raise AnalyzerOverloadedError(f"{len(self._stepped_jobs)} explanations are waiting already")
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._stepped_jobs.append(_SteppedJob(steps, answer))
        self._start_answering()
        return await _wait_for_answer(answer, self._deadline)

    def _check_open(self) -> None:
        """Raise AnalyzerClosedError if the bot is shutting down."""
        if self._closed:
            raise AnalyzerClosedError("the analyzer is closed")

    def _collect(self, lane: Hashable, job: _Job) -> None:
        """Hold a text back for a moment, so that it is read together with others."""
        self._collected.append((lane, job))
        if len(self._collected) == _COLLECTED_BATCH:
            self._queue_collected()
        elif self._collecting is None:
            self._collecting = asyncio.get_running_loop().call_later(self.batch_delay, self._queue_collected)

    def _queue_collected(self) -> None:
        """Put all texts that were held back into the queue."""
        if self._collecting:
            self._collecting.cancel()
            self._collecting = None
        for lane, job in self._collected:
            self._enqueue(lane, job)
        self._collected.clear()

    def _enqueue(self, lane: Hashable, job: _Job) -> None:
        """Put a text into the queue; if the queue is full, refuse the oldest text of the longest lane."""
        dropped = self._jobs.put(lane, job)
        if dropped and not dropped.answer.done():
            dropped.answer.set_exception(AnalyzerOverloadedError("too many newer texts are waiting"))
        self._start_answering()

    def _start_answering(self) -> None:
        """Start the task that answers, unless it is running."""
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all())

    async def _answer_all(self) -> None:
        """Answer all callers; waiting predictions come before the next step of an explanation."""
        try:
            while self._jobs or self._stepped_jobs:
                if self._jobs:
                    await self._answer_texts()
                else:
                    await self._take_step()
        finally:
            self._answering = None

    async def _answer_texts(self) -> None:
        """Answer the texts that are next in the queue, a few batches at once."""
        # Batches of texts of similar length are faster, since shorter texts are padded.
        taken = sorted(self._jobs.take(_ROUND_BATCHES * self._max_batch), key=lambda job: (job.model, len(job.text)))
        for _, jobs_of_model in groupby(taken, key=lambda job: job.model):
            jobs = list(jobs_of_model)
            for start in range(0, len(jobs), self._max_batch):
                await self._answer(jobs[start : start + self._max_batch])

    async def _take_step(self) -> None:
        """Take the next step of the first explanation, or drop it if its caller no longer waits."""
        job = self._stepped_jobs[0]
        answer = job.answer
        if not answer.done():
            try:
                last = await asyncio.get_running_loop().run_in_executor(self._worker, _advance, job.steps)
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if last and not answer.done():
                    answer.set_result(last.result)
        if answer.done():
            self._stepped_jobs.popleft()

    async def _answer(self, jobs: Sequence[_Job]) -> None:
        jobs = [job for job in jobs if not job.answer.done()]
        if not jobs:
            return
        model, texts = jobs[0].model, [job.text for job in jobs]
        try:
            predictions, seconds = await asyncio.get_running_loop().run_in_executor(
                self._worker, _predict_timed, self.models[model], texts
            )
            self._meter.model_answered(model, len(texts), seconds)
            answers = list(zip(jobs, predictions, strict=True))
        except Exception as error:
            if len(jobs) > 1:  # retried one by one, so that only the text at fault fails
                for job in jobs:
                    await self._answer([job])
            elif not jobs[0].answer.done():
                jobs[0].answer.set_exception(error)
        else:
            for job, prediction in answers:
                if not job.answer.done():
                    job.answer.set_result(prediction)


async def _wait_for_answer(answer: asyncio.Future[Result], within: float) -> Result:
    """Wait for an answer and return it; raise AnalyzerTooSlowError after the deadline."""
    try:
        async with asyncio.timeout(within):
            return await answer
    except TimeoutError as error:
        raise AnalyzerTooSlowError(f"no answer within {within:g} s") from error


def _do_nothing() -> None:
    """Do nothing, in the worker thread."""


def _predict_timed(model: Classifier, texts: Sequence[str]) -> tuple[Sequence[Prediction], float]:
    """Return the predictions and the seconds they took."""
    begin = perf_counter()
    predictions = model.predict(texts)
    return predictions, perf_counter() - begin


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of the last step."""

    result: Any


def _advance(steps: Steps[Any]) -> _Result | None:
    """Take one step; return the answer after the last one, else None."""
    try:
        next(steps)
    except StopIteration as end:
        return _Result(end.value)
    return None


def _compare(models: Mapping[str, Classifier], text: str) -> Steps[dict[str, Answer]]:
    answers: dict[str, Answer] = {}
    for name, model in models.items():
        answers |= compare_models({name: model}, text)
        yield
    return answers


def _explain(models: Mapping[str, Classifier], text: str) -> Steps[tuple[dict[str, Answer], dict[str, Explanation]]]:
    answers = yield from _compare(models, text)
    explanations = {}
    for name, model in models.items():
        explanations[name] = yield from explain_in_steps(model, text)
    return answers, explanations


def _predict_prefixes(models: Mapping[str, Classifier], text: str) -> Steps[dict[str, PrefixPredictions]]:
    predictions = {}
    for name, model in models.items():
        predictions[name] = yield from predict_prefixes_in_steps(model, text, DIRECTIONS[name])
    return predictions
