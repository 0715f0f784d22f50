"""What a spreadsheet leaves in the place of a value: errors, rounded ids, serial numbers, formulas.

Whoever saves a sheet as CSV saves what its cells show. Each of these reads as a text, and is none.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_ERRORS = """
    #N/A #REF! #VALUE! #DIV/0! #NAME? #NULL! #NUM! #ERROR! #SPILL! #CALC! #FIELD! #BLOCKED! #BUSY!
    #CONNECT! #EXTERNAL! #PYTHON! #TIMEOUT! #UNKNOWN! #GETTING_DATA #MACRO?
    #NV #BEZUG! #WERT! #ZAHL! #ÜBERLAUF! #KALK! #FELD! #BLOCKIERT! #VERBINDEN! #UNBEKANNT!
    #NOM? #NUL! #NOMBRE! #VALEUR! #PROPAGATION! #CHAMP! #BLOQUE! #INCONNU!
    #N/D #¡REF! #¡VALOR! #¡DIV/0! #¿NOMBRE? #¡NULO! #¡NUM! #¡DESBORDAMIENTO! #¡CALC! #¡CAMPO!
    #RIF! #VALORE! #NOME? #NULLO! #ESPANSIONE! #VALOR! #NULO! #NÚM! #DESPEJAR!
    #N/B #VERW! #WAARDE! #DEEL/0! #NAAM? #LEEG! #GETAL! #OVERLOOP!
    #ADR! #ARG! #DZIEL/0! #NAZWA? #ZERO! #LICZBA! #N/D! #ODKAZ! #HODNOTA! #NÁZEV? #ČÍSLO!
    #SAKNAS! #REFERENS! #VÄRDEFEL! #DIVISION/0! #NAMN? #SKÄRNING! #OGILTIGT!
    #I/T #REFERENCE! #VÆRDI! #NAVN? #VERDI! #PUUTTUU! #VIITTAUS! #ARVO! #JAKO/0! #NIMI? #LUKU!
    #Н/Д #ССЫЛКА! #ЗНАЧ! #ДЕЛ/0! #ИМЯ? #ПУСТО! #ЧИСЛО! #ПЕРЕНОС!
    #YOK #BAŞV! #DEĞER! #SAYI/0! #AD? #BOŞ! #SAYI! #HIÁNYZIK #HIV! #ÉRTÉK! #NÉV? #SZÁM!
"""  # noqa: RUF001
"""In the languages in which spreadsheets are mostly used; Excel, LibreOffice, Google Sheets."""

_ERROR_VALUES = frozenset(_ERRORS.split())

_LOADING = frozenset(
    ("loading", "wird geladen", "chargement", "cargando", "caricamento", "carregando", "laden")
)
"""What a cell shows while its formula still runs; an ellipsis follows."""

_NARROW = re.compile(r"#{3,}")
"""A column too narrow for its number or date shows this, and it is what is saved."""
_OFFICE_ERROR = re.compile(r"err:[0-9]{3}", re.IGNORECASE)
_EXPONENT = re.compile(r"[+-]?[0-9]{1,3}(?:[.,][0-9]+e[+-]?|e[+-])[0-9]{1,3}", re.IGNORECASE)
_FORMULA_CALL = re.compile(r"=.*[A-Za-z_][\w.]*\(", re.DOTALL)
_SERIAL = re.compile(r"([2-6][0-9]{4})(?:[.,][0-9]+)?")
_SERIAL_START = date(1899, 12, 30)


def is_error(cell: str) -> bool:
    """Whether the cell is what a spreadsheet shows in the place of a value that it has not."""
    text = cell.strip()
    if text.upper() in _ERROR_VALUES or _NARROW.fullmatch(text) or _OFFICE_ERROR.fullmatch(text):
        return True
    return text.endswith(("…", "...")) and text.rstrip(".… ").lower() in _LOADING


def is_exponent(cell: str) -> bool:
    """Whether the cell is a long number that a spreadsheet has rounded, like `2.02609E+11`."""
    return _EXPONENT.fullmatch(cell) is not None


def is_formula(cell: str) -> bool:
    """Whether the cell is a formula that was saved instead of its value, like `=VLOOKUP(…)`."""
    return _FORMULA_CALL.match(cell) is not None


def day_of_serial(cell: str) -> date | None:
    """The day that a spreadsheet's serial number stands for, 1954 to 2091; None for other cells."""
    found = _SERIAL.fullmatch(cell)
    return _SERIAL_START + timedelta(days=int(found[1])) if found else None
