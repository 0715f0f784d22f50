"""A column of a reference file: its kind, what a cell of it may hold, and what it means.

A cell is parsed to `str`, `int`, `bool`, `Decimal`, `date` or a tuple of texts; an empty cell is
the column's default. Reading files is in `reading`, not here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

from ai_usage.reference.currencies import CURRENCIES
from ai_usage.reference.numbers import FORMATTED, POINT, pointed
from ai_usage.reference.problems import CellError, quoted
from ai_usage.reference.spoiled import day_of_serial, is_error, is_exponent, is_formula
from ai_usage.vendors.base import as_reported
from ai_usage.warehouse.schema import table_schema

Row = dict[str, Any]
"""One accepted line: every column of the file, an empty cell as None or the column's default."""

FIRST_DAY = date(1900, 1, 1)
"""Where history begins (design, "Identity"); no earlier date is accepted."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?")
_MONEY = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")
_DECIMAL_POINT = re.compile(r"(?<=[0-9])\.(?=[0-9])")
_INTEGER = re.compile(r"[0-9]{1,15}")
_EMAIL = re.compile(r"[^\s@,;<>\"()\[\]\\]+@[\w-]+(\.[\w-]+)+")
_TRUE = ("true", "yes", "1", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar")
_FALSE = ("false", "no", "0", "falsch", "faux", "falso", "onwaar")
_LOGIN = re.compile(r"[a-z0-9_]+:[^\s:;]+")
_BOOLEANS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
"""As people write them, and as spreadsheets of other languages save theirs."""

_TEXTS = tuple[str, ...]

_JOINERS = {"\u200c", "\u200d"}
"""Invisible, but part of how some names are written."""


@dataclass(frozen=True)
class Kind:
    """How a non-empty cell becomes a value, and how the value comes back from JSON."""

    title: str
    parse: Callable[[str], Any]
    from_json: Callable[[Any], Any] = lambda value: value
    type: Any = str
    """Of the value."""

    def value(self, cell: str, _mark: str | None) -> Any:
        """The value of a cell. Raises `CellError`."""
        return self.parse(cell)


@dataclass(frozen=True)
class NumberKind(Kind):
    """Decimal numbers. What has `three_places` may have more too; other amounts have no three."""

    three_places: bool = False

    def value(self, cell: str, mark: str | None) -> Any:
        """The value of a cell of a file whose decimal mark is `mark`. Raises `CellError`."""
        plain = pointed(cell, mark, three_places=self.three_places)
        try:
            return self.parse(plain)
        except CellError as error:
            # As the file writes numbers.
            remedy = _DECIMAL_POINT.sub(mark or POINT, error.remedy)
            raise CellError(error.what.replace(plain, cell), remedy) from None


def _text(cell: str) -> str:
    if is_exponent(cell):
        what = f"{quoted(cell)} is what a spreadsheet leaves of a long number"
        raise CellError(what, "format the column as text, and type the whole value again")
    if is_formula(cell):
        what = f"{quoted(cell)} is a formula, not its value"
        raise CellError(what, "save the sheet with its values, not its formulas")
    return cell


def _code(cell: str) -> str:
    return _text(cell).lower()


def _email(cell: str) -> str:
    if len(cell) > 254 or not _EMAIL.fullmatch(cell):
        raise CellError(f"{quoted(cell)} is not an e-mail address", "write name@company.com")
    return cell.lower()


def _login(cell: str) -> str:
    """A vendor's own name of a person, spelt as its events spell it."""
    platform, _, login = cell.partition(":")
    platform = platform.lower()
    if not _LOGIN.fullmatch(f"{platform}:{login}"):
        what = f"{quoted(cell)} is not a vendor's login"
        raise CellError(what, "write platform:login, like <platform>:ada-b")
    return f"{platform}:{as_reported(platform, login)}"


def _date(cell: str) -> date:
    if not _DATE.fullmatch(cell):
        serial = day_of_serial(cell)
        meant = f" (a spreadsheet's number for {serial})" if serial else ""
        remedy = "write it as YYYY-MM-DD; in a spreadsheet, give the column that format or text"
        raise CellError(f"{quoted(cell)} is not a date{meant}", remedy)
    try:
        day = date.fromisoformat(cell)
    except ValueError:
        raise CellError(f"{quoted(cell)} is no day of the calendar", "write a real day") from None
    if day < FIRST_DAY:
        raise CellError(f"{cell} lies before {FIRST_DAY}", "leave it empty for 'since ever'")
    return day


def _amount(cell: str) -> Decimal:
    if _NEGATIVE.fullmatch(cell):
        raise CellError(f"{quoted(cell)} is negative", "write 0 or more")
    if not _MONEY.fullmatch(cell):
        raise _no_number(cell)
    return Decimal(cell)


def _signed_amount(cell: str) -> Decimal:
    """A credit is negative; everything else is as in `_amount`."""
    if not _MONEY.fullmatch(cell.removeprefix("-")):
        raise _no_number(cell)
    return Decimal(cell)


def _no_number(cell: str) -> CellError:
    remedy = (
        "write digits and one decimal mark, at most 9 places, like 1250.50; "
        f"{FORMATTED} without thousands separator or currency"
    )
    return CellError(f"{quoted(cell)} is not a number", remedy)


def _percentage(cell: str) -> Decimal:
    value = _amount(cell)
    if value > 100:
        raise CellError(f"{cell} is more than 100", "write a percentage from 0 to 100")
    if value != round(value, 6):
        raise CellError(f"{cell} is too fine", "write at most 6 places, like 33.333333")
    return value


def _currency(cell: str) -> str:
    code = cell.upper()
    if code not in CURRENCIES:
        what = f"{quoted(cell)} is no currency in circulation"
        raise CellError(what, "write the three letters of ISO 4217, like USD or EUR")
    return code


def _integer(cell: str) -> int:
    if not _INTEGER.fullmatch(cell):
        raise CellError(f"{quoted(cell)} is not a whole number", "write digits only, like 30")
    return int(cell)


def _boolean(cell: str) -> bool:
    try:
        return _BOOLEANS[cell.lower()]
    except KeyError:
        raise CellError(
            f"{quoted(cell)} is neither true nor false", "write true or false"
        ) from None


def _items(parse: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    def parse_items(cell: str) -> tuple[str, ...]:
        parts = (part.strip() for part in cell.split(";"))
        items = [parse(part) for part in parts if part]
        return tuple(dict.fromkeys(items))

    return parse_items


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _json(cell: str) -> str:
    try:
        value = json.loads(cell, parse_constant=_no_constant, parse_float=str)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        remedy = 'write an object like {"max_tokens": 1000}, quotes doubled inside a quoted cell'
        raise CellError(f"{quoted(cell)} is not a JSON object", remedy)
    # Sorted and compact, so that the same restrictions written differently are no change.
    return json.dumps(json.loads(cell), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _none_or(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


TEXT = Kind("text", _text)
CODE = Kind("code, lower case", _code)
EMAIL = Kind("e-mail", _email)
DATE = Kind("date, YYYY-MM-DD", _date, _none_or(date.fromisoformat), date)
MONEY = NumberKind("amount, 0 or more", _amount, _none_or(Decimal), Decimal)
SIGNED_MONEY = NumberKind("amount, credits negative", _signed_amount, _none_or(Decimal), Decimal)
RATE = NumberKind("rate, 0 or more, at most 9 places", _amount, _none_or(Decimal), Decimal, True)
"""A list price, an exchange rate, the price of one unit: three places and more are usual."""
PERCENTAGE = NumberKind("percentage, 0 to 100", _percentage, _none_or(Decimal), Decimal, True)
CURRENCY = Kind("currency, ISO 4217", _currency)
INTEGER = Kind("whole number", _integer, type=int)
BOOLEAN = Kind("true or false", _boolean, type=bool)
JSON = Kind("JSON object", _json)
LIST = Kind("list, separated by ;", _items(_text), _none_or(tuple), _TEXTS)
CODES = Kind("list of codes, separated by ;", _items(_code), _none_or(tuple), _TEXTS)
LOGINS = Kind("list of platform:login, separated by ;", _items(_login), _none_or(tuple), _TEXTS)
EMAILS = Kind("list of e-mails, separated by ;", _items(_email), _none_or(tuple), _TEXTS)

_KIND_OF_TYPE = {
    "STRING": TEXT,
    "DATE": DATE,
    "NUMERIC": MONEY,
    "INT64": INTEGER,
    "BOOL": BOOLEAN,
    "JSON": JSON,
    "ARRAY<STRING>": LIST,
}


@dataclass(frozen=True)
class Column:
    """One column: an empty cell gives `default`, or is refused where the column is `required`."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None

    @property
    def is_decimal(self) -> bool:
        """Whether its cells are decimal numbers, which show a file's convention."""
        return isinstance(self.kind, NumberKind)

    @property
    def takes_any_text(self) -> bool:
        """Whether a text of any form may stand here, an id like #1001 too."""
        return self.kind in (TEXT, LIST) and not self.choices

    def parse(self, cell: str, mark: str | None = POINT) -> Any:
        """The value of a cell; `mark` is the decimal mark of its file.

        Raises `CellError` where it cannot be accepted.
        """
        _visible(cell)
        stripped = cell.strip()
        if not stripped:
            if self.required:
                raise CellError("is empty", "fill it in")
            return self.default
        if is_error(stripped):
            what = f"{quoted(stripped)} is an error of a spreadsheet, not a value"
            raise CellError(what, "mend the cell's formula, or empty the cell")
        value = self.kind.value(stripped, mark)
        if self.choices and value not in self.choices:
            raise CellError(f"{quoted(stripped)} is not known", f"one of {', '.join(self.choices)}")
        if self.minimum is not None and value < self.minimum:
            raise CellError(f"{value} is too small", f"write {self.minimum} or more")
        if self.maximum is not None and value > self.maximum:
            raise CellError(f"{value} is too large", f"write {self.maximum} or less")
        return value


def of_table(
    table: str,
    name: str,
    *,
    kind: Kind | None = None,
    description: str | None = None,
    required: bool = False,
    choices: tuple[str, ...] = (),
    default: Any = None,
    minimum: int | None = None,
) -> Column:
    """A column that fills the table's column of that name: type and meaning stand in its DDL."""
    declared = table_schema(table).column(name)
    return Column(
        name,
        kind or _KIND_OF_TYPE[declared.type],
        description or declared.description,
        required,
        choices,
        default,
        minimum,
    )


def _visible(cell: str) -> None:
    """Refuse characters that no one sees in an editor: two cells that look equal would differ."""
    for character in cell:
        if character == "\n" or character.isprintable():
            continue
        category = unicodedata.category(character)
        if category in {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"} and character not in _JOINERS:
            what = f"holds the invisible character U+{ord(character):04X}"
            raise CellError(what, "delete it, or type the cell anew")
