"""The README's table of options is the settings' own documentation."""

from pathlib import Path

from greenloop.configuration import options_table

README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_options_is_the_settings() -> None:
    text = README.read_text(encoding="utf-8")
    assert (text.count("<!-- options -->"), text.count("<!-- /options -->")) == (1, 1)
    block = text.partition("<!-- options -->\n")[2].partition("\n<!-- /options -->")[0]
    assert block == options_table(), f"put this between the markers:\n{options_table()}"
