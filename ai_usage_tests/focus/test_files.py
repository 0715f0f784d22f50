"""FOCUS files of every version, as CSV and as Parquet, line by line."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ai_usage.focus.bills import charges_of
from ai_usage.focus.charges import Charge, version_of
from ai_usage.focus.files import FocusFile, part_of
from ai_usage.vendors.answers import ImportRefusedError
from ai_usage_tests.focus.support import OF_1_0, line, written


def charge(tmp_path: Path, **cells: str) -> Charge:
    ((_, found),) = charges_of(written(tmp_path / "f.csv", [line(3, "1", **cells)]))
    return found


def renamed(one: dict[str, str], **names: str) -> dict[str, str]:
    return {names.get(name, name): value for name, value in one.items()}


OF_1_1 = {**line(3, "1"), "CapacityReservationId": ""}
OF_1_2 = {**OF_1_1, "InvoiceId": "I-1", "PricingCurrency": "USD"}
OF_1_3 = {**OF_1_2, "ServiceProviderName": "Provider of 1.3", "ProviderName": ""}
OF_1_4 = renamed(OF_1_2, ProviderName="ServiceProviderName")


@pytest.mark.parametrize(
    ("version", "one", "provider"),
    [
        ("1.0", line(3, "1"), "Skyline Cloud"),
        ("1.1", OF_1_1, "Skyline Cloud"),
        ("1.2", OF_1_2, "Skyline Cloud"),
        ("1.3", OF_1_3, "Provider of 1.3"),
        ("1.4", OF_1_4, "Skyline Cloud"),
    ],
)
def test_every_version_is_read(
    tmp_path: Path, version: str, one: dict[str, str], provider: str
) -> None:
    file = written(tmp_path / "f.csv", [one])
    ((_, found),) = charges_of(file)
    assert version_of(file.columns) == version
    assert (found.provider, found.service, found.billed) == (provider, "Models", Decimal(1))


def test_a_zipped_file_with_a_mark_and_columns_in_another_case_is_read(tmp_path: Path) -> None:
    text = written(tmp_path / "f.csv", [line(3, "1.5", EffectiveCost="null")]).path.read_text()
    head, _, rest = text.partition("\n")
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress(f"\ufeff{head.lower()}\n{rest}".encode()))
    ((_, found),) = charges_of(FocusFile(path, "f.csv.gz"))
    assert (found.billed, found.effective) == (Decimal("1.5"), None)


def parquet(path: Path, **columns: Any) -> FocusFile:
    """One line with the columns, others as texts."""
    texts = {name: pa.array([value or None]) for name, value in line(3, "1").items()}
    pq.write_table(pa.table(texts | columns), path)
    return FocusFile(path, path.name)


def test_a_parquet_file_says_the_same_as_csv_to_the_last_digit(tmp_path: Path) -> None:
    midnight = datetime(2026, 3, 3, tzinfo=UTC).replace(tzinfo=None)
    at = pa.array([midnight], pa.timestamp("ms"))
    file = parquet(
        tmp_path / "f.parquet",
        BilledCost=pa.array([Decimal("12345678.123456789")], pa.decimal128(30, 9)),
        EffectiveCost=pa.array([0.1], pa.float64()),
        ListCost=pa.array([3], pa.int64()),
        ChargePeriodStart=at,
        ChargePeriodEnd=pa.array([datetime(2026, 3, 4, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        Tags=pa.array([[("owner", "a@x.com"), ("flag", None)]], pa.map_(pa.string(), pa.string())),
    )
    ((_, found),) = charges_of(file)
    assert found.billed == Decimal("12345678.123456789")
    assert (found.effective, found.list_price) == (Decimal("0.1"), Decimal(3))
    assert found.days.first.day == found.days.last.day == 3
    assert dict(found.tags) == {"owner": "a@x.com"}


@pytest.mark.parametrize(
    "tags",
    [
        '{"owner": "a@x.com", "flag": true}',
        '[{"key": "owner", "value": "a@x.com", "inherited": false}, {"key": "flag"}]',
        "[]",
    ],
)
def test_tags_are_an_object_or_a_list_of_keys_and_values(tmp_path: Path, tags: str) -> None:
    found = dict(charge(tmp_path, Tags=tags).tags)
    assert found == ({} if tags == "[]" else {"owner": "a@x.com"})


@pytest.mark.parametrize(
    "instant",
    ["2026-03-03T00:00Z", "2026-03-03 00:00:00 UTC", "2026-03-03", "2026-03-03T00:00:00.000Z"],
)
def test_instants_are_read_as_the_clouds_write_them(tmp_path: Path, instant: str) -> None:
    assert charge(tmp_path, ChargePeriodStart=instant).days.first == date(2026, 3, 3)


def test_an_amount_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    assert charge(tmp_path, BilledCost="1.25E-6").billed == Decimal("0.000001250")


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"BilledCost": ""}, "f.csv:2: BilledCost: is empty; export the column"),
        ({"BilledCost": "1,50"}, "BilledCost: '1,50' is no amount"),
        ({"BilledCost": "NaN"}, "BilledCost: 'NaN' is no amount"),
        ({"ListCost": "free"}, "ListCost: 'free' is no amount"),
        ({"BillingCurrency": "credits"}, "BillingCurrency: 'CREDITS' is no currency"),
        ({"ChargeCategory": "Refund"}, "ChargeCategory: 'Refund' is not known; one of Usage,"),
        ({"ChargePeriodStart": "soon"}, "ChargePeriodStart: 'soon' is no instant"),
        ({"BillingPeriodEnd": "2026-03-01"}, "BillingPeriodEnd: 2026-03-01 does not lie after"),
        ({"ProviderName": "null"}, "ServiceProviderName: is empty; fill it in, or ProviderName"),
        ({"ServiceName": ""}, "ServiceName: is empty"),
        ({"BillingAccountId": " "}, "BillingAccountId: is empty"),
        ({"Tags": "a=b"}, "Tags: 'a=b' is no JSON object; export it as JSON, like {"),
        ({"Tags": '["a"]'}, "is no JSON object"),
    ],
)
def test_a_line_that_cannot_be_read_refuses_the_file_and_is_named(
    tmp_path: Path, cells: dict[str, str], says: str
) -> None:
    with pytest.raises(ImportRefusedError) as refused:
        charge(tmp_path, **cells)
    assert says in str(refused.value)


def test_a_bad_line_is_named_by_the_line_that_an_editor_shows(tmp_path: Path) -> None:
    """After a cell of two lines, and an empty line that counts for nothing."""
    good = line(3, "1", ChargeDescription="two\nlines")
    path = written(tmp_path / "f.csv", [good, line(4, "x")]).path
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([first, "", *rest]) + "\n")
    with pytest.raises(ImportRefusedError, match=r"f\.csv:5: BilledCost: 'x' is no amount; export"):
        list(charges_of(FocusFile(path, "f.csv")))


def test_a_file_that_lacks_columns_says_which(tmp_path: Path) -> None:
    one = {k: v for k, v in OF_1_0.items() if k not in ("BilledCost", "ProviderName")}
    with pytest.raises(
        ImportRefusedError, match=r"lacks the columns BilledCost, ServiceProviderName or Provider"
    ):
        list(charges_of(written(tmp_path / "f.csv", [one])))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", b"\x1f\x8b half of it"),
        ("f.parquet", b"PAR1 half of it"),
        ("f.csv", b"BilledCost\n\xff\xfe"),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportRefusedError, match=name):
        list(charges_of(FocusFile(tmp_path / name, name)))


@pytest.mark.parametrize("name", ["f.csv.gz", "f.parquet"])
def test_half_of_a_file_that_was_whole_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    """A copy that broke off."""
    path = written(tmp_path / "f.csv", [line(day, "1") for day in range(1, 29)]).path
    if name.endswith(".gz"):
        body = gzip.compress(path.read_bytes())
    else:
        rows = [dict(row) for row in csv.DictReader(path.read_text().splitlines())]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "whole")
        body = (tmp_path / "whole").read_bytes()
    (tmp_path / name).write_bytes(body[: len(body) // 2])
    with pytest.raises(ImportRefusedError, match=rf"{name} cannot be read"):
        list(charges_of(FocusFile(tmp_path / name, name)))


def test_a_line_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", [line(3, "1"), line(4, "2")]).path
    path.write_text(path.read_text().rstrip()[:-40])
    with pytest.raises(ImportRefusedError, match="it is cut or damaged"):
        list(charges_of(FocusFile(path, "f.csv")))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("export-00001.snappy.parquet", (1,)),
        ("export-000000000012.csv.gz", (12,)),
        ("part_0_0002.csv", (0, 2)),
        ("march part 3.csv", (3,)),
        ("part-00004-2f1c-c000.snappy.parquet", (4,)),
        # Years, months, days and versions number no parts.
        ("focus-2026.csv", None),
        ("focus-202603.csv", None),
        ("focus-20260331.csv", None),
        ("march-v2.csv", None),
        ("department-3.csv", None),
    ],
)
def test_parts_of_an_export_are_known_by_their_names(name: str, number: object) -> None:
    found = part_of(Path("in") / name)
    assert (found and found.number) == number
