"""The classifiers off the event loop: one worker thread, micro-batches, a bound and a deadline.

Heartbeats must not wait for a model, so no prediction runs on the event loop's thread. What arrives while
the worker is busy becomes its next batch, so batches grow with the load by themselves. No task waits for
work: a flush starts with the first text and ends when none is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from classifiers import Answer, Classifier, Prediction
from classifiers import compare as compare_models
from classifiers.explain import Explanation, Reading
from classifiers.explain import explain as explain_model
from classifiers.explain import read as read_with
from classifiers.model_directory import DIRECTIONS

Told = TypeVar("Told")


class AnalyzerError(Exception):
    """The analyzer gives no answer, though the models may be well."""


class AnalyzerOverloadedError(AnalyzerError):
    """Too many texts are waiting already."""


class AnalyzerTooSlowError(AnalyzerError):
    """The answer did not come in time."""


class AnalyzerClosedError(AnalyzerError):
    """The bot is shutting down."""


@dataclass(frozen=True, slots=True)
class _Job:
    text: str
    model: str
    answer: asyncio.Future[Prediction]


class Analyzer:
    """Asks the models on behalf of many callers.

    Attributes:
        models: the loaded models by name.
    """

    def __init__(
        self,
        models: Mapping[str, Classifier],
        *,
        max_waiting: int = 256,
        max_batch: int = 32,
        deadline: float = 2.0,
    ) -> None:
        """Start with nothing to do; the worker thread starts with the first text.

        Args:
            models: the loaded models by name.
            max_waiting: how many callers may wait for an answer at once.
            max_batch: how many texts a model is given at once.
            deadline: seconds that a caller waits at most; an interaction must be answered within three.
        """
        self.models = models
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._deadline = deadline
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="classifier")
        self._callers = 0
        self._jobs: list[_Job] = []
        self._flush: asyncio.Task[None] | None = None
        self._closed = False

    async def classify(self, text: str, model: str) -> Prediction:
        """What one model makes of a text.

        Raises:
            AnalyzerError: no answer, because of the bound, the deadline or the end of the bot.
            Exception: whatever the model raised.
        """
        with self._admitted():
            job = _Job(text, model, asyncio.get_running_loop().create_future())
            self._jobs.append(job)
            if self._flush is None:
                self._flush = asyncio.create_task(self._answer_all())
            async with asyncio.timeout(self._deadline):
                return await job.answer

    async def compare(self, text: str) -> dict[str, Answer]:
        """What every model makes of a text, each timed by itself; raises as `classify` does."""
        return await self._ask(compare_models, text)

    async def explain(self, text: str) -> tuple[dict[str, Answer], dict[str, Explanation]]:
        """What `compare` gives, and which words moved each model; raises as `classify` does."""
        return await self._ask(_compare_and_explain, text)

    async def read(self, text: str) -> dict[str, Reading]:
        """What every model believes after each word of a text; raises as `classify` does."""
        return await self._ask(_read, text)

    async def close(self) -> None:
        """Admit nobody any more, answer who still waits, and end the worker thread."""
        self._closed = True
        if self._flush is not None:
            await asyncio.wait([self._flush])
        await asyncio.to_thread(self._worker.shutdown)

    async def _ask(self, question: Callable[[Mapping[str, Classifier], str], Told], text: str) -> Told:
        """What comes of asking all models about a text."""
        with self._admitted():
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._worker, question, self.models, text)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        """Count a caller in and out, and give refusals and deadlines their names."""
        if self._closed:
            raise AnalyzerClosedError("the analyzer is closed")
        if self._callers >= self._max_waiting:
            raise AnalyzerOverloadedError(f"{self._callers} texts are waiting already")
        self._callers += 1
        try:
            yield
        except TimeoutError as error:
            raise AnalyzerTooSlowError(f"no answer within {self._deadline:g} s") from error
        finally:
            self._callers -= 1

    async def _answer_all(self) -> None:
        try:
            while self._jobs:
                model = self._jobs[0].model
                # Lengths alike make a batch fast, since the shorter texts of a batch are padded.
                jobs = sorted((job for job in self._jobs if job.model == model), key=lambda job: len(job.text))
                self._jobs = [job for job in self._jobs if job.model != model]
                for start in range(0, len(jobs), self._max_batch):
                    await self._answer(jobs[start : start + self._max_batch])
        finally:
            self._flush = None

    async def _answer(self, jobs: Sequence[_Job]) -> None:
        jobs = [job for job in jobs if not job.answer.done()]
        if not jobs:
            return
        predict = self.models[jobs[0].model].predict
        try:
            predictions = await asyncio.get_running_loop().run_in_executor(
                self._worker, predict, [job.text for job in jobs]
            )
        except Exception as error:
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(error)
        else:
            for job, prediction in zip(jobs, predictions, strict=True):
                if not job.answer.done():
                    job.answer.set_result(prediction)


def _compare_and_explain(
    models: Mapping[str, Classifier], text: str
) -> tuple[dict[str, Answer], dict[str, Explanation]]:
    return compare_models(models, text), {name: explain_model(model, text) for name, model in models.items()}


def _read(models: Mapping[str, Classifier], text: str) -> dict[str, Reading]:
    return {name: read_with(model, text, DIRECTIONS[name]) for name, model in models.items()}
