"""What is made of the declarations: samples that are accepted, a check that tells all, tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_usage.reference import (
    ReferenceFile,
    check,
    markdown,
    read_checked,
    read_text,
    reference_file,
    reference_files,
    sample,
    write_samples,
)
from ai_usage.simulator import Company
from ai_usage.simulator.reference import write_reference_files
from ai_usage_tests.simulator.conftest import TODAY

each_file = pytest.mark.parametrize("file", reference_files(), ids=lambda file: file.name)


@each_file
def test_a_sample_says_nothing_until_a_person_adds_a_line(file: ReferenceFile) -> None:
    assert read_text(file, sample(file)).rows == []


@each_file
def test_the_examples_of_a_sample_are_accepted_once_uncommented(file: ReferenceFile) -> None:
    notes, examples = sample(file).split("# Examples:\n")
    *lines, header = examples.splitlines()
    rows = read_text(file, "\n".join([header, *(line.removeprefix("# ") for line in lines)])).rows
    assert len(rows) == len(file.examples)
    assert all(f"# {name}: " in notes for name in file.column_names)


@each_file
def test_the_documents_table_names_every_column_with_its_meaning(file: ReferenceFile) -> None:
    text = markdown(file)
    for column in file.columns:
        assert f"| `{column.name}` |" in text
        assert column.description in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {4}


def test_samples_never_touch_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user_email\na@x.com\n")
    written = write_samples(reference_files(), tmp_path)
    assert [path.name for path in written] == [
        file.name for file in reference_files() if file.name != "users.csv"
    ]
    assert (tmp_path / "users.csv").read_text() == "user_email\na@x.com\n"
    assert write_samples(reference_files(), tmp_path) == []


def test_the_check_tells_every_problem_and_every_file_that_nothing_reads(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user_email,start_date\nada,x\n")
    (tmp_path / "api_key.csv").write_text("a\n")
    found = {checked.name: checked for checked in check(reference_files(), tmp_path)}
    assert [line.split(":")[:3] for line in found["users.csv"].problems] == [
        ["users.csv", "2", " start_date"],
        ["users.csv", "2", " user_email"],
    ]
    assert not found["users.csv"].ok
    assert found["platforms.csv"].ok
    assert not found["platforms.csv"].present
    assert found["api_key.csv"].warnings == [
        "api_key.csv: nothing reads it; did you mean api_keys.csv?"
    ]


def test_the_simulated_companys_files_are_accepted(tmp_path: Path) -> None:
    for path in write_reference_files(Company(today=TODAY), tmp_path, invoiced_periods=2):
        reading = read_checked(reference_file(path.name), tmp_path)
        assert reading.rows
        assert not reading.warnings
