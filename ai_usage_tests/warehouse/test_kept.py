"""What is worked out of SQL is read from the file, and only from one that is whole."""

from __future__ import annotations

import atexit
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ai_usage.warehouse import kept as module
from ai_usage.warehouse import sql as sql_module
from ai_usage.warehouse.files import load
from ai_usage.warehouse.kept import keep_in, kept, save
from ai_usage.warehouse.schema import TableSchema, parse_ddl, table_schema
from ai_usage.warehouse.sql import Literals, render
from ai_usage.warehouse.views import ViewSchema, parse_view, view_schema


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_file", None)
    monkeypatch.setattr(atexit, "register", lambda function: function)
    return tmp_path / "cache"


def again(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As the next process begins."""
    monkeypatch.setattr(module, "_file", None)
    keep_in(folder)


def counted() -> tuple[list[str], Callable[[str], frozenset[str]]]:
    """What was asked, and who is asked: a function that is kept."""
    asked: list[str] = []

    @kept(frozenset[str])
    def words(text: str) -> frozenset[str]:
        asked.append(text)
        return frozenset(text.split())

    return asked, words


def written(folder: Path) -> tuple[list[str], Callable[[str], frozenset[str]], Path]:
    """Those of a first process, which left one answer, and its file."""
    keep_in(folder)
    asked, words = counted()
    assert words("a b") == {"a", "b"}
    save()
    (file,) = folder.iterdir()
    return asked, words, file


def test_an_answer_is_worked_out_once_for_all_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, words, _ = written(folder)
    again(monkeypatch, folder)
    assert words("a b") == {"a", "b"}
    assert words("c") == {"c"}
    assert asked == ["a b", "c"]


def test_a_damaged_file_is_worked_out_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, words, file = written(folder)
    file.write_bytes(file.read_bytes().replace(b'"a"', b'"z"'))
    again(monkeypatch, folder)
    assert words("a b") == {"a", "b"}
    assert asked == ["a b", "a b"]


def test_another_version_reads_none_of_it_and_removes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, words, old = written(folder)
    monkeypatch.setattr(module, "installed_version", lambda: "another version")
    again(monkeypatch, folder)
    words("a b")
    save()
    assert asked == ["a b", "a b"]
    assert [file for file in folder.iterdir() if file == old] == []
    assert len(list(folder.iterdir())) == 1


def test_a_state_folder_that_is_no_more_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_file", None)
    monkeypatch.setattr(atexit, "register", lambda function: function)
    keep_in(tmp_path / "gone" / "cache")
    _, words = counted()
    assert words("a") == {"a"}
    save()
    assert not (tmp_path / "gone").exists()


def test_declarations_come_back_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, view = load("tables", "fact_ai_costs"), load("views", "vw_executive_dashboard")
    fresh: tuple[TableSchema, ViewSchema] = parse_ddl(table), parse_view(view)
    keep_in(folder)
    parse_ddl(table), parse_view(view)
    save()
    again(monkeypatch, folder)
    assert (parse_ddl(table), parse_view(view)) == fresh
    assert table_schema("fact_ai_costs") == fresh[0]


def test_a_views_text_is_kept_once_for_whatever_day_it_is_seen_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the file would grow with each day on which somebody looks at another one."""
    keep_in(folder)
    query = view_schema("vw_executive_dashboard").query

    def rendered(as_of: date | None, months: int = 12) -> str:
        return render(query, "duckdb", dataset="d", literals={"as_of": as_of, "months": months})

    days = [date(2026, 3, 18), date(2024, 12, 1)]
    by_themselves = [rendered(day) for day in days]
    undated = rendered(None)
    assert len({undated, *by_themselves}) == 3
    save()
    again(monkeypatch, folder)
    monkeypatch.setattr(sql_module, "_parsed", lambda sql: pytest.fail("worked out again"))
    assert rendered(None) == undated
    assert [rendered(day) for day in reversed(days)] == by_themselves[::-1]


def test_each_day_of_a_statement_is_the_one_that_was_given() -> None:
    literals: Literals = {"as_of": date(2026, 3, 18), "months": 14, "before": date(2025, 11, 2)}
    sql = "SELECT @before, @window_start, @as_of, DATE '9999-12-31'"
    text = render(sql, "duckdb", dataset="d", literals=literals)
    found = re.findall(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    # Fourteen months before March 2026 is January 2025.
    assert found == ["2025-11-02", "2025-01-01", "2026-03-18", "9999-12-31"]
