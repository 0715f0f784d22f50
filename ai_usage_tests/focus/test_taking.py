"""Which files are taken into the archive, which are refused, and what is said of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.finance import Rates
from ai_usage.focus.bills import PeriodRunsError
from ai_usage.focus.shelf import newest_bills
from ai_usage.focus.taking import Known, Service, sorted_services, told
from ai_usage.vendors.answers import ImportRefusedError
from ai_usage.vendors.base import discovered_vendors
from ai_usage_tests.focus.support import CLOUD, MODELS, Shelf, line, mapped, whole, written

ALL_OF_MARCH = Window(date(2026, 3, 1), date(2026, 4, 1))


def test_a_later_file_takes_the_place_of_its_account_and_period_whole(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "a.csv", whole(line(3, "10"), line(9, "5"))))
    shelf.take(written(tmp_path / "b.csv", whole(line(3, "10"), account="acc-2")))
    (taking,) = shelf.take(written(tmp_path / "c.csv", whole(line(3, "12"))))
    # The 5 of the 9th are gone with the file that said them; the other account is as it was.
    assert shelf.usd() == Decimal(22)
    assert not taking.is_held
    assert "  takes the place of 15.00 USD that the archive had of it" in list(told(taking))


def test_the_same_file_again_is_there_already(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "a.csv", whole(line(3, "10"))))
    (taking,) = shelf.plan(written(tmp_path / "copy.csv", whole(line(3, "10"))))
    assert taking.is_held


def test_a_file_of_several_accounts_and_periods_is_a_bill_of_each(tmp_path: Path) -> None:
    february = [
        {
            **line(1, "7"),
            "BillingPeriodStart": "2026-02-01T00:00:00Z",
            "BillingPeriodEnd": "2026-03-01T00:00:00Z",
            "ChargePeriodStart": f"2026-02-{day}T00:00:00Z",
            "ChargePeriodEnd": f"2026-02-{day}T23:00:00Z",
        }
        for day in ("01", "28")
    ]
    shelf = Shelf(tmp_path)
    lines = [*whole(line(3, "10")), *whole(line(4, "1"), account="acc-2"), *february]
    shelf.take(written(tmp_path / "all.csv", lines))
    assert [(bill.key.account, str(bill.key.period)) for bill in newest_bills(shelf.archive)] == [
        ("acc-1", "2026-02-01..2026-02-28"),
        ("acc-1", "2026-03-01..2026-03-31"),
        ("acc-2", "2026-03-01..2026-03-31"),
    ]
    # Of another file of March, February and the other account are not replaced.
    shelf.take(written(tmp_path / "march.csv", whole(line(3, "11"))))
    assert sum(e.cost_usd or 0 for e in shelf.events("2026-02-01")) == 14 + 11 + 1


@pytest.mark.parametrize(
    ("lines", "reach"),
    [
        ([line(2), line(31)], "2026-03-02 to 2026-03-31"),
        ([line(1), line(30)], "2026-03-01 to 2026-03-30"),
        # A fee for the whole month does not show that its usage is there.
        ([line(1, "9", 31, ChargeCategory="Purchase"), line(9)], "2026-03-09 to 2026-03-09"),
        # A correction is of another time.
        ([line(1, ChargeClass="Correction"), line(2), line(31)], "2026-03-02 to 2026-03-31"),
    ],
)
def test_a_file_that_covers_a_part_of_its_period_is_refused(
    tmp_path: Path, lines: list[dict[str, str]], reach: str
) -> None:
    file = written(tmp_path / "part.csv", lines)
    shelf = Shelf(tmp_path)
    with pytest.raises(ImportRefusedError) as refused:
        shelf.plan(file)
    assert "covers a part of the billing period 2026-03-01..2026-03-31" in str(refused.value)
    assert f"{reach}, and would take the place of the whole" in str(refused.value)
    # Who knows that there was no usage says so.
    assert "import it with --from 2026-03-01 --to 2026-03-31" in str(refused.value)
    assert shelf.plan(file, stated=ALL_OF_MARCH)
    with pytest.raises(ImportRefusedError):
        shelf.plan(file, stated=Window(date(2026, 3, 1), date(2026, 3, 31)))


def test_a_bill_of_fees_alone_is_whole_by_their_days(tmp_path: Path) -> None:
    fee = line(1, "31", 31, ChargeCategory="Purchase")
    assert Shelf(tmp_path).plan(written(tmp_path / "fee.csv", [fee]))


def test_a_period_that_runs_is_refused_whatever_is_stated(tmp_path: Path) -> None:
    april = {
        **line(1, "1"),
        "BillingPeriodStart": "2026-04-01T00:00:00Z",
        "BillingPeriodEnd": "2026-05-01T00:00:00Z",
        "ChargePeriodStart": "2026-04-01T00:00:00Z",
        "ChargePeriodEnd": "2026-04-02T00:00:00Z",
    }
    file = written(tmp_path / "april.csv", [april])
    with pytest.raises(PeriodRunsError, match="is not over, so that the file holds a part of it"):
        Shelf(tmp_path).plan(file, stated=Window(date(2026, 4, 1), date(2026, 5, 1)))


def test_periods_that_overlap_are_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "a.csv", whole(line(3, "10"))))
    cycle = {
        "BillingPeriodStart": "2026-02-15T00:00:00Z",
        "BillingPeriodEnd": "2026-03-15T00:00:00Z",
    }
    lines = [line(1, "1", ChargePeriodStart="2026-02-15T00:00:00Z", **cycle), line(14, **cycle)]
    with pytest.raises(ImportRefusedError, match=r"overlaps 2026-03-01..2026-03-31"):
        shelf.plan(written(tmp_path / "b.csv", lines))


def test_two_files_of_one_bill_in_one_command_are_refused_and_so_is_one_twice(
    tmp_path: Path,
) -> None:
    one = written(tmp_path / "v1.csv", whole(line(3, "10")))
    two = written(tmp_path / "v2.csv", whole(line(3, "12")))
    copy = written(tmp_path / "copy.csv", whole(line(3, "10")))
    shelf = Shelf(tmp_path)
    with pytest.raises(ImportRefusedError, match=r"v1\.csv and v2\.csv both hold account acc-1"):
        shelf.plan(one, two)
    with pytest.raises(ImportRefusedError, match=r"v1\.csv and copy\.csv are the same file"):
        shelf.plan(one, copy)


def test_parts_of_an_export_make_one_bill_and_none_may_be_missing(tmp_path: Path) -> None:
    one = written(tmp_path / "focus-00001.csv", [line(1, "1"), line(2, "2")])
    two = written(tmp_path / "focus-00002.csv", [line(31, "4")])
    three = written(tmp_path / "focus-00003.csv", [line(31, "8")])
    shelf = Shelf(tmp_path)
    (taking,) = shelf.take(two, one, three)
    assert shelf.usd() == Decimal(15)
    assert [part.name for part in taking.head.parts] == [
        "focus-00001.csv",
        "focus-00002.csv",
        "focus-00003.csv",
    ]
    for some in ([one, three], [two, three], [two]):
        with pytest.raises(ImportRefusedError, match="another part of it is missing"):
            shelf.plan(*some)


def test_an_account_of_another_provider_is_no_new_version_of_a_bill(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "a.csv", whole(line(3, "10"))))
    lines = [{**one, "ProviderName": "Another"} for one in whole(line(3, "1"))]
    file = written(tmp_path / "b.csv", lines)
    with pytest.raises(ImportRefusedError, match="import it with --replace if"):
        shelf.plan(file)
    assert shelf.plan(file, replace=True)


# --- Services -------------------------------------------------------------------------------------


def test_unmapped_services_are_listed_with_their_dollars_and_kept(tmp_path: Path) -> None:
    shelf = Shelf(
        tmp_path,
        Known(mapped("Models,m,", "Disk,,exclude", head="service,platform,treatment"), Rates()),
    )
    lines = whole(
        line(3, "10"),
        line(4, "70.10", ServiceName="Speech"),
        line(5, "0.40", ServiceName="Speech"),
        line(6, "5", ServiceName="Disk"),
    )
    (taking,) = shelf.take(written(tmp_path / "a.csv", lines))
    assert taking.sorted.unmapped == [Service(CLOUD, "Speech", Decimal("70.50"), 2)]
    assert list(told(taking)) == [
        "a.csv: FOCUS 1.0, account acc-1, 2026-03-01..2026-03-31, 85.50 USD",
        "  cost of AI tools: $10.00",
        "    Skyline Cloud Models: $10.00 in 3 charges",
        "  excluded: $5.00",
        "  in no line of focus_mapping.csv, and so no cost: $70.50",
        "    Skyline Cloud Speech: $70.50 in 2 charges",
    ]
    assert shelf.usd() == Decimal(10)
    # Once somebody says what it is, it is there.
    shelf.known = Known(mapped("Models,m", "Speech,speech"), Rates())
    assert shelf.usd() == Decimal("80.50")
    heads = [bill.head for bill in newest_bills(shelf.archive)]
    assert sorted_services(heads, shelf.known).unmapped[0].service == "Disk"


@pytest.mark.parametrize("vendor", discovered_vendors(), ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("column", ["ProviderName", "ServiceName"])
def test_a_service_that_is_fetched_directly_is_refused_unless_excluded(
    tmp_path: Path, vendor: object, column: str
) -> None:
    (one,) = [found for found in discovered_vendors() if found is vendor]
    file = written(tmp_path / "a.csv", whole(line(3, "10", **{column: one.title.upper()})))
    direct = Known(mapped("Other,other"), Rates(), [one])
    with pytest.raises(ImportRefusedError, match="its dollars would count twice: set its"):
        Shelf(tmp_path, direct).plan(file)
    # Who has no key for the vendor may bring its bill as a file.
    assert Shelf(tmp_path, Known(direct.services, Rates())).plan(file)
    excluded = mapped("*,exclude", head="service,treatment")
    (taking,) = Shelf(tmp_path, Known(excluded, Rates(), [one])).plan(file)
    assert taking.sorted.tools == taking.sorted.unmapped == []


def test_a_service_may_not_be_mapped_to_a_platform_that_is_fetched_directly(
    tmp_path: Path,
) -> None:
    vendor = discovered_vendors()[0]
    file = written(tmp_path / "a.csv", whole(line(3, "10")))
    known = Known(mapped(f"Models,{vendor.name}"), Rates(), [vendor])
    with pytest.raises(ImportRefusedError, match="or give it another platform if it is another"):
        Shelf(tmp_path, known).plan(file)
    assert Shelf(tmp_path, Known(MODELS, Rates(), [vendor])).plan(file)


def test_a_charge_that_reaches_into_days_of_a_direct_vendor_is_refused(tmp_path: Path) -> None:
    """A month's fee from the 1st on; the line of the mapping gives the 20th to the vendor."""
    vendor = discovered_vendors()[0]
    services = mapped(
        "Models,sky_models,,2026-03-19",
        f"Models,{vendor.name},2026-03-20,2026-03-20",
        head="service,platform,valid_from,valid_to",
    )
    fee = line(1, "31", 31, ChargeCategory="Purchase")
    with pytest.raises(ImportRefusedError, match="its dollars would count twice"):
        Shelf(tmp_path, Known(services, Rates(), [vendor])).plan(written(tmp_path / "a.csv", [fee]))
