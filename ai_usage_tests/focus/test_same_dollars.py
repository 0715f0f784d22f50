"""A dollar of a bill that another source has too: told with file, line and a remedy that works."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.old_tables import LEGACY
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.finance import Rates
from ai_usage.focus.bills import bills_of
from ai_usage.focus.events import bill_events
from ai_usage.focus.mapping import Services
from ai_usage.focus.same_dollars import Source, contracts, cost_entries
from ai_usage.focus.taking import Known
from ai_usage.identity.aliases import Aliases
from ai_usage.migration.archived import LegacyPage
from ai_usage.orchestration.assets.focus import known_of, of_old_tables
from ai_usage.settings import Settings
from ai_usage.vendors.answers import ImportRefusedError
from ai_usage_tests.focus.support import (
    MODELS,
    Shelf,
    line,
    mapped,
    rows,
    whole,
    written,
)

MARCH = Window(date(2026, 3, 1), date(2026, 4, 1))
SEATS = (
    "contract_id,platform,platform_subtype,quantity,price,valid_from,valid_to,billing_account_id"
)
COSTS = "cost_id,platform,line_kind,amount,date_from,date_to,billing_account_id"
CHAT = mapped("Models,sky_models,chat", head="service,platform,platform_subtype")


def seats(*lines: str) -> list[Source]:
    return contracts(rows(SEATS, *lines, name="seats.csv"), range(2, 2 + len(lines)))


def costs(*lines: str) -> list[Source]:
    return cost_entries(rows(COSTS, *lines, name="other_costs.csv"), range(2, 2 + len(lines)))


def taken(tmp_path: Path, others: list[Source], services: Services = CHAT) -> None:
    """A bill of March, account acc-1, with usage of 3 March, into an empty archive."""
    shelf = Shelf(tmp_path, Known(services, Rates(), others=lambda _period: others))
    shelf.take(written(tmp_path / "march.csv", whole(line(3, "10"))))


SAME = [
    pytest.param(
        seats("team,sky_models,chat,5,30,2026-01-01,,"),
        "seats.csv:2: contract team: sky_models of 2026-03-01 is in the bill of account acc-1, "
        "2026-03-01..2026-03-31 too ('Models'), so that its dollars would count twice: take the "
        "line out, or end it before the bill's period by valid_to",
        id="a contract without end",
    ),
    pytest.param(
        seats("other,github,x,5,30,2026-01-01,,", "team,sky_models,chat,5,30,2026-03-31,,acc-1"),
        "seats.csv:3: contract team: sky_models of 2026-03-31",
        id="a contract of its last day, of the same account",
    ),
    pytest.param(
        seats("team,sky_models,all,5,30,2026-01-01,2026-03-01,"),
        "seats.csv:2: contract team: sky_models of 2026-03-01",
        id="a contract on the whole platform that ends on its first day",
    ),
    pytest.param(
        costs("cloud-march,sky_models,one_time,100,2026-03-15,,"),
        "other_costs.csv:2: cost cloud-march: sky_models of 2026-03-15 .*: take the line out",
        id="a cost of a day",
    ),
    pytest.param(
        costs("throughput,sky_models,commitment,100,2026-01-01,2026-12-31,"),
        "other_costs.csv:2: cost throughput: sky_models of 2026-03-01",
        id="a cost of a year",
    ),
]
ANOTHERS = [
    pytest.param(seats("team,sky_models,chat,5,30,2026-01-01,2026-02-28,"), id="ended before"),
    pytest.param(seats("team,sky_models,chat,5,30,2026-04-01,,"), id="begun after"),
    pytest.param(seats("team,sky_models,chat,5,30,2026-01-01,,acc-2"), id="another account"),
    pytest.param(seats("team,sky_models,images,5,30,2026-01-01,,"), id="another product"),
    pytest.param(seats("team,moon_models,chat,5,30,2026-01-01,,"), id="another platform"),
    pytest.param(costs("fee,sky_models,one_time,9,2026-02-28,,"), id="a cost of the day before"),
    pytest.param(costs("tax,sky_models,tax,9,2026-03-15,,acc-2"), id="a cost of another account"),
]


@pytest.mark.parametrize(("others", "said"), SAME)
def test_a_bill_that_comes_after_the_line_is_refused_and_names_it(
    tmp_path: Path, others: list[Source], said: str
) -> None:
    with pytest.raises(ImportRefusedError, match=said.replace("(", r"\(").replace(")", r"\)")):
        taken(tmp_path, others)
    excluded = mapped("Models,,exclude", head="service,platform,treatment")
    taken(tmp_path, others, excluded)


@pytest.mark.parametrize("others", ANOTHERS)
def test_other_dollars_of_a_platform_are_no_concern_of_the_bill(
    tmp_path: Path, others: list[Source]
) -> None:
    taken(tmp_path, others)


def test_a_service_counts_twice_only_on_days_on_which_it_is_mapped(tmp_path: Path) -> None:
    others = seats("team,sky_models,chat,5,30,2026-01-01,2026-03-14,")
    mapping = "Models,sky_models,chat,{}"
    head = "service,platform,platform_subtype,valid_from"
    taken(tmp_path / "a", others, mapped(mapping.format("2026-03-15"), head=head))
    with pytest.raises(ImportRefusedError, match="sky_models of 2026-03-14"):
        taken(tmp_path / "b", others, mapped(mapping.format("2026-03-14"), head=head))


def test_two_lines_that_were_both_taken_stop_the_build_of_their_days_alone(
    tmp_path: Path,
) -> None:
    """The mapping came last, when seats and bill were held: nothing is counted twice."""
    shelf = Shelf(tmp_path)
    shelf.take(written(tmp_path / "march.csv", whole(line(3, "10"))))
    others = contracts(rows(SEATS, "team,sky_models,chat,5,30,2026-03-20,,", name="seats.csv"))

    def built(window: Window) -> int:
        found = bill_events(
            shelf.archive, MODELS, Rates(), window, Aliases(), lambda _p, _d: False, others
        )
        return sum(len(list(stream.events)) for stream in found)

    assert built(Window(date(2026, 3, 1), date(2026, 3, 20))) == 2
    with pytest.raises(AiUsageError, match=r"^seats\.csv: contract team: sky_models of 2026-03-20"):
        built(MARCH)


# --- What lies in the folder, and in the archive --------------------------------------------------


def settings_of(tmp_path: Path, **files: str) -> Settings:
    reference = tmp_path / "reference"
    reference.mkdir()
    for name, text in files.items():
        (reference / f"{name}.csv").write_text(text)
    return Settings.load(
        {
            "AI_USAGE_ENV_FILE": str(tmp_path / "no.env"),
            "AI_USAGE_HOME": str(tmp_path / "home"),
            "AI_USAGE_REFERENCE_DIR": str(reference),
            "AI_USAGE_AS_OF": "2026-04-02",
        }
    )


def old_rows(archive: Archive, *, has_cost: bool) -> None:
    """An old table that stands for a platform's cost from 10 to 12 March."""
    window = Window(date(2026, 3, 10), date(2026, 3, 13))
    page = LegacyPage("sky_models", ("sky_models/costs",), has_cost, [])
    at = datetime(2026, 4, 1, tzinfo=UTC)
    with archive.recording(LEGACY, "old_spend", window, fetched_at=at) as recorder:
        recorder.add(Page(msgspec.json.encode(page), "old_spend"))


def test_the_files_of_the_folder_are_what_a_bill_is_judged_by(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        focus_mapping="service,platform\nModels,sky_models\n",
        seats=f"{SEATS}\nteam,sky_models,chat,5,30,2026-01-01,,\n",
        other_costs=f"{COSTS}\n\nfee,sky_models,tax,9,2026-03-15,,\n",
    )
    known = known_of(settings, Archive(settings.archive_root), ())
    assert sorted(source.name for source in known.others(MARCH)) == [
        "other_costs.csv:3: cost fee",
        "seats.csv:2: contract team",
    ]


@pytest.mark.parametrize("has_cost", [True, False])
def test_an_old_table_of_cost_and_a_bill_are_never_both_counted(
    tmp_path: Path, has_cost: bool
) -> None:
    settings = settings_of(tmp_path, focus_mapping="service,platform\nModels,sky_models\n")
    archive = Archive(settings.archive_root)
    old_rows(archive, has_cost=has_cost)
    known = known_of(settings, archive, ())
    shelf = Shelf(tmp_path, known)
    file = written(tmp_path / "march.csv", whole(line(3, "10")))
    if not has_cost:
        assert shelf.take(file)
        return
    with pytest.raises(
        ImportRefusedError, match="the old table old_spend: sky_models of 2026-03-10"
    ):
        shelf.take(file)
    # The remedy: the days of the table are another's.
    head = "service,platform,treatment,valid_from,valid_to"
    apart = mapped(
        "Models,sky_models,,,2026-03-09",
        "Models,,exclude,2026-03-10,2026-03-12",
        "Models,sky_models,,2026-03-13,",
        head=head,
    )
    others = of_old_tables(archive, MARCH)
    (bill,) = bills_of([file])
    assert bill.head.totals == {"USD": Decimal(10)}
    Shelf(tmp_path, Known(apart, Rates(), others=lambda _period: others)).take(file)
