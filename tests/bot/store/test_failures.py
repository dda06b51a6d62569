from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, StatementError

from bot.store import StoreError
from bot.store.failures import reason


class UnknownCertificateError(ValueError):
    """As asyncpg raises it while connecting, when there is no row to quote."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (TimeoutError(), "no answer in time"),
        (StoreError("it is gone"), "it is gone"),
        (ValueError("'secret' is no number"), "ValueError"),
        (DBAPIError("INSERT INTO x VALUES (?)", {"x": "secret"}, Exception("no space\nDETAIL: secret")), "no space"),
        (StatementError("odd", "INSERT INTO x VALUES (?)", {"x": "secret"}, ValueError("secret")), "ValueError"),
        (DBAPIError("INSERT", {}, sqlite3.IntegrityError("secret is not unique")), "IntegrityError"),
        (DBAPIError("INSERT", {}, UnknownCertificateError("root.crt does not exist")), "root.crt does not exist"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_description_of_a_failure_is_its_reason(error: Exception, words: str) -> None:
    assert reason(error) == words
