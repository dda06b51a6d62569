import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.markup import _PASSES, BLANK, _blank, blank_markup, has_words, strip_markup
from tests import hostile


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
        ("# alone", "alone"),
        ("• alone", "alone"),
        ("~~alone~~", "alone"),
        (r"\( alone", "( alone"),
        (">:( and >_< stay", ">:( and >_< stay"),
        ("2 * 3 = 6", "2 3 = 6"),
        ("<3 u", "<3 u"),
        ("5 > 3", "5 > 3"),
        ("i am _so_ _scared_", "i am so scared"),
        ('_the whole line_, (_this_) and "_that_"', 'the whole line , ( this ) and " that "'),
        ("___all___ **_two_** ||_three_|| __*four*__ _**five**_", "all two three four five"),
        ("~~**_nested ||deep||_**~~", "nested deep"),
        ("_two\nlines_", "two lines"),
        ("snake_case_word _private my_var_ a_b_c __init__.py", "snake_case_word _private my_var_ a_b_c init .py"),
        ("_snake_case_ stays", "_snake_case_ stays"),
        ("https://example.org/_a_/b_c_ _so_ far", "so far"),
        ("-_- whatever -_- ^_^ and ^_^", "-_- whatever -_- ^_^ and ^_^"),
        ("T_T _really_ T_T >__< -__-", "T_T really T_T >__< -__-"),
        ("_so glad ^_^_ *_* :* (*^_^*)", "so glad ^_^ *_* :* (*^_^*)"),
        (r"¯\_(ツ)_/¯ is _mine_ ¯\_(ツ)_/¯", r"¯\_(ツ)_/¯ is mine ¯\_(ツ)_/¯"),
        (r"\*sighs\* \_no\_ \# \> \`c\` \|\|no\|\|", "sighs no # > c no"),
        (r"a\nb C:\dir", r"a\nb C:\dir"),
        ("[so **funny** and _odd_](<https://example.org>)", "so funny and odd"),
        ("[not a link] (really)", "[not a link] (really)"),
        ("<id:linked-roles:123> <id:customize> <sound:0:42> <t:1700000000> go", "go"),
        ("<+15555550100> <mailto:a@example.org?subject=Hi you> <a@example.org> call", "call"),
        ("  > they said\n  >>> and\nmore", ""),
        ("- one\n  - two\n* three\n-# four _five_\n### six", "one two three four five six"),
        ("-#no #no -no >no", "-#no #no -no >no"),
        ("<@1> # no heading", "# no heading"),
    ],
)
def test_markup_is_removed(message: str, left: str) -> None:
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
        "_ _",
        "\u3164\u00ad\U000e0041",
        "<id:linked-roles>",
    ],
)
def test_text_of_markup_alone_becomes_empty(message: str) -> None:
    assert strip_markup(message) == ""


@given(hostile.texts() | st.text(st.sampled_from("_*~|`>\\<#-:()[]^To/ \n") | st.characters()))
def test_blanking_keeps_the_positions_of_other_characters(text: str) -> None:
    blanked = blank_markup(text)
    assert len(blanked) == len(text)
    assert all(new in (old, BLANK) for old, new in zip(text, blanked, strict=True))
    assert len(strip_markup(text)) <= len(text)
    assert has_words(text) == bool(strip_markup(text))


@given(hostile.texts() | st.text(st.sampled_from("_*~|`>\\<#-:()[]^To/ \n•@") | st.characters()))
def test_quick_checks_miss_no_markup(text: str) -> None:
    blanked = text
    for _, part in _PASSES:
        blanked = part.sub(_blank, blanked)
    assert blank_markup(text) == blanked
