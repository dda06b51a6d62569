from bot.reactions.phrases import any_of, whole_words


def test_comments_and_empty_lines_are_skipped() -> None:
    assert any_of("\n# greetings\nhello\n", "\nbye\n") == "(?:hello|bye)"


def test_abbreviations_may_contain_each_other_and_only_whole_words_are_found() -> None:
    pattern = whole_words("my PET", {"PET": "(?:BIG|cat)", "BIG": "(?:horse|cow)"})
    assert [bool(pattern.search(text)) for text in ("my cow", "my cat!", "my cats", "tummy cat")] == [1, 1, 0, 0]
