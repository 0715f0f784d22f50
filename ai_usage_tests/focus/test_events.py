"""What a charge of a FOCUS file is as an event, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.finance import Rates
from ai_usage.focus.bills import Billed
from ai_usage.focus.events import bill_events, platforms_of
from ai_usage.focus.shelf import newest_bills
from ai_usage.focus.taking import Known, Service
from ai_usage.identity.aliases import Aliases
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.focus.support import CLOUD, MODELS, Shelf, line, mapped, rows, whole, written

MARCH_WINDOW = Window(date(2026, 3, 1), date(2026, 4, 1))
TAGGED = mapped(
    "Models,sky_models,chat,owner,squad,project,key",
    head="service,platform,platform_subtype,person_tag,team_tag,project_tag,key_tag",
)


def billed(
    tmp_path: Path,
    *lines: dict[str, str],
    known: Known | None = None,
    aliases: Aliases | None = None,
) -> list[RawEvent]:
    """The events that are not for nothing, of a March with these lines."""
    shelf = Shelf(tmp_path, known)
    shelf.take(written(tmp_path / "march.csv", whole(*lines)))
    return [event for event in shelf.events(aliases=aliases) if event.cost_usd]


@pytest.mark.parametrize(
    ("cells", "cost", "cost_type", "method"),
    [
        ({"ChargeCategory": "Usage"}, "2.50", "usage", "unknown"),
        (
            {"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring"},
            "30",
            "subscription",
            "shared",
        ),
        (
            {"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time"},
            "900",
            "commitment",
            "shared",
        ),
        (
            {
                "ChargeCategory": "Purchase",
                "ChargeFrequency": "Recurring",
                "CommitmentDiscountId": "throughput-1",
            },
            "900",
            "commitment",
            "shared",
        ),
        ({"ChargeCategory": "Tax"}, "5.70", "tax", "shared"),
        ({"ChargeCategory": "Credit"}, "-40", "credit", "shared"),
        ({"ChargeCategory": "Adjustment"}, "-0.01", "credit", "shared"),
        ({"ChargeCategory": "Adjustment"}, "0.01", "one_time", "shared"),
    ],
    ids=[
        "usage",
        "a subscription",
        "bought at once",
        "a commitment paid monthly",
        "tax",
        "a credit",
        "an adjustment downwards",
        "an adjustment upwards",
    ],
)
def test_every_charge_category_has_its_cost_type(
    tmp_path: Path, cells: dict[str, str], cost: str, cost_type: str, method: str
) -> None:
    (event,) = billed(tmp_path, line(12, cost, **cells))
    assert (event.cost_usd, event.cost_type) == (Decimal(cost), cost_type)
    assert (event.event_type, event.attribution_method) == ("cost", method)
    assert event.event_date == date(2026, 3, 12)
    assert event.billing_account_id == "acc-1"
    assert event.billing_period == "daily", "it does not say how many seats: it stands for none"


def test_billed_effective_and_list_cost_are_kept_and_only_the_first_is_a_cost(
    tmp_path: Path,
) -> None:
    (event,) = billed(tmp_path, line(3, "1.50", EffectiveCost="1.25", ListCost="2.00"))
    assert event.cost_usd == Decimal("1.50")
    assert event.effective_cost_usd == Decimal("1.25")
    assert event.list_cost_usd == Decimal("2.00")
    assert event.estimated_cost_usd is None
    assert event.included_value_usd is None


def test_what_is_not_reported_is_null(tmp_path: Path) -> None:
    (event,) = billed(tmp_path, line(3, "1.50"))
    assert event.effective_cost_usd is None
    assert event.list_cost_usd is None
    assert event.model is None
    assert event.input_tokens is None
    assert event.exchange_rate is None


def test_a_foreign_bill_is_converted_by_the_rate_of_its_periods_first_day(tmp_path: Path) -> None:
    rates = Rates(
        rows(
            "currency,rate_date,usd_per_unit,source",
            "EUR,2026-02-28,1.1000,ECB",
            "EUR,2026-03-02,9.0000,ECB",
            name="fx_rates.csv",
        )
    )
    (event,) = billed(
        tmp_path,
        line(20, "100.000001", BillingCurrency="EUR", ListCost="200"),
        known=Known(MODELS, rates),
    )
    # 100.000001 x 1.1 = 110.0000011, to the millionth; 200 x 1.1.
    assert event.cost_usd == Decimal("110.000001")
    assert event.list_cost_usd == Decimal("220.000000")
    assert (event.cost_currency, event.exchange_rate) == ("EUR", Decimal("1.1000"))
    assert (event.exchange_rate_date, event.is_rate_stale) == (date(2026, 2, 28), False)


def test_a_missing_rate_refuses_the_bill_and_says_what_to_add(tmp_path: Path) -> None:
    file = written(tmp_path / "m.csv", whole(line(2, "1", BillingCurrency="EUR")))
    with pytest.raises(AiUsageError, match=r"acc-1.*no rate of EUR on or before 2026-03-01; add"):
        Shelf(tmp_path).plan(file)


def test_a_charge_of_several_days_is_spread_over_them_exactly(tmp_path: Path) -> None:
    found = billed(tmp_path, line(5, "10", 7, ChargeCategory="Purchase"))
    assert [event.event_date.day for event in found] == [5, 6, 7]
    assert [event.cost_usd for event in found] == [
        Decimal("3.333333"),
        Decimal("3.333333"),
        Decimal("3.333334"),
    ]
    assert len({event.event_id for event in found}) == 3


def test_all_dollars_of_a_bill_lie_in_its_period(tmp_path: Path) -> None:
    """A correction of February, a year bought beforehand, and capacity for May."""
    found = billed(
        tmp_path,
        line(
            1,
            "-7",
            ChargeClass="Correction",
            ChargePeriodStart="2026-02-10T00:00:00Z",
            ChargePeriodEnd="2026-02-11T00:00:00Z",
        ),
        line(
            1,
            "20",
            ChargeCategory="Purchase",
            ChargePeriodStart="2026-03-30T00:00:00Z",
            ChargePeriodEnd="2027-03-30T00:00:00Z",
        ),
        line(
            1,
            "3",
            ChargeCategory="Purchase",
            ChargePeriodStart="2026-05-01T00:00:00Z",
            ChargePeriodEnd="2026-06-01T00:00:00Z",
        ),
    )
    assert [(event.event_date.isoformat(), event.cost_usd) for event in found] == [
        ("2026-03-01", Decimal(-7)),
        ("2026-03-30", Decimal(10)),
        ("2026-03-31", Decimal(10)),
        ("2026-03-31", Decimal(3)),
    ]


def test_an_hour_and_a_day_of_another_zone_stand_on_the_day_on_which_they_begin(
    tmp_path: Path,
) -> None:
    found = billed(
        tmp_path,
        line(
            4, "1", ChargePeriodStart="2026-03-04T23:00:00Z", ChargePeriodEnd="2026-03-05T00:00:00Z"
        ),
        line(
            4, "2", ChargePeriodStart="2026-03-06T08:00:00Z", ChargePeriodEnd="2026-03-07T08:00:00Z"
        ),
    )
    assert [(event.event_date.day, event.cost_usd) for event in found] == [
        (4, Decimal(1)),
        (6, Decimal(2)),
    ]


def test_tags_name_person_team_project_and_key_where_the_mapping_says_so(tmp_path: Path) -> None:
    tags = '{"owner": "Ada@X.com", "squad": "search", "project": "P-7", "key": "k-1", "x": "y"}'
    (event,) = billed(
        tmp_path,
        line(3, "1", Tags=tags),
        known=Known(TAGGED, Rates()),
        aliases=Aliases({"ada@x.com": "ada.l@x.com"}),
    )
    assert (event.user_email, event.api_key_id) == ("ada.l@x.com", "k-1")
    assert (event.workspace_id, event.project_codes) == ("search", ["P-7"])
    assert (event.attribution_method, event.platform_subtype) == ("direct_email", "chat")


@pytest.mark.parametrize(
    ("category", "tags", "method"),
    [
        ("Usage", '{"key": "k-1"}', "api_key_mapping"),
        ("Purchase", '{"key": "k-1"}', "api_key_mapping"),
        # A rule of scope workspace splits what is not shared.
        ("Purchase", '{"squad": "search"}', "unknown"),
        ("Purchase", '{"project": "P-7"}', "shared"),
        ("Usage", '{"owner": "", "squad": null}', "unknown"),
    ],
)
def test_what_the_tags_name_says_who_bears_it(
    tmp_path: Path, category: str, tags: str, method: str
) -> None:
    (event,) = billed(
        tmp_path,
        line(3, "1", ChargeCategory=category, Tags=tags),
        known=Known(TAGGED, Rates()),
    )
    assert event.attribution_method == method


def test_a_person_tag_that_is_no_address_is_flagged_and_names_nobody(tmp_path: Path) -> None:
    (event,) = billed(tmp_path, line(3, "1", Tags='{"owner": "ada"}'), known=Known(TAGGED, Rates()))
    assert event.user_email is None
    assert event.validation_errors == ["unknown_enum:person_tag"]


def test_digits_beyond_nine_decimals_are_cut_and_flagged(tmp_path: Path) -> None:
    (event,) = billed(tmp_path, line(3, "0.1234567891"))
    assert event.cost_usd == Decimal("0.123456789")
    assert event.validation_errors == ["truncated_amount"]


def test_an_event_keeps_its_id_when_its_amount_is_restated(tmp_path: Path) -> None:
    (first,) = billed(tmp_path / "a", line(3, "1", SkuId="s", Tags='{"a": "b"}'))
    (again,) = billed(tmp_path / "b", line(3, "2", SkuId="s", Tags='{"a": "b"}'))
    (other,) = billed(tmp_path / "c", line(3, "1", SkuId="t", Tags='{"a": "b"}'))
    assert first.event_id == again.event_id != other.event_id


def test_an_event_says_which_line_it_is_and_keeps_it_as_it_came(tmp_path: Path) -> None:
    (event,) = billed(tmp_path, line(3, "1.50", x_Custom="as it is"))
    assert event.archive_page == "march.csv#3"
    assert event.raw_response is not None
    assert '"BilledCost":"1.50"' in event.raw_response
    assert '"x_Custom":"as it is"' in event.raw_response


def test_a_window_has_its_own_days_of_a_bill(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "m.csv", whole(line(5, "10", 7, ChargeCategory="Purchase"))))
    all_days = [(e.event_id, e.cost_usd) for e in shelf.events()]
    cut = [*shelf.events(end="2026-03-06"), *shelf.events("2026-03-06")]
    assert sorted(all_days) == sorted((e.event_id, e.cost_usd) for e in cut)


# --- Which services are AI tools ------------------------------------------------------------------


def test_the_closest_line_of_the_mapping_counts() -> None:
    services = mapped(
        "*,,exclude,",
        "Model*,models,,",
        "Model Garden,garden,,",
        f"Model Garden,sky_garden,,{CLOUD}",
        head="service,platform,treatment,provider",
    )

    def platform(service: str, provider: str) -> str | None:
        found = services.included(provider, service, date(2026, 3, 1))
        return found["platform"] if found else None

    assert platform("model garden", "SKYLINE CLOUD") == "sky_garden"
    assert platform("Model Garden", "Another") == "garden"
    assert platform("Model Hub", "Another") == "models"
    assert platform("Storage", "Another") is None


def test_a_line_of_the_mapping_holds_on_its_days(tmp_path: Path) -> None:
    services = mapped(
        "Models,old,,2026-03-14",
        "Models,new,2026-03-15,",
        head="service,platform,valid_from,valid_to",
    )
    shelf = Shelf(tmp_path, Known(services, Rates()))
    shelf.take(written(tmp_path / "m.csv", whole(line(14, "1"), line(15, "2"))))
    assert sum(e.cost_usd or 0 for e in shelf.events()) == 3
    platforms = {
        found["platform"]: day
        for day in (14, 15)
        if (found := services.included(CLOUD, "Models", date(2026, 3, day)))
    }
    assert platforms == {"old": 14, "new": 15}


def test_each_day_of_a_charge_is_mapped_by_itself(tmp_path: Path) -> None:
    """A fee of four days: one line names the service on the first two, another on the third."""
    services = mapped(
        "Models,old,,2026-03-14",
        "Models,new,2026-03-15,2026-03-15",
        head="service,platform,valid_from,valid_to",
    )
    shelf = Shelf(tmp_path, Known(services, Rates()))
    fee = line(13, "10", 16, ChargeCategory="Purchase")
    (taking,) = shelf.take(written(tmp_path / "m.csv", whole(fee)))
    found = {
        stream.platform: [(event.event_date.day, event.cost_usd) for event in stream.events]
        for stream in bill_events(
            shelf.archive, services, Rates(), MARCH_WINDOW, Aliases(), lambda _platform, _day: False
        )
    }
    # 2.50 a day; the 16th is in no line, and no cost. The 1st is usage for nothing.
    assert found == {
        "old": [(1, Decimal(0)), (13, Decimal("2.5")), (14, Decimal("2.5"))],
        "new": [(15, Decimal("2.5"))],
    }
    assert taking.sorted.tools == [Service(CLOUD, "Models", Decimal("7.5"), 2)]
    assert taking.sorted.unmapped == [Service(CLOUD, "Models", Decimal("2.5"), 2)]
    (bill,) = newest_bills(shelf.archive)
    assert platforms_of(bill, services) == {"old", "new"}


def test_a_bill_of_fees_alone_is_of_the_tool_that_is_mapped_within_its_month(
    tmp_path: Path,
) -> None:
    """Its charges begin on the 1st, the line of the mapping on the 20th."""
    services = mapped("Models,tool,2026-03-20", head="service,platform,valid_from")
    shelf = Shelf(tmp_path, Known(services, Rates()))
    shelf.take(written(tmp_path / "m.csv", [line(1, "31", 31, ChargeCategory="Purchase")]))
    assert [(event.event_date.day, event.cost_usd) for event in shelf.events()] == [
        (day, Decimal(1)) for day in range(20, 32)
    ]


def test_a_bill_that_was_taken_by_an_older_version_is_read(tmp_path: Path) -> None:
    old = (
        b'{"provider":"Skyline Cloud","service":"Models","currency":"USD","day":"2026-03-02",'
        b'"amount":"5.5","charges":2}'
    )
    assert msgspec.json.decode(old, type=Billed).days() == [date(2026, 3, 2)]


def test_a_dollar_of_a_platform_that_is_fetched_directly_fails_the_build(tmp_path: Path) -> None:
    """Its key may have come after the file: nothing is counted twice, and it says what to do."""
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "m.csv", whole(line(20, "5"))))

    def since_the_15th(platform: str, day: date) -> bool:
        return platform == "sky_models" and day >= date(2026, 3, 15)

    assert shelf.events(end="2026-03-15", is_direct=since_the_15th)
    with pytest.raises(AiUsageError, match="would count twice: set its treatment in focus_mapping"):
        shelf.events(is_direct=since_the_15th)


def test_a_charge_of_several_days_fails_the_build_for_each_day_that_comes_from_the_vendor(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "m.csv", whole(line(10, "5", 20, ChargeCategory="Purchase"))))

    def on_the_15th(platform: str, day: date) -> bool:
        return platform == "sky_models" and day == date(2026, 3, 15)

    assert shelf.events(end="2026-03-15", is_direct=on_the_15th)
    assert shelf.events("2026-03-16", is_direct=on_the_15th)
    with pytest.raises(AiUsageError, match="would count twice"):
        shelf.events("2026-03-15", "2026-03-16", is_direct=on_the_15th)
