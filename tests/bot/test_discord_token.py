from __future__ import annotations

import pytest

from bot.discord_token import TokenError, parse_token


@pytest.mark.parametrize("text", ["MQ.s3cr3t.s-3_t", "  MQ.s3cr3t.s-3_t\n", "MQ.your-token.changeme"])
def test_plausible_token_is_accepted(text: str) -> None:
    assert parse_token(text) == text.strip()


@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
def test_blank_text_is_not_a_token(blank: str) -> None:
    assert parse_token(blank) is None


ID = "be the token of your bot, not the id of the application: the developer portal shows it once, on the page Bot"
KEY = "be the token of your bot, not the public key of the application: "
SECRET = "be the token of your bot, not the client secret of the application: "  # noqa: S105 - a sentence
PLACEHOLDER = "be the token of your bot, not the placeholder of an example: "
QUOTES = "have no quotation marks around it"
BOT = 'not have the word "Bot" before it'
NONE = "be the token of your bot from the Discord developer portal: three parts with dots between them"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("123456789012345678", ID),
        ("0123456789abcdef" * 4, KEY),
        ("0123456789ABCDEF" * 4, KEY),
        ("-_s3cr3t" * 4, SECRET),
        ("your-bot-token-comes-right-here!", PLACEHOLDER),
        ("YOUR_TOKEN_HERE", PLACEHOLDER),
        ("paste.your.token.here", PLACEHOLDER),
        ("change-me", PLACEHOLDER),
        ("<s3cr3t.s3cr3t.s3cr3t>", PLACEHOLDER),
        ("xxx", PLACEHOLDER),
        ("...", PLACEHOLDER),
        ('"MQ.s3cr3t.s3cr3t"', QUOTES),
        ("'MQ.s3cr3t.s3cr3t", QUOTES),
        ("“MQ.s3cr3t.s3cr3t”", QUOTES),
        ("MQ.s3cr3t.s3cr3t'", QUOTES),
        ("Bot MQ.s3cr3t.s3cr3t", BOT),
        ("bot\tMQ.s3cr3t.s3cr3t", BOT),
        ("MQ.s3cr3t", NONE),
        ("MQ..s3cr3t", NONE),
        ("MQ.s3cr3t.s3cr3t.s3cr3t", NONE),
        ("MQ.s3 cr3t.s3cr3t", NONE),
        ("MQ.s3cr3t.s3cr3t\u200b", NONE),
        ("MQ.s3cr3t.s3crét", NONE),
        ("https://s3cr3t", NONE),
    ],
)
def test_text_that_is_not_a_token_is_explained_and_not_repeated(text: str, remedy: str) -> None:
    with pytest.raises(TokenError) as caught:
        parse_token(text)
    sentence = str(caught.value)
    assert sentence.startswith(remedy)
    assert "s3cr3t" not in sentence
