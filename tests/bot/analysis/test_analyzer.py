from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import pytest

from bot.analysis.analyzer import (
    Analyzer,
    AnalyzerClosedError,
    AnalyzerOverloadedError,
    AnalyzerTooSlowError,
)
from classifiers import Prediction
from classifiers.explain import explain, predict_prefixes
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from tests.bot.support import PREDICTIONS, StubClassifier


class BlockingClassifier(StubClassifier):
    """Answers only after it is released; refuses texts with the word "poison".

    Attributes:
        reached: an event that is set at the first request.
        steps: the requests in order: texts, or the number of variants of one text.
    """

    def __init__(self) -> None:
        super().__init__(dict(PREDICTIONS))
        self.released = threading.Event()
        self.reached = threading.Event()
        self.threads: set[str] = set()
        self.steps: list[list[str] | int] = []

    def run(self, batch: Batch) -> Array:
        self.steps.append(len(batch.lengths))
        self.reached.set()
        self.threads.add(threading.current_thread().name)
        assert self.released.wait(5)
        return super().run(batch)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.steps.append(list(texts))
        self.reached.set()
        self.threads.add(threading.current_thread().name)
        assert self.released.wait(5)
        predictions = super().predict(texts)
        if any("poison" in text for text in texts):
            raise ValueError("no")
        return predictions


@pytest.fixture
def model() -> BlockingClassifier:
    return BlockingClassifier()


@pytest.fixture
async def analyzer(model: BlockingClassifier) -> AsyncIterator[Analyzer]:
    analyzer = Analyzer({"rnn": model}, max_waiting=6, max_batch=3, deadline=3)
    yield analyzer
    model.released.set()
    await analyzer.close()


async def start_callers(*texts: str, analyzer: Analyzer) -> list[asyncio.Task[Prediction]]:
    """Start callers, and return them once the worker has taken the first."""
    tasks = [asyncio.create_task(analyzer.classify(text, "rnn")) for text in texts]
    await asyncio.sleep(0.02)
    return tasks


async def test_the_event_loop_is_not_blocked_while_the_model_works(
    analyzer: Analyzer, model: BlockingClassifier
) -> None:
    [task] = await start_callers("happy", analyzer=analyzer)
    assert not task.done()
    model.released.set()
    assert await task == PREDICTIONS["happy"]
    assert model.threads == {"classifier_0"}


async def test_waiting_texts_are_batched_by_length(analyzer: Analyzer, model: BlockingClassifier) -> None:
    first = await start_callers("happy", analyzer=analyzer)
    others = await start_callers("thanks a lot", "odd", "plain", "hmm then", analyzer=analyzer)
    model.released.set()
    answers = await asyncio.gather(*first, *others)
    assert answers == [PREDICTIONS[word] for word in ("happy", "thanks", "odd", "plain", "hmm")]
    assert model.batches == [["happy"], ["odd", "plain", "hmm then"], ["thanks a lot"]]


async def test_no_task_remains_after_all_answers(analyzer: Analyzer, model: BlockingClassifier) -> None:
    model.released.set()
    await analyzer.classify("happy", "rnn")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert await analyzer.classify("thanks", "rnn") == PREDICTIONS["thanks"]


async def test_oldest_text_is_dropped_if_too_many_wait(analyzer: Analyzer, model: BlockingClassifier) -> None:
    [first] = await start_callers("happy", analyzer=analyzer)
    texts = [f"odd {number}" for number in range(8)]
    tasks = await start_callers(*texts, analyzer=analyzer)
    model.released.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers[:2]] == [AnalyzerOverloadedError] * 2
    assert (await first, answers[2:]) == (PREDICTIONS["happy"], [PREDICTIONS["odd"]] * 6)
    assert [text for batch in model.batches for text in batch] == ["happy", *reversed(texts[2:])]


async def test_flood_neither_drops_nor_delays_texts_of_others(analyzer: Analyzer, model: BlockingClassifier) -> None:
    [first] = await start_callers("happy", analyzer=analyzer)
    flood = [asyncio.create_task(analyzer.classify(f"odd {number}", "rnn", lane=1)) for number in range(20)]
    await asyncio.sleep(0)
    other = asyncio.create_task(analyzer.classify("thanks", "rnn", lane=2))
    late = [asyncio.create_task(analyzer.classify(f"odd {number}", "rnn", lane=1)) for number in range(20, 40)]
    await asyncio.sleep(0)
    model.released.set()
    assert await other == PREDICTIONS["thanks"]
    answers = await asyncio.gather(first, *flood, *late, return_exceptions=True)
    assert sum(isinstance(answer, AnalyzerOverloadedError) for answer in answers) == 40 - 5


class TestPatientCallers:
    @pytest.fixture
    async def analyzer(self, model: BlockingClassifier) -> AsyncIterator[Analyzer]:
        """An analyzer whose callers may wait longer than any test takes."""
        model.released.set()
        analyzer = Analyzer({"rnn": model}, batch_delay=3600)
        yield analyzer
        await analyzer.close()

    async def ask(self, analyzer: Analyzer, *texts: str) -> list[asyncio.Task[Prediction]]:
        tasks = [asyncio.create_task(analyzer.classify(text, "rnn", urgent=False)) for text in texts]
        await asyncio.sleep(0.02)
        return tasks

    async def test_texts_that_are_not_urgent_are_read_in_batches_of_eight_after_urgent_ones(
        self, analyzer: Analyzer, model: BlockingClassifier
    ) -> None:
        waiting = await self.ask(analyzer, *["odd"] * 7)
        assert analyzer.texts_waiting == 7
        assert await analyzer.classify("happy", "rnn") == PREDICTIONS["happy"]
        assert model.batches == [["happy"]]
        async with asyncio.timeout(60):
            await asyncio.gather(*waiting, *await self.ask(analyzer, "odd"))
        assert model.batches == [["happy"], ["odd"] * 8]
        assert analyzer.texts_waiting == 0

    async def test_texts_that_are_not_urgent_wait_only_briefly(
        self, analyzer: Analyzer, model: BlockingClassifier
    ) -> None:
        analyzer.batch_delay = 0.01
        for _ in range(2):
            assert await analyzer.classify("odd", "rnn", urgent=False) == PREDICTIONS["odd"]
        assert model.batches == [["odd"]] * 2

    async def test_closing_answers_texts_that_are_not_urgent(self, analyzer: Analyzer) -> None:
        [waiting] = await self.ask(analyzer, "odd")
        await analyzer.close()
        assert waiting.done()
        assert await waiting == PREDICTIONS["odd"]


async def test_caller_may_set_a_longer_deadline(model: BlockingClassifier) -> None:
    analyzer = Analyzer({"rnn": model}, deadline=0.01)
    patient = asyncio.create_task(analyzer.classify("happy", "rnn", within=60))
    await asyncio.to_thread(model.reached.wait, 10)
    for late in (analyzer.classify("thanks", "rnn", within=0), analyzer.classify("odd", "rnn")):
        with pytest.raises(AnalyzerTooSlowError):
            await late
    model.released.set()
    assert await patient == PREDICTIONS["happy"]
    await analyzer.close()
    assert model.batches == [["happy"]]  # the others were dropped unread


async def test_caller_gets_an_error_after_its_deadline(model: BlockingClassifier) -> None:
    analyzer = Analyzer({"rnn": model}, deadline=0.05)
    for late in (
        analyzer.classify("happy", "rnn"),
        analyzer.classify("odd", "rnn"),
        analyzer.compare("happy"),
        analyzer.explain("happy"),
        analyzer.predict_prefixes("happy"),
    ):
        with pytest.raises(AnalyzerTooSlowError, match=r"within 0\.05 s"):
            await late
    model.released.set()
    assert await analyzer.classify("thanks", "rnn") == PREDICTIONS["thanks"]
    assert not any("odd" in batch for batch in model.batches)  # its caller no longer waits
    await analyzer.close()


async def test_exception_of_the_model_reaches_the_caller(analyzer: Analyzer, model: BlockingClassifier) -> None:
    model.released.set()
    with pytest.raises(ValueError, match="no"):
        await analyzer.classify("poison", "rnn")
    for ask in (analyzer.compare, analyzer.explain):
        with pytest.raises(ValueError, match="no"):
            await ask("poison")
    assert await analyzer.classify("happy", "rnn") == PREDICTIONS["happy"]


async def test_text_that_fails_does_not_affect_its_batch(analyzer: Analyzer, model: BlockingClassifier) -> None:
    first = await start_callers("happy", analyzer=analyzer)
    others = await start_callers("odd", "poison", "thanks", analyzer=analyzer)
    model.released.set()
    answers = await asyncio.gather(*first, *others, return_exceptions=True)
    assert model.batches[:2] == [["happy"], ["odd", "thanks", "poison"]]
    assert [answers[0], answers[1], answers[3]] == [PREDICTIONS["happy"], PREDICTIONS["odd"], PREDICTIONS["thanks"]]
    assert isinstance(answers[2], ValueError)


async def test_model_without_an_answer_is_logged_and_asked_again(
    analyzer: Analyzer, model: BlockingClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.released.set()
    with monkeypatch.context() as patch:
        patch.setattr(model, "predict", lambda _texts: [])
        with pytest.raises(ValueError, match="zip"):
            await analyzer.classify("happy", "rnn")
    assert await analyzer.classify("happy", "rnn") == PREDICTIONS["happy"]


async def test_default_model_answers_for_one_that_is_not_loaded(model: BlockingClassifier) -> None:
    model.released.set()
    analyzer = Analyzer({"rnn": StubClassifier({"happy": PREDICTIONS["odd"]}), "bilstm": model}, default_model="bilstm")
    assert await analyzer.classify("happy", "gru") == PREDICTIONS["happy"]
    assert await analyzer.classify("happy", None) == PREDICTIONS["happy"]
    assert await analyzer.classify("happy", "rnn") == PREDICTIONS["odd"]
    await analyzer.close()


async def test_cancelled_callers_do_not_affect_the_others(analyzer: Analyzer, model: BlockingClassifier) -> None:
    [first] = await start_callers("happy", analyzer=analyzer)
    *whole_batch, last = await start_callers("odd", "odd", "odd", "thanks", analyzer=analyzer)
    given_up = (first, *whole_batch)
    for caller in given_up:
        caller.cancel()
    await asyncio.sleep(0)
    model.released.set()
    assert await last == PREDICTIONS["thanks"]
    assert all(caller.cancelled() for caller in given_up)
    assert await analyzer.classify("happy", "rnn") == PREDICTIONS["happy"]


async def test_comparison_asks_every_model(model: BlockingClassifier) -> None:
    model.released.set()
    other = StubClassifier({"happy": PREDICTIONS["odd"]})
    analyzer = Analyzer({"rnn": model, "bilstm": other})
    answers = await asyncio.gather(*(analyzer.classify("happy", name) for name in ("rnn", "bilstm", "rnn", "bilstm")))
    assert answers == [PREDICTIONS["happy"], PREDICTIONS["odd"]] * 2
    assert (model.batches, other.batches) == ([["happy"] * 2], [["happy"] * 2])
    compared = await analyzer.compare("happy")
    assert {name: answer.prediction for name, answer in compared.items()} == {
        "rnn": PREDICTIONS["happy"],
        "bilstm": PREDICTIONS["odd"],
    }
    assert all(answer.milliseconds >= 0 for answer in compared.values())
    await analyzer.close()


async def test_comparison_includes_explanations(analyzer: Analyzer, model: BlockingClassifier) -> None:
    model.released.set()
    answers, explanations = await analyzer.explain("so happy")
    assert answers["rnn"].prediction == PREDICTIONS["happy"]
    assert explanations["rnn"] == explain(model, "so happy")
    assert [word.share > 0.5 for word in explanations["rnn"].words] == [False, True]


async def test_explanation_of_a_single_model_can_be_requested(model: BlockingClassifier) -> None:
    model.released.set()
    other = StubClassifier(dict(PREDICTIONS))
    analyzer = Analyzer({"rnn": model, "bilstm": other})
    answers, explanations = await analyzer.explain("so happy", "rnn")
    assert (list(answers), list(explanations), other.batches) == (["rnn"], ["rnn"], [])
    await analyzer.close()


async def test_suffixes_are_read_only_by_bidirectional_models(model: BlockingClassifier) -> None:
    model.released.set()
    analyzer = Analyzer({"rnn": model, "bilstm": StubClassifier(dict(PREDICTIONS))})
    predictions = await analyzer.predict_prefixes("so happy")
    assert predictions == {
        "rnn": predict_prefixes(model, "so happy", 1),
        "bilstm": predict_prefixes(model, "so happy", 2),
    }
    await analyzer.close()


async def test_models_run_outside_the_event_loop_thread(analyzer: Analyzer, model: BlockingClassifier) -> None:
    model.released.set()
    for ask in (analyzer.compare, analyzer.explain, analyzer.predict_prefixes):
        await ask("happy")
    assert {thread.split("_")[0] for thread in model.threads} == {"classifier"}


WORDY = " ".join(f"{word} happy" for word in ("so", "very") * 10)  # more words than variants go through at once


@pytest.mark.parametrize("ask", [Analyzer.explain, Analyzer.predict_prefixes])
async def test_reactions_are_predicted_between_the_steps_of_an_explanation(
    analyzer: Analyzer, model: BlockingClassifier, ask: Callable[[Analyzer, str], Coroutine[Any, Any, object]]
) -> None:
    explanations = [asyncio.create_task(ask(analyzer, WORDY)) for _ in range(2)]
    assert await asyncio.to_thread(model.reached.wait, 10)
    await asyncio.sleep(0.02)
    first = list(model.steps)
    assert len(first) == 1  # the one that the worker has taken
    tasks = await start_callers("thanks a lot", "odd", "plain", "hmm then", analyzer=analyzer)
    model.released.set()
    await asyncio.gather(*explanations, *tasks)
    assert model.steps[:3] == [*first, ["odd", "plain", "hmm then"], ["thanks a lot"]]
    assert len(model.steps) > 6


async def test_explanations_run_one_after_another(analyzer: Analyzer, model: BlockingClassifier) -> None:
    """Each then ends as soon as possible; several at once would all be late."""
    explanations = [asyncio.create_task(analyzer.explain(f"{text} {WORDY}")) for text in ("first", "second")]
    await asyncio.sleep(0.02)
    model.released.set()
    await asyncio.gather(*explanations)
    half = len(model.steps) // 2
    assert [step for step in model.steps if isinstance(step, list)] == [[f"first {WORDY}"], [f"second {WORDY}"]]
    assert model.steps[half] == [f"second {WORDY}"]


async def test_abandoned_explanation_is_stopped(analyzer: Analyzer, model: BlockingClassifier) -> None:
    given_up = [asyncio.create_task(analyzer.explain(WORDY)) for _ in range(2)]
    await asyncio.sleep(0.02)
    for task in given_up:
        task.cancel()
    await asyncio.sleep(0)
    model.released.set()
    assert await analyzer.classify("happy", "rnn") == PREDICTIONS["happy"]
    await analyzer.close()
    assert model.steps == [[WORDY], ["happy"]]


async def test_waiting_explanations_are_limited_and_do_not_block_reactions(
    model: BlockingClassifier,
) -> None:
    analyzer = Analyzer({"rnn": model}, max_explaining=2)
    explanations = [asyncio.create_task(analyzer.explain("happy")) for _ in range(2)]
    await asyncio.sleep(0.02)
    for ask in (analyzer.compare, analyzer.explain, analyzer.predict_prefixes):
        with pytest.raises(AnalyzerOverloadedError):
            await ask("happy")
    tasks = await start_callers("happy", analyzer=analyzer)
    model.released.set()
    await asyncio.gather(*explanations, *tasks)
    await analyzer.explain("happy")
    await analyzer.close()


async def test_closing_answers_waiting_batches_and_explanations(analyzer: Analyzer, model: BlockingClassifier) -> None:
    tasks = await start_callers("happy", "odd", "thanks", "plain", "hmm", analyzer=analyzer)
    explanation = asyncio.create_task(analyzer.explain(WORDY))
    await asyncio.sleep(0)
    closing = asyncio.create_task(analyzer.close())
    await asyncio.sleep(0)
    model.released.set()
    await closing
    assert [task.result() for task in tasks] == [
        PREDICTIONS[word] for word in ("happy", "odd", "thanks", "plain", "hmm")
    ]
    assert explanation.result()[1] == {"rnn": explain(StubClassifier(dict(PREDICTIONS)), WORDY)}


async def test_closing_answers_waiting_callers_and_refuses_new_ones(
    analyzer: Analyzer, model: BlockingClassifier
) -> None:
    before = set(threading.enumerate())  # other tests may have left theirs
    tasks = await start_callers("happy", "odd", analyzer=analyzer)
    closing = asyncio.create_task(analyzer.close())
    await asyncio.sleep(0)
    with pytest.raises(AnalyzerClosedError):
        await analyzer.classify("happy", "rnn")
    model.released.set()
    await closing
    assert [task.result() for task in tasks] == [PREDICTIONS["happy"], PREDICTIONS["odd"]]
    left = set(threading.enumerate()) - before
    assert not any(thread.name.startswith("classifier") for thread in left)
