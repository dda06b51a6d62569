"""The teacher: a pre-trained transformer, fine-tuned on the same data, whose probabilities our small networks learn.

The shipped recipe uses all-mpnet-base-v2 (Song and others, "MPNet", 2020; sentence-transformers). Distillation follows
Hinton and others, "Distilling the Knowledge in a Neural Network" (2015). The teacher needs the `distill` extra and is
used only in training, never in serving.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import regex
import torch
import transformers

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, count_batches, logits_of, training_batches
from classifiers.nn.optimizers import warmup_cosine
from classifiers.training.recipes import TEACHER_HEAD_RATE, TEACHER_MAX_PIECES, Encoder, Recipe

EMOJI = regex.compile(r"\p{Extended_Pictographic}")
"""Emoji, for which such an encoder has no word pieces; it reads their Unicode names instead."""


def fastest_device() -> str:
    """Return PyTorch's name of a GPU if there is one, else that of the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Teacher:
    """An encoder with an output for each label; a `Trainable`, so that it is trained like our own networks.

    The output reads the mean of the last layer's states, as in the sentence-transformers models from which it starts.
    """

    def __init__(
        self, bias: Array, recipe: Recipe, encoder: Encoder, folder: Path | None = None, device: str = "cpu"
    ) -> None:
        """Take the pre-trained weights of an encoder, and `bias` (labels,) as those of the output.

        Args:
            bias: (labels,) float32.
            recipe: how it is trained; the size of vectors is the encoder's own.
            encoder: a BERT, an MPNet or a similar model on the Hugging Face Hub, which is downloaded once.
            folder: a folder with the encoder and its tokenizer, as written by transformers, to use instead of the Hub.
            device: where PyTorch computes, "cpu" or "cuda".

        Raises:
            OSError, ValueError: the encoder cannot be downloaded or read.
        """
        source = {"pretrained_model_name_or_path": folder or encoder.name, "revision": encoder.revision}
        torch.manual_seed(recipe.seed)
        transformers.logging.set_verbosity_error()  # it warns that the output is new, which is the point
        transformers.logging.disable_progress_bar()
        self._recipe = recipe
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
        self._encoder = transformers.AutoModel.from_pretrained(**source, add_pooling_layer=False)
        self._output = torch.nn.Linear(self._encoder.config.hidden_size, len(bias))
        torch.nn.init.normal_(self._output.weight, std=self._encoder.config.initializer_range)
        with torch.no_grad():
            self._output.bias.copy_(torch.from_numpy(bias))
        self._dropout = torch.nn.Dropout(recipe.dropout)
        self._parts = torch.nn.ModuleList([self._encoder, self._output, self._dropout]).to(device)
        self._device = torch.device(device)
        # Word vectors are not trained, so that those of words outside the data stay consistent with the others.
        self._encoder.requires_grad_(False)
        layers = self._encoder.encoder.layer
        self._frozen = torch.nn.ModuleList([self._encoder.embeddings, *layers[: encoder.frozen]])
        for layer in layers[encoder.frozen :]:
            layer.requires_grad_(True)
        # 16-bit numbers halve the time if the processor supports them, and take twenty times as long if not.
        self._half = device != "cpu" or torch.cpu.get_capabilities().get("avx512_bf16", False)
        head = list(self._output.parameters())
        body = [p for p in self._encoder.parameters() if p.requires_grad]
        self._trained = body + head
        self._optimizer = torch.optim.AdamW(
            [{"params": body, "pace": 1}, {"params": head, "pace": TEACHER_HEAD_RATE}],
            weight_decay=recipe.weight_decay,
            fused=True,
        )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Word-piece numbers of texts, with the marks that the model expects around them; emoji by their names."""
        spelled = [EMOJI.sub(_name, text) for text in texts]
        return list(self._tokenizer(spelled, truncation=True, max_length=TEACHER_MAX_PIECES)["input_ids"])

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See `Trainable`."""
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, number])
        torch.manual_seed(int(rng.integers(2**32)))  # so that a resumed training has the same dropout masks
        steps = count_batches(examples, recipe.batch_size)
        self._parts.train()
        self._frozen.eval()  # no dropout in layers that are not trained
        batches = training_batches(examples, recipe.batch_size, rng)
        for step, (batch, targets) in enumerate(batches, start=(number - 1) * steps):
            rate = warmup_cosine(step, recipe.epochs * steps, recipe.learning_rate)
            for group in self._optimizer.param_groups:
                group["lr"] = rate * group["pace"]
            wanted = self._moved(targets)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(self._answer(batch), wanted)
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._trained, recipe.clip_norm)
            self._optimizer.step()
            yield float(loss.detach())

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """See `Trainable`."""
        self._parts.eval()
        with torch.no_grad():
            return logits_of(lambda batch: _array(self._answer(batch)), sequences, batch_size=64)

    def vectors(self, words: Sequence[str]) -> Array:
        """A vector (words, features) for each word: the mean of the last layer's states over the word's pieces."""
        self._parts.eval()
        with torch.no_grad():
            return logits_of(lambda batch: _array(self._read(batch)), self.encode(words), batch_size=256)

    def state(self) -> dict[str, Array]:
        """See `Trainable`."""
        state = {f"network/{name}": _array(parameter) for name, parameter in self._learning()}
        for place, moments in self._optimizer.state_dict()["state"].items():
            state |= {f"optimizer/{place}/{name}": _array(value) for name, value in moments.items()}
        return state

    def restore(self, state: dict[str, Array]) -> None:
        """See `Trainable`."""
        optimizer = self._optimizer.state_dict()
        optimizer["state"] = {}
        with torch.no_grad():
            for name, parameter in self._learning():
                parameter.copy_(torch.from_numpy(state[f"network/{name}"]))
        for key, value in state.items():
            kind, *place = key.split("/")
            if kind == "optimizer":
                optimizer["state"].setdefault(int(place[0]), {})[place[1]] = torch.from_numpy(value.copy())
        self._optimizer.load_state_dict(optimizer)

    def _learning(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the tensor of each parameter that is trained."""
        return ((name, parameter) for name, parameter in self._parts.named_parameters() if parameter.requires_grad)

    def _answer(self, batch: Batch) -> Any:
        """Logits (batch, labels)."""
        return self._output(self._dropout(self._read(batch)))

    def _read(self, batch: Batch) -> Any:
        """The mean of the last layer's states (batch, features) over each text's word pieces."""
        real = self._moved((np.arange(len(batch.ids)) < batch.lengths[:, None]).astype(np.int64))
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._half):
            states = self._encoder(self._moved(batch.ids.T.astype(np.int64)), real).last_hidden_state.float()
        return (states * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)

    def _moved(self, array: Array) -> Any:
        return torch.from_numpy(array).to(self._device)


def _array(tensor: Any) -> Array:
    """Return a copy of a tensor, whichever device it is on."""
    return np.array(tensor.detach().cpu())


def _name(emoji: regex.Match[str]) -> str:
    return f" {unicodedata.name(emoji[0], '')} "
