"""What a run leaves for the next one: small notes in the instance's key-value store."""

from __future__ import annotations

from typing import TypeVar

import dagster as dg
import msgspec

_T = TypeVar("_T")


def noted(instance: dg.DagsterInstance, key: str, type_: type[_T]) -> _T | None:
    """The note under the key; None where there is none, or another version's."""
    text = instance.daemon_cursor_storage.get_cursor_values({key}).get(key)
    try:
        return None if text is None else msgspec.json.decode(text, type=type_)
    except msgspec.MsgspecError:
        return None


def note(instance: dg.DagsterInstance, key: str, value: msgspec.Struct) -> None:
    """Keep a note, in place of the one that was there."""
    instance.daemon_cursor_storage.set_cursor_values({key: msgspec.json.encode(value).decode()})
