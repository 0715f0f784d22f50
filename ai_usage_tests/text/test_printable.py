"""Other people's text loses what a terminal would obey, and only that."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress
from rich.table import Table

from ai_usage.cli.harmless import HarmlessConsole
from ai_usage.errors import AiUsageError
from ai_usage.text.printable import one_line, printable


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert one_line(text).isprintable()
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)


def test_what_people_write_stays() -> None:
    text = "José Weaver <j@example.com> 100 € «日本語»"
    assert one_line(text) == printable(text) == text
    assert one_line(" a\n\t b\u00a0c ") == "a b c"
    assert printable("a\nb\u00a0c\x1b", keep="\n") == "a\nb c�"


def test_an_error_is_one_printable_line_whatever_it_quotes() -> None:
    error = AiUsageError("vendor: \x1b]0;title\x07\r\nerror: forged \u202egpj")
    assert str(error) == "vendor: ]0;title error: forged gpj"


@given(st.text())
def test_no_text_commands_the_terminal_and_the_consoles_own_colours_stay(text: str) -> None:
    out = io.StringIO()
    console = HarmlessConsole(file=out, force_terminal=True, width=80, color_system="standard")
    console.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    table = Table("name")
    table.add_row(text.replace("[", r"\["))
    console.print(table)
    plain = out.getvalue().replace("\x1b[31m", "").replace("\x1b[0m", "").replace("\x1b[1m", "")
    assert printable(plain, keep="\n\t") == plain


def test_a_progress_bar_still_moves_the_cursor() -> None:
    out = io.StringIO()
    console = HarmlessConsole(file=out, force_terminal=True, width=80)
    with Progress(console=console) as progress:
        progress.add_task("\x1b[2Jtask", total=2)
        progress.refresh()
    assert "\x1b[2K" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
