"""Tables of files as people have them: pasted, saved by a spreadsheet, and mended."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app import csvs, targets
from jobs_app.errors import Invalid, TooLarge
from jobs_app.targets import Choice, Table
from tests.examples import file_id

ONE, TWO, THREE = file_id(1), file_id(2), file_id(3)


def files(table: Table) -> list[tuple[str, str, str]]:
    return [(row["fileId"], row["name"], row["filePath"]) for _, row in table.rows]


def codes(table: Table) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in table.problems]


# --- Which column is which -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "names", [("fileId", "name", "filePath"), ("File ID", "Title", "Full path"), ("文件ID", "文件名", "路径")]
)
def test_columns_are_known_by_their_names_whatever_separates_them(separator: str, names: tuple[str, ...]) -> None:
    lines = [names, (ONE, "Report", "/root/a"), (TWO, "", "")]
    table = targets.read("\r\n".join(separator.join(line) for line in lines))
    assert files(table) == [(ONE, "Report", "/root/a"), (TWO, "", "")]
    assert (table.has_header, table.is_sure, table.problems) == (True, True, [])


def test_columns_may_stand_in_any_order_among_others() -> None:
    table = targets.read(f"owner,path,ID,size,name\nolga,/root/a,{ONE},7,Report\n")
    assert files(table) == [(ONE, "Report", "/root/a")]


def test_without_names_it_is_id_name_and_path() -> None:
    table = targets.read(f"{ONE}, Report, /root/a\n\n{TWO}\n")
    assert files(table) == [(ONE, "Report", "/root/a"), (TWO, "", "")]
    assert [number for number, _ in table.rows] == [1, 3]
    assert (table.has_header, table.is_sure) == (False, True)


def test_a_separator_is_looked_for_in_the_first_line_that_has_one() -> None:
    assert files(targets.read(f"{ONE}\n{TWO}\tReport, old\n")) == [(ONE, "", ""), (TWO, "Report, old", "")]


def test_a_column_without_a_known_name_is_guessed_by_what_stands_in_it_and_is_not_sure() -> None:
    table = targets.read(f"Objekt;Kennung\nReport;{ONE}\nLetter;{TWO}\n")
    assert [row[0] for row in files(table)] == [ONE, TWO]
    assert (table.has_header, table.is_sure) == (True, False), "a line may be lost, so a person has to look"
    table = targets.read(f"Report;{ONE}\nLetter;{TWO}\n")
    assert [row[0] for row in files(table)] == [ONE, TWO]
    assert (table.has_header, table.is_sure) == (False, False)


def test_what_was_chosen_holds_for_this_table_and_for_no_other() -> None:
    text = f"Objekt;Kennung\nReport;{ONE}\n"
    places = {"fileId": "2", "name": "1", "filePath": "0"}
    chosen = targets.read(text, Choice("yes", places, targets.read(text).signature))
    assert files(chosen) == [(ONE, "Report", "")]
    assert chosen.is_sure
    other = targets.read(f"fileId;name\n{TWO};Letter\n", Choice("yes", places, chosen.signature))
    assert files(other) == [(TWO, "Letter", "")]


def test_what_was_chosen_for_a_list_holds_while_its_ids_stand_in_the_same_column() -> None:
    text = f"Report,{ONE}\nLetter,{TWO}\n"
    choice = Choice("no", {"fileId": "2", "name": "1"}, targets.read(text).signature)
    assert files(targets.read(text, choice)) == [(ONE, "Report", ""), (TWO, "Letter", "")]
    assert files(targets.read(f"{THREE},Report\n", choice)) == [(THREE, "Report", "")]


def test_a_line_of_known_names_is_never_taken_for_a_file() -> None:
    table = targets.read(f"fileId\n{ONE}\n", Choice("no", {"fileId": "1"}, "-i"))
    assert files(table) == [(ONE, "", "")]


@pytest.mark.parametrize("wrong", ["", "9", "x", "-1", "²", "1" * 30])
def test_a_column_that_there_is_not_is_no_choice(wrong: str) -> None:
    assert files(targets.read(f"fileId,name\n{ONE},a\n", Choice("", {"fileId": wrong}))) == [(ONE, "a", "")]


# --- What is wrong with it -------------------------------------------------------------------------------------------
def test_lines_are_told_that_are_repeated_rounded_or_of_another_length() -> None:
    table = targets.read(f"fileId,name\n{ONE},a\n{ONE},b\n1.30924E+18,c\n{TWO},d,e\n{THREE}\n")
    assert codes(table) == [
        ("/lines/5", "wrong_length"),
        ("/lines/6", "wrong_length"),
        ("/lines/3/fileId", "duplicate"),
        ("/lines/4/fileId", "rounded"),
    ]


def test_a_line_without_names_that_has_too_many_cells_is_told() -> None:
    assert codes(targets.read(f"{ONE},a,/root/b,c\n")) == [("/lines/1", "wrong_length")]


def test_quotation_marks_that_do_not_close_are_told_with_their_line() -> None:
    assert codes(targets.read(f'fileId,name\n{ONE},a\n{TWO},"b\n')) == [("/lines/3", "malformed")]


def test_nothing_is_no_table() -> None:
    assert targets.read(" \n\n") == Table([])


def test_too_much_is_refused() -> None:
    targets.read("".join(f"{file_id(n)}\n" for n in range(targets.MOST_FILES)))
    with pytest.raises(TooLarge):
        targets.read("".join(f"{file_id(n)}\n" for n in range(targets.MOST_FILES + 1)))
    with pytest.raises(TooLarge):
        targets.read("文" * (targets.LARGEST // 3 + 1))


# --- Out and in again ------------------------------------------------------------------------------------------------
HOSTILE = ["=1+1", "+86", "-1", "@SUM(A1)", "1309243162258308352", "007", "12E5", "a,b", "a;b", 'say "x"', "a\tb"]


@pytest.mark.parametrize("file_id", HOSTILE)
def test_what_is_loaded_down_to_be_mended_is_no_formula_and_no_number_and_comes_back(file_id: str) -> None:
    row = {"fileId": file_id, "name": "=cmd|x", "filePath": "/root/a"}
    text = "".join(targets.to_mend([(row, ["Wrong.", "Also wrong."])]))
    [_, cells] = list(csv.reader(io.StringIO(text, newline="")))
    assert not cells[0].startswith(("=", "+", "-", "@", "\t"))
    assert not cells[0][:1].isdigit()
    assert cells[1] == "'=cmd|x"
    assert cells[3] == "Wrong. Also wrong."
    back = targets.read(text)
    assert files(back) == [(file_id, "=cmd|x", "/root/a")]
    assert back.is_mended


def test_what_a_spreadsheet_made_of_it_comes_back_too() -> None:
    """LibreOffice and Excel save what they show: with semicolons, in another order, without the apostrophe or with."""
    text = f"error;fileId;name\nWrong;'{'1' * 19};a\nWrong;{'2' * 19};b\n"
    assert [row[0] for row in files(targets.read(text))] == ["1" * 19, "2" * 19]


@given(st.lists(st.tuples(*[st.text(st.sampled_from("aF,;\t\"' é文"), max_size=5).map(lambda x: x.strip(" "))] * 3)))
def test_what_the_portal_writes_into_the_box_is_read_as_it_was(rows: list[tuple[str, str, str]]) -> None:
    rows = [row for row in rows if row[0] and not row[0].startswith("'") and not row[1].startswith("'")]
    rows = [row for row in rows if not row[2].startswith("'")]
    text = targets.text_of([dict(zip(targets.COLUMNS, row, strict=True)) for row in rows])
    plain = Choice("no", {"fileId": "1", "name": "2", "filePath": "3"})
    assert files(targets.read(text, plain)) == rows


def test_the_template_is_a_table_of_the_portal_with_no_line() -> None:
    table = targets.read("".join(targets.template()))
    assert (table.names, table.rows, table.problems) == (list(targets.COLUMNS), [], [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encodings_of_spreadsheets_are_read(encoding: str) -> None:
    text, name = csvs.decode_named(f"fileId,name\n{ONE},报告\n".encode(encoding))
    assert files(targets.read(text)) == [(ONE, "报告", "")]
    assert name == {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper())


def test_what_is_no_text_is_refused_in_words() -> None:
    with pytest.raises(Invalid):
        csvs.decode_named(b"\xff\xff\xff")
