from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def numbers() -> dict[str, Any]:
    """Return the published measurements of the study."""
    path = Path(__file__).parents[3] / "docs" / "study" / "numbers.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
