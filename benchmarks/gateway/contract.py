"""Check requests and answers against Discord's own OpenAPI description of its API."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

VARIABLE = "DISCORD_OPENAPI"
"""The environment variable with the path of the description's file."""

MISSING = (
    "run `curl -O https://raw.githubusercontent.com/discord/discord-api-spec/main/specs/openapi.json` "
    f"and `export {VARIABLE}=$PWD/openapi.json`"
)
"""The commands that provide the description if it is missing."""


class Contract:
    """Discord's OpenAPI description, against which requests and answers are checked."""

    def __init__(self, file: Path) -> None:
        """Read the description from a file."""
        self._api = json.loads(file.read_text(encoding="utf-8"))
        self._jsonschema: Any = importlib.import_module("jsonschema")  # publishes no types
        self._validator = cache(self._new_validator)  # by schema, since building one takes long
        self._body_violations = lru_cache(maxsize=256)(self._new_body_violations)

    def errors(self, method: str, path: str, payload: Any) -> list[str]:
        """Return how the JSON of a request violates the description.

        Args:
            method: in upper or lower case.
            path: as in the description, with names in braces.
            payload: the JSON, or None if there is none.
        """
        if (operation := self._operation(method, path)) is None:
            return [f"{method} {path} is not among Discord's routes"]
        if (body := operation.get("requestBody")) is None:
            return [] if payload is None else [f"{method} {path} takes no JSON"]
        if payload is None:
            return [f"{method} {path} needs JSON"] if body.get("required") else []
        schema = json.dumps(body["content"]["application/json"]["schema"])
        return list(self._body_violations(schema, json.dumps(payload)))

    def parameter_errors(
        self, method: str, path: str, in_path: Mapping[str, str], in_query: Mapping[str, str]
    ) -> list[str]:
        """Return how the parameters in a path and its query violate the description."""
        if (operation := self._operation(method, path)) is None:
            return []
        known = [*self._api["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        errors = []
        for place, given in (("path", in_path), ("query", in_query)):
            schemas = {entry["name"]: entry["schema"] for entry in known if entry["in"] == place}
            for name, text in given.items():
                if name not in schemas:
                    errors.append(f"{method} {path} has no parameter {name} in its {place}")
                    continue
                schema = json.dumps(schemas[name])
                if all(self._violations(schema, value) for value in _possible_values(text)):
                    errors.append(f"{method} {path} does not take {name}={text}")
        return errors

    def answer_errors(self, method: str, path: str, status: int, payload: Any) -> list[str]:
        """Return how an answer of the loopback Discord violates the description."""
        operation = self._operation(method, path)
        answers = operation["responses"] if operation else {}
        if str(status) not in answers:
            return [f"{method} {path} is never answered with {status}"]
        if (content := answers[str(status)].get("content")) is None:
            return [] if payload is None else [f"{method} {path} is answered with no JSON"]
        return self._violations(json.dumps(content["application/json"]["schema"]), payload)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = self._api["paths"].get(path, {}).get(method.lower())
        return operation

    def _violations(self, schema: str, payload: Any) -> list[str]:
        return [error.message for error in self._validator(schema).iter_errors(payload)]

    # Cached because each bot that starts sends the same long list of commands.
    def _new_body_violations(self, schema: str, payload: str) -> tuple[str, ...]:
        return tuple(self._violations(schema, json.loads(payload)))

    def _new_validator(self, schema: str) -> Any:
        return self._jsonschema.Draft202012Validator({**json.loads(schema), "components": self._api["components"]})


def find_contract() -> Contract | None:
    """Return the description whose file the environment names, or None if it names none."""
    return Contract(Path(os.environ[VARIABLE])) if os.environ.get(VARIABLE) else None


def _possible_values(text: str) -> list[Any]:
    """Return the values that a parameter's text may stand for; discord.py writes true as 1, which Discord accepts."""
    try:
        return [text, json.loads(text), *([bool(int(text))] if text in ("0", "1") else [])]
    except ValueError:
        return [text]
