from __future__ import annotations

import importlib.util
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import make_url

from bot.cli import main
from bot.store.url import DatabaseUrlError, parse_database_url


@pytest.mark.parametrize(
    ("given", "as_sqlalchemy_has_it"),
    [
        ("sqlite:///emobot.db", "sqlite+aiosqlite:///emobot.db"),
        (" sqlite:////var/lib/emobot.db\n", "sqlite+aiosqlite:////var/lib/emobot.db"),
        ("sqlite:///a folder/100%.db", "sqlite+aiosqlite:///a folder/100%25.db"),
        ("SQLite+pysqlite:///emobot.db", "sqlite+aiosqlite:///emobot.db"),
        ("postgresql://emobot:secret@db/emobot", "postgresql+asyncpg://emobot:secret@db/emobot"),
        ("postgres://db:5432/emobot", "postgresql+asyncpg://db:5432/emobot"),
        ("postgresql+psycopg2://my_db-1.example.org./emobot", "postgresql+asyncpg://my_db-1.example.org./emobot"),
        ("postgresql://me@[::1]:5433/emobot", "postgresql+asyncpg://me@[::1]:5433/emobot"),
        ("postgresql://me:a%40b%2Fc@db/emobot", "postgresql+asyncpg://me:a%40b%2Fc@db/emobot"),
        ("postgresql://me:a/b?c#d:e@db/emobot", "postgresql+asyncpg://me:a%2Fb%3Fc%23d%3Ae@db/emobot"),
        ("postgresql://db/emobot?sslmode=require", "postgresql+asyncpg://db/emobot?ssl=require"),
        ("postgresql://db/emobot?sslmode=", "postgresql+asyncpg://db/emobot"),
        ("postgresql://db/emobot?ssl=verify-full", "postgresql+asyncpg://db/emobot?ssl=verify-full"),
        ("postgresql://me@/emobot?host=/run/pg", "postgresql+asyncpg://me@/emobot?host=%2Frun%2Fpg"),
    ],
)
def test_url_without_a_driver_gets_the_asynchronous_one(given: str, as_sqlalchemy_has_it: str) -> None:
    assert parse_database_url(given) == make_url(as_sqlalchemy_has_it)


WRONG = [
    ("SECRET.db", "be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"),
    ("SECRET:///emobot.db", "be sqlite:///FILE or"),
    ("mysql://SECRET@db/emobot", "be sqlite:///FILE or"),
    ("jdbc:postgresql://SECRET/emobot", "be sqlite:///FILE or"),
    ("sqlite:///\0SECRET", "be sqlite:///FILE or"),
    ("sqlite://", "be sqlite:///FILE,"),
    ("sqlite:///", "be sqlite:///FILE,"),
    ("sqlite:////", "be sqlite:///FILE,"),
    ("sqlite://SECRET.db", "be sqlite:///FILE,"),
    ("sqlite:///:memory:", "be sqlite:///FILE,"),
    ("sqlite:///SECRET.db?mode=ro", "be sqlite:///FILE,"),
    ("postgresql://", "end in the name of the database"),
    ("postgresql://bob:SECRET@db", "end in the name of the database"),
    ("postgresql://bob:SECRET@db/", "end in the name of the database"),
    ("postgresql://bo/b:SECRET@db/emobot", "end in the name of the database"),
    ("postgresql://bob:SECRET@db/emobot/SECRET", "end in the name of the database"),
    ("postgresql://bob:se@SECRET@127.0.0.1:1/db", "have one @ only"),
    ("postgresql://bob:SE@C/RET@db/emobot", "have one @ only"),
    ("postgresql://bob:SE@CRET:5@db:1/emobot", "have one @ only"),
    ("postgresql://bob:SECRET/db", "be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE, and a port"),
    ("postgresql://db:SECRET/emobot", "be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE, and a port"),
    ("postgresql://bob:SECRET@db:99999/emobot", "have a port from 1 to 65535"),
    ("postgresql://bob:SECRET@db:0/emobot", "have a port from 1 to 65535"),
    ("postgresql://bob:SECRET@db:-1/emobot", "have a port from 1 to 65535"),
    ("postgresql:///SECRET", "name one host"),
    ("postgresql://bob:SECRET@/emobot", "name one host"),
    ("postgresql://bob:SECRET@:5432/emobot", "name one host"),
    ("postgresql://bob:SECRET@/emobot?host=", "name one host"),
    ("postgresql://bob:SECRET@/emobot?host=SECRET", "name one host"),
    ("postgresql://bob:SECRET@/emobot?host=/a&host=/b", "name one host"),
    ("postgresql://bob:SECRET@db/emobot?host=/run/postgresql", "name one host"),
    ("postgresql://bob:SECRET@a..b/emobot", "have a host's name"),
    ("postgresql://bob:SECRET@SECRET RET/emobot", "have a host's name"),
    (f"postgresql://bob:SECRET@{'a' * 64}.org/emobot", "have a host's name"),
    ("postgresql://bob:SECRET@one,two/emobot", "have a host's name"),
    ("postgresql://bob:SECRET@[SECRET::1]/emobot", "have a host's name"),
    ("postgresql://bob:SECRET@db/emobot?sslmode=SECRET", "have nothing after the ?"),
    ("postgresql://bob:SECRET@db/emobot?sslmode=require&sslmode=allow", "have nothing after the ?"),
    ("postgresql://bob@db/emobot?password=SECRET", "have nothing after the ?"),
    ("postgresql://bob@db/emobot?channel_binding=require", "have nothing after the ?"),
]


@pytest.fixture
def _no_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any) -> None:
        pytest.fail("a name was looked up")

    monkeypatch.setattr("socket.getaddrinfo", look_up)


@pytest.mark.usefixtures("_no_lookups")
@pytest.mark.parametrize(("url", "what_to_do"), WRONG)
@pytest.mark.parametrize("command", [[], ["check"], ["data", "export", "--user", "5"]])
def test_other_urls_are_refused_with_what_to_do_and_without_their_text(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    url: str,
    what_to_do: str,
) -> None:
    if "\0" in url:  # only the env file can contain it
        monkeypatch.setattr("os.environ", {"DATABASE_URL": url})
    else:
        monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DISCORD_TOKEN", "MQ.s3cr3t.s3cr3t")
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"DATABASE_URL must {what_to_do}")
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    assert not any(part in err for part in ("SECRET", "CRET", "RET@", "bob"))


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    sentence = 'wait until its driver is installed: run `pip install "emobot[postgres]"`'
    with pytest.raises(DatabaseUrlError, match=f"^{re.escape(sentence)}$"):
        parse_database_url("postgresql://db/emobot")


@given(st.text(alphabet=st.sampled_from("ab1/@:?#%[]&= .\\,\u00e9\u0000\n"), max_size=30))
@example("%")
def test_any_text_is_parsed_or_raises_database_url_error(rest: str) -> None:
    for kind in ("sqlite://", "sqlite:///", "postgresql://", "postgresql://a:b@", "postgresql://a/b?"):
        try:
            url = parse_database_url(kind + rest)
        except DatabaseUrlError:
            continue
        assert make_url(url.render_as_string(hide_password=False)) == url
