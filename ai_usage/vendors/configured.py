"""Which vendors are configured, with which options, and which keys stand under another name.

A run that asks nobody is no success: it says what it looked for, and what it saw instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from ai_usage.errors import SettingsError
from ai_usage.settings import PREFIX, Settings
from ai_usage.text.printable import one_line
from ai_usage.text.words import enumerated
from ai_usage.vendors.base import Vendor

_ALIKE = 0.85
"""Likeness of two names from which on one is taken for a slip of the other."""
_SECRETS = ("KEY", "TOKEN", "SECRET")


@dataclass(frozen=True)
class NearMiss:
    """A variable that seems to hold the key of a vendor that is not configured.

    `is_meant` is true where it can be nothing else: it stands in the file of this project, or its
    value is such a key.
    """

    vendor: Vendor
    name: str
    where: str
    is_meant: bool

    def __str__(self) -> str:
        return f"{self.name} is set in {self.where}: rename it to {self.vendor.key_setting}"


def options_of(vendor: Vendor, settings: Settings) -> dict[str, str]:
    """What is set of the vendor's options; `SettingsError` for what is missing or misspelt."""
    found = {}
    for option in vendor.options:
        text = (settings.vendor_value(option.setting) or "").strip()
        if not text and option.is_required:
            raise SettingsError(f"{vendor.title} needs {option.setting}: set it to {option.form}.")
        if not text:
            continue
        try:
            option.check(text)
        except ValueError:
            raise SettingsError(
                f"{option.setting}={one_line(text)!r} cannot be read: write {option.form}."
            ) from None
        found[option.setting] = text
    return found


def near_misses(settings: Settings, vendors: Sequence[Vendor]) -> list[NearMiss]:
    """Variables that are like the key setting of a vendor that lacks its key, by name or value."""
    taken = {name for v in vendors for name in (v.key_setting, v.base_url_setting)}
    taken |= {option.setting for v in vendors for option in v.options}
    return [
        NearMiss(vendor, name, _where(settings, of_file), of_file or _fits(settings, vendor, name))
        for vendor in vendors
        if settings.vendor_secret(vendor.key_setting) is None
        for name, of_file in sorted(settings.variables().items())
        if name not in taken
        and not name.startswith(PREFIX)
        and (
            _like(name, vendor.key_setting) or (vendor.key_begins and _fits(settings, vendor, name))
        )
    ]


def not_asked(settings: Settings, vendors: Sequence[Vendor]) -> str | None:
    """Why a run that should ask the vendors is no success, as a line; None if it is.

    Without any vendor nothing was asked, unless files are read or a folder is watched for bills; a
    vendor whose key stands under another name was meant to be.
    """
    missing = near_misses(settings, vendors)
    files = [endpoint.files for vendor in vendors for endpoint in vendor.from_files]
    reads = any(settings.vendor_value(one.setting) for one in files if one is not None)
    reads = reads or settings.focus_path is not None
    if reads or any(settings.vendor_secret(v.key_setting) is not None for v in vendors):
        meant = [miss for miss in missing if miss.is_meant]
        if not meant:
            return None
        names = enumerated(list(dict.fromkeys(miss.vendor.title for miss in meant)))
        return f"{names} was not asked: {_said(meant)}, or take it out."
    looked = enumerated([vendor.key_setting for vendor in vendors])
    file = settings.env_file
    there = "" if file.is_file() else ", which is not there"
    line = f"no vendor is configured, so none was asked: {looked} are neither in the environment "
    line += f"nor in {file}{there}"
    return f"{line}; {_said(missing)}." if missing else f"{line}. `ai-usage doctor` says more."


def _said(missing: Sequence[NearMiss]) -> str:
    return "; ".join(map(str, missing))


def _where(settings: Settings, of_file: bool) -> str:
    return str(settings.env_file) if of_file else "the environment"


def _fits(settings: Settings, vendor: Vendor, name: str) -> bool:
    return (settings.vendor_value(name) or "").strip().startswith(vendor.key_begins)


def _like(name: str, key_setting: str) -> bool:
    words, wanted = name.upper().split("_"), key_setting.split("_")
    if words[0] == wanted[0] and words[-1] in _SECRETS:
        return True
    return difflib.SequenceMatcher(None, name.upper(), key_setting).ratio() >= _ALIKE
