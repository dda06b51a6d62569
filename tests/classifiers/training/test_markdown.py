from classifiers.training.markdown import markdown_table


def test_a_table_aligns_its_columns_and_escapes_bars() -> None:
    assert markdown_table(["label", "F1", "texts"], [["joy|glee", "0.5", "30"]]) == (
        "| label | F1 | texts |\n| --- | ---: | ---: |\n| joy\\|glee | 0.5 | 30 |"
    )
