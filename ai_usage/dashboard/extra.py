"""The extra `dashboard`: what the pages are made with and a plain installation lacks."""

from __future__ import annotations

import importlib.util

_PACKAGES = ("jinja2", "vl_convert")


def missing_package() -> str | None:
    """A package of the extra that is not installed; None where all are."""
    return next((name for name in _PACKAGES if importlib.util.find_spec(name) is None), None)
