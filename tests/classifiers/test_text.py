import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import text as text_module
from classifiers.text import UNKNOWN, Tokenizer, strip_markup, tokenize


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("hello", "hello"),
        ("  two   spaces\n", "two spaces"),
        ("<@123> <@!123> <@&5> <#77> hi", "hi"),
        ("@everyone wake up @here", "wake up"),
        ("nice <:pepe:123> <a:party_blob:99>", "nice"),
        ("</settings panel:12> <t:1700000000:R> <id:browse> now", "now"),
        ("look https://example.org/a_b?c=d#e!", "look"),
        ("<https://example.org> wow", "wow"),
        ("[so funny](https://example.org 'title') yes", "so funny yes"),
        ("run `rm -rf` or ``a`b`` quick", "run or quick"),
        ("```py\nraise Anger\n``` done", "done"),
        ("||secret joy|| **bold** __under__ ~~gone~~ ***both***", "secret joy bold under gone both"),
        ("> they said\nI disagree", "I disagree"),
        ("fine\n>>> all of\nthis is theirs", "fine"),
        ("# Big news\n-# small\n- item", "Big news small item"),
        (">:( and >_< stay", ">:( and >_< stay"),
        ("2 * 3 = 6", "2 3 = 6"),
        ("<3 u", "<3 u"),
        ("5 > 3", "5 > 3"),
    ],
)
def test_markup_is_taken_off(message: str, left: str) -> None:
    assert strip_markup(message) == left


@pytest.mark.parametrize(
    "message",
    [
        "",
        "  \n\t",
        "<@1>",
        "<:a:1><:b:2>",
        "https://a.b/c",
        "`code`",
        "```code```",
        "> quote",
        "|| ||",
        "\u200b\ufe0f",
    ],
)
def test_pure_markup_leaves_nothing(message: str) -> None:
    assert strip_markup(message) == ""


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I'm NOT happy", "i 'm not happy"),
        ("don't dont DON’T", "do n't do n't do n't"),
        ("can't won't cannot im ive", "ca n't wo n't ca n't i 'm i 've"),
        ("you're he's we'll they'd", "you 're he 's we 'll they 'd"),
        ("rock'n'roll 'quoted'", "rock'n'roll ' quoted '"),
        ("sooooo goooood", "soo good"),
        ("hahahahaha", "haha"),
        ("wow!!! what??? no?!?! well...", "wow !! what ?? no ?! well .."),
        ("no no no no", "no no"),
        ("😂😂😂😂", "😂 😂"),
        ("👍🏽 ❤️ 👨‍👩‍👧 🇩🇪", "👍 ❤ 👨‍👩‍👧 🇩🇪"),
        (":) :-( :'( <3 </3 ;P xD :D D:", ":) :-( :'( <3 </3 ;p xd :d d:"),
        ("T_T ^_^ -_- o_o", "t_t ^_^ -_- o_o"),
        (r"¯\_(ツ)_/¯", r"\_(ツ)_/"),
        ("[NAME] thanks [RELIGION]", "[name] thanks [religion]"),
        ("at 10:30, 1,000.50 or 3", "at 10:30 , 1,000.50 or 3"),
        ("ｆｕｌｌ width", "full width"),
        ("STRASSE Straße", "strasse strasse"),
        ("日本語です。", "日本語です 。"),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    assert tokenize(text) == tokens.split(" ")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters()))
def test_any_unicode_goes_in(text: str) -> None:
    """Lone surrogates included, and no token comes out empty."""
    tokenizer = Tokenizer(["a"], max_tokens=8)
    assert all(tokenize(text))
    numbers = tokenizer.encode(text)
    assert 1 <= len(numbers) <= 8
    assert set(numbers) <= {UNKNOWN, 2}


@pytest.mark.parametrize("piece", ["a", ":", "`", "[(", "](http://", "<@", "ab", "😂", "> ", "_-", "*", "'", "a'"])
def test_hostile_repetition_is_quick(piece: str) -> None:
    """4,000 characters, the most that Discord hands over, without catastrophic backtracking."""
    text = (piece * 4000)[:4000]
    assert len(tokenize(text)) <= 4000


def test_vocabulary_is_ranked_by_frequency_and_cut() -> None:
    texts = ["b b a a c", "c b rare"]
    assert Tokenizer.fit(texts, 10, 2, 8).words == ("b", "a", "c")
    assert Tokenizer.fit(texts, 2, 1, 8).words == ("b", "a")


def test_encoding() -> None:
    tokenizer = Tokenizer(["so", "happy", "yay"], max_tokens=4)
    assert tokenizer.encode("so happy") == [2, 3]
    assert tokenizer.encode("") == [UNKNOWN]
    assert tokenizer.encode("zzz so") == [UNKNOWN, 2]
    assert tokenizer.encode("so happy yay so happy") == [2, 3, 4, 2]
    assert len(tokenizer) == 5


def test_only_common_words_tell_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "COMMON", 2)
    tokenizer = Tokenizer(["so", "happy", "danke"], max_tokens=8)
    assert tokenizer.read("so happy! danke 3 zzz") == ([2, 3, UNKNOWN, 4, UNKNOWN, UNKNOWN], 0.5)
    assert tokenizer.read("3 :)") == ([UNKNOWN, UNKNOWN], 1.0)


def test_drawn_out_words_are_found_under_their_plain_spelling() -> None:
    tokenizer = Tokenizer(["so", "happy", "yay"], max_tokens=8)
    assert tokenizer.encode("soooo haaaappy yaaaayyyy") == [2, 3, 4]
