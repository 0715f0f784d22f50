"""What `ai-usage doctor` says of bills: what is held, what is late, what nobody has mapped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.cli.doctor_bills import of_bills
from ai_usage.focus.shelf import keep
from ai_usage.settings import Settings
from ai_usage_tests.focus.support import APRIL_2, Shelf, line, whole, written


def settings_of(tmp_path: Path, **more: str) -> Settings:
    reference = tmp_path / "reference"
    reference.mkdir()
    (reference / "focus_mapping.csv").write_text("service,platform\nModels,sky_models\n")
    return Settings.load(
        {
            "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
            "AI_USAGE_HOME": str(tmp_path / "home"),
            "AI_USAGE_REFERENCE_DIR": str(reference),
            "AI_USAGE_AS_OF": "2026-04-02",
            "AI_USAGE_START_DATE": "2026-03-01",
            **more,
        }
    )


def said(settings: Settings) -> list[str]:
    return [finding.detail for finding in of_bills(settings)]


def held(settings: Settings, tmp_path: Path, *lines: dict[str, str]) -> None:
    takings = Shelf(tmp_path).plan(written(tmp_path / "a.csv", list(lines)))
    keep(Archive(settings.archive_root), [taking.bill for taking in takings], APRIL_2)


def test_nothing_is_said_where_there_are_no_bills(tmp_path: Path) -> None:
    assert said(settings_of(tmp_path)) == []


def test_a_folder_that_is_not_there_fails_the_doctor(tmp_path: Path) -> None:
    (finding,) = of_bills(settings_of(tmp_path, AI_USAGE_FOCUS_PATH=str(tmp_path / "none")))
    assert not finding.ok
    assert "is no folder: make it, or unset it" in finding.detail


def test_services_that_nobody_mapped_are_told_with_their_dollars(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    held(settings, tmp_path, *whole(line(3, "10"), line(4, "1234.5", ServiceName="Speech")))
    assert said(settings) == [
        "1 bill held",
        "Skyline Cloud Speech: $1,234.50 in 1 charge; focus_mapping.csv does not say whether it is "
        "an AI tool",
    ]


@pytest.mark.parametrize(
    ("today", "is_late"), [("2026-05-10", False), ("2026-05-11", True)], ids=["10th", "11th"]
)
def test_an_account_whose_last_month_has_no_bill_is_told(
    tmp_path: Path, today: str, is_late: bool
) -> None:
    settings = settings_of(tmp_path, AI_USAGE_AS_OF=today)
    held(settings, tmp_path, *whole(line(3, "10")))
    late = (
        "account acc-1 has no bill of 2026-04-01..2026-04-30: what sky_models cost then is in no "
        "sum; import it"
    )
    assert said(settings) == ["1 bill held", *([late] if is_late else [])]
