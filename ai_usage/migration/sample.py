"""`migrate init`: a first `migration.yaml` from the inventory, commented with its evidence.

It knows the common old tables: Cursor's daily report, Anthropic's usage and cost, and a sheet of
keys and addresses. Any other is listed with its columns, to be described or left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ai_usage.migration.inventory import Inventory, Profile
from ai_usage.migration.sources import NUMBERS
from ai_usage.text.figures import money
from ai_usage.text.printable import one_line
from ai_usage.text.words import counted, ranges
from ai_usage.warehouse.schema import table_schema


@dataclass(frozen=True)
class Kind:
    """A common old table: what tells it, and how its columns are called in old schemas."""

    title: str
    platform: str
    event_type: str
    replaces: str
    tells: frozenset[str]
    """Any of these columns tells it."""
    read: Mapping[str, Sequence[str]]
    """For each column of an event the names that old columns have, the likeliest first."""
    compare: Sequence[str]


_ADDRESS = ("user_email", "email", "mail", "user")
_KEY = ("api_key_id", "key_id", "api_key", "key")
_WORKSPACE = ("workspace_id", "workspace")
_COST = ("cost_usd", "amount_usd", "usd", "cost", "amount", "amount_cents", "cost_cents")

KINDS = (
    Kind(
        title="Cursor, one row a person and day",
        platform="cursor",
        event_type="usage",
        replaces="cursor/daily_usage",
        tells=frozenset(
            {"total_lines_added", "accepted_lines_added", "total_accepts", "usage_based_reqs"}
        ),
        read={
            "user_email": _ADDRESS,
            "lines_added": ("total_lines_added", "lines_added"),
            "lines_accepted": ("accepted_lines_added", "lines_accepted"),
            "suggestions_accepted": ("total_accepts",),
            "subscription_requests": ("subscription_included_reqs",),
            "overage_requests": ("usage_based_reqs",),
            "session_id": ("session_id",),
        },
        compare=("user_email",),
    ),
    Kind(
        title="Anthropic's usage, one row a key, model and day",
        platform="anthropic",
        event_type="usage",
        replaces="anthropic/usage_report",
        tells=frozenset({"uncached_input_tokens", "input_tokens", "output_tokens"}),
        read={
            "user_email": ("user_email", "email", "mail"),
            "api_key_id": _KEY,
            "workspace_id": _WORKSPACE,
            "model": ("model",),
            "input_tokens": ("uncached_input_tokens", "input_tokens"),
            "output_tokens": ("output_tokens",),
            "cached_input_tokens": ("cached_input_tokens", "cache_creation_tokens"),
            "cache_read_tokens": ("cache_read_input_tokens", "cache_read_tokens"),
            "request_count": ("request_count", "requests"),
        },
        compare=("api_key_id", "model"),
    ),
    Kind(
        title="What Cursor bills beside its seats, one row a person and day",
        platform="cursor",
        event_type="usage",
        replaces="cursor/usage_events",
        # Amounts tell it, where they are the vendor's.
        tells=frozenset(),
        read={"user_email": _ADDRESS, "model": ("model",), "cost_usd": _COST},
        compare=("user_email",),
    ),
    Kind(
        title="Anthropic's cost, one row a line and day",
        platform="anthropic",
        event_type="cost",
        replaces="anthropic/cost_report",
        tells=frozenset({"cost_type", "description", "amount", "cost_usd", "amount_cents"}),
        read={
            "workspace_id": _WORKSPACE,
            "model": ("model",),
            "cost_type": ("cost_type",),
            "cost_usd": _COST,
        },
        compare=("workspace_id",),
    ),
)

_SHEET = {
    "api_key_id": _KEY,
    "api_key_name": ("api_key_name", "key_name", "name"),
    "user_email": _ADDRESS,
}
_PEOPLE = {
    "user_email": _ADDRESS,
    "full_name": ("full_name", "name"),
    "team": ("team", "team_name"),
    "department": ("department", "dept"),
    "cost_center": ("cost_center", "cost_centre", "costcenter"),
    "effective_date": ("effective_date", "valid_from", "from_date"),
}
_MOST_SHOWN = 3


def sample(inventory: Inventory) -> str:
    """The text of the file."""
    tables = [*_tables(inventory)]
    lines = [
        "# What the old tables mean. `ai-usage migrate plan` shows what it brings, and writes",
        "# nothing. Expressions are SQL in BigQuery's dialect over the columns of one row.",
        "version: 1",
        f"from: {_quoted(inventory.where)}",
        "tables:" if any(not line.lstrip().startswith("#") for line in tables) else "tables: {}",
        *tables,
    ]
    sheets = [line for p in inventory.profiles if _is_sheet(p) for line in _sheet(p)]
    sheets += [line for p in inventory.profiles if _is_people(p) for line in _people(p)]
    if sheets:
        lines += ["references:", *sheets]
    return "\n".join(lines) + "\n"


def _tables(inventory: Inventory) -> Iterator[str]:
    for profile in inventory.profiles:
        if _is_sheet(profile) or _is_people(profile):
            continue
        kind = _kind(profile)
        yield from (f"  # {line}" for line in evidence(profile))
        if kind is None or profile.day is None:
            yield f"  # {one_line(profile.table.name)} is no table that is known: describe it like"
            yield f"  # the others, or leave it out. Its columns: {_columns(profile)}"
            continue
        yield from _mapping(profile, kind)


def _kind(profile: Profile) -> Kind | None:
    """By its columns; a table of amounts by whose they are, where the vendor's figure is known."""
    columns = {name.lower() for name in profile.table.columns}
    named = next((kind for kind in KINDS if kind.tells & columns), None)
    if named is not None and "cost_usd" not in named.read:
        return named
    whose = {
        amount.endpoint
        for amount in profile.amounts
        if any(spell.unit != "other" for spell in amount.spells)
    }
    return next((kind for kind in KINDS if kind.replaces in whose), named)


def _is_sheet(profile: Profile) -> bool:
    """Whether the table says whose keys are whose: a key and an address, and no amounts."""
    found = _found(profile, _SHEET)
    return (
        not profile.amounts
        and _kind(profile) is None
        and "user_email" in found
        and bool({"api_key_id", "api_key_name"} & found.keys())
    )


def _is_people(profile: Profile) -> bool:
    """Whether the table says who works where: an address, a team or cost centre, no amounts."""
    found = _found(profile, _PEOPLE)
    return (
        not profile.amounts
        and _kind(profile) is None
        and not _is_sheet(profile)
        and "user_email" in found
        and bool({"team", "department", "cost_center"} & found.keys())
    )


def _mapping(profile: Profile, kind: Kind) -> Iterator[str]:
    found = _found(profile, kind.read)
    yield f"  # {kind.title}"
    yield f"  {_quoted(profile.table.name)}:"
    yield f"    platform: {kind.platform}"
    yield f"    event_type: {kind.event_type}"
    yield f"    replaces: [{kind.replaces}]  # where it has answered a day, it wins"
    yield f"    day: {_quoted(_day(profile))}"
    if profile.keys:
        yield f"    key: [{', '.join(_quoted(name) for name in profile.keys[0])}]"
    yield "    read:"
    for column, old in found.items():
        type_ = profile.table.columns[old]
        sql = f"CAST({old} AS NUMERIC)" if type_ == "STRING" and column == "cost_usd" else old
        yield f"      {column}: {_quoted(sql)}"
    yield from _units(profile, found)
    for amount in profile.amounts:
        if amount.zone is not None and amount.zone.zone != "UTC":
            told = f"{amount.zone.matched} of {amount.zone.of} days of {amount.column}"
            yield f"    zone: {amount.zone.zone}  # by it {told} are the vendor's"
            break
    compared = [column for column in kind.compare if column in found]
    yield f"    compare: [{', '.join(compared)}]"
    yield "    # Differences that are meant, in dollars a day; any other is a fault:"
    yield "    # differences:"
    yield "    #   rounding: {a_day: 0.05, why: the old table has whole cents}"
    yield "    # Without `write:` the old table is never written:"
    yield "    # write:"
    for old, sql in _written(profile, found):
        yield f"    #   {_quoted(old)}: {_quoted(sql)}"


def _written(profile: Profile, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each old column as it would be written: a day and its amounts, of however many events."""
    zones = [amount.zone.zone for amount in profile.amounts if amount.zone is not None]
    day = "event_date"
    if zones and zones[0] != "UTC":
        day = f"DATE(event_timestamp, '{zones[0]}')"
    if profile.day is not None:
        texts = profile.table.columns[profile.day] == "STRING"
        yield profile.day, f"CAST({day} AS STRING)" if texts else day
    for column, old in found.items():
        summed = table_schema("raw_ai_events").column(column).type in NUMBERS
        cents = column == "cost_usd" and [*_units(profile, found)] and not _is_dollars(profile, old)
        yield old, (f"SUM({column})" + (" * 100" if cents else "")) if summed else column


def _is_dollars(profile: Profile, old: str) -> bool:
    """Whether the newest days of the amount are dollars, by the vendor's figure."""
    spells = [s for one in profile.amounts if one.column == old for s in one.spells]
    known = [spell.unit for spell in spells if spell.unit != "other"]
    return bool(known) and known[-1] == "usd"


def _units(profile: Profile, found: Mapping[str, str]) -> Iterator[str]:
    """Days in cents, by the vendor's own figure; by the column's name where there is none."""
    old = found.get("cost_usd")
    amount = next((one for one in profile.amounts if one.column == old), None)
    if amount is None or old is None:
        return
    cents = [spell for spell in amount.spells if spell.unit == "cents"]
    if cents and len(cents) == len([s for s in amount.spells if s.unit != "other"]):
        days = counted(sum(spell.days for spell in cents), "day")
        yield "    units:"
        told = f"{days} are those of {amount.endpoint}"
        yield f"      - {{column: cost_usd, unit: cents}}  # {told}"
    elif cents:
        yield "    units:"
        for spell in cents:
            sums = f"{spell.old:,.2f} against the vendor's {money(spell.usd)}"
            yield (
                f"      - {{column: cost_usd, unit: cents, from: {spell.first}, to: {spell.last}}}"
                f"  # {sums}"
            )
    elif not amount.spells and "cent" in old.lower():
        yield "    units:"
        yield "      - {column: cost_usd, unit: cents}  # by its name; no vendor's figure is there"


def _sheet(profile: Profile) -> Iterator[str]:
    yield from (f"  # {line}" for line in evidence(profile))
    yield f"  {_quoted(profile.table.name)}:"
    yield "    into: api_keys.csv"
    yield "    read:"
    yield "      platform: \"'anthropic'\""
    for column, old in _found(profile, _SHEET).items():
        yield f"      {column}: {_quoted(old)}"


def _people(profile: Profile) -> Iterator[str]:
    yield from (f"  # {line}" for line in evidence(profile))
    yield f"  {_quoted(profile.table.name)}:"
    yield "    into: users.csv"
    yield "    read:"
    for column, old in _found(profile, _PEOPLE).items():
        yield f"      {column}: {_quoted(old)}"


def evidence(profile: Profile) -> Iterator[str]:
    """What was found of a table, in lines for a person."""
    name = one_line(profile.table.name)
    yield f"{name}: {counted(profile.rows, 'row')}, {profile.doubled:,} of them again"
    if profile.day is not None and profile.first is not None:
        gaps = f"; no row on {ranges(profile.gaps)}" if profile.gaps else ""
        yield f"days by {one_line(profile.day)}, {profile.first} to {profile.last}{gaps}"
    for key in profile.keys[:_MOST_SHOWN]:
        yield f"rows are told apart by {one_line(', '.join(key))}"
    if profile.addresses_by_case:
        number = counted(profile.addresses_by_case, "address", "addresses")
        yield f"{number} in several spellings: they are compared in lower case"
    for change in profile.renamed:
        one, other = one_line(change.old), one_line(change.new)
        yield f"{one} ends where {other} begins, on {change.day}: COALESCE({one}, {other})?"
    for amount in profile.amounts:
        if amount.zone is not None:
            told = f"{amount.zone.matched} of {amount.zone.of} are those of {amount.endpoint}"
            yield f"days of {one_line(amount.column)} are those of {amount.zone.zone}: {told}"
        for spell in amount.spells:
            yield (
                f"{one_line(amount.column)} in {spell.unit}, {spell.first} to {spell.last}: "
                f"{spell.old:,.2f} against {money(spell.usd)} of {amount.endpoint}"
            )


def _found(profile: Profile, wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """For each column of an event or file the old column that it is likely to be."""
    there = {name.lower(): name for name in profile.table.columns}
    found: dict[str, str] = {}
    for column, names in wanted.items():
        own = next((there[n] for n in names if n in there and there[n] not in found.values()), None)
        if own is not None:
            found[column] = own
    return found


def _day(profile: Profile) -> str:
    name = profile.day or ""
    type_ = profile.table.columns[name]
    if type_ == "TIMESTAMP":
        return f"DATE({name}, 'UTC')"
    return name if type_ == "DATE" else f"CAST({name} AS DATE)"


def _columns(profile: Profile) -> str:
    return one_line(", ".join(f"{n} {t}" for n, t in profile.table.columns.items()))


def _quoted(value: str) -> str:
    """The text as YAML: as it is where it is a plain word, else in quotes (JSON is YAML)."""
    plain = value.replace("_", "").isalnum() and not value.isdigit()
    return value if plain else json.dumps(value)
