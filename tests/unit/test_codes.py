"""Every documented business code has a sentence and an advice that a person can use."""

import pytest

from jobs_app.koodrive.codes import CODES, BusinessCode, explain

DOCUMENTED = {
    "0",
    *(f"130001{number:02}" for number in (1, 2)),
    "13000201",
    *(f"130003{number:02}" for number in range(1, 13)),
    *(f"130004{number:02}" for number in range(1, 18) if number != 16),  # 16 stands in no copy of the table
}


def test_the_table_holds_exactly_the_documented_codes() -> None:
    assert set(CODES) == DOCUMENTED


@pytest.mark.parametrize("entry", CODES.values(), ids=lambda entry: entry.code)
def test_an_entry_is_whole_sentences(entry: BusinessCode) -> None:
    assert CODES[entry.code] is entry
    assert entry.message
    for sentence in (entry.meaning, entry.advice):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0


def test_explain_knows_the_table_and_nothing_else() -> None:
    found = explain("13000311")
    assert found is not None
    assert found.meaning == "The target space is full."
    assert explain("13000416") is None
    assert explain("APIG.0308") is None
    assert explain("") is None
    assert explain(None) is None
