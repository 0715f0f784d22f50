"""DuckDB in this process: started once, since to start it takes longer than to open a file.

A file is attached to it for as long as somebody works with it and let go of afterwards, so that
other processes get their turn.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

OWN_NAMES = frozenset({"memory", "system", "temp"})
"""Databases that are there before any file: a file cannot be called like one."""
IN_USE = "Unique file handle conflict"
"""In the error of a file that this process has open already."""


@dataclass(frozen=True)
class _Engine:
    connection: duckdb.DuckDBPyConnection
    spill_dir: Path
    process: int


@dataclass
class _File:
    """A file that somebody works with, so many times one within the other."""

    engine: _Engine
    read_only: bool
    times: int = 1


_idle: list[_Engine] = []
_files: dict[Path, _File] = {}


def attach(
    path: Path, *, read_only: bool, memory_limit: int, spill_dir: Path
) -> duckdb.DuckDBPyConnection:
    """A connection whose own database is the file; for one thread at a time.

    A file that is open is not opened again: where it is written it may be read and written within,
    where it is read it may be read. Raises `duckdb.Error` where it cannot be opened.
    """
    file = _files.get(path)
    if file is not None and file.engine.process == os.getpid():
        if file.read_only and not read_only:
            raise duckdb.ConnectionException(f"{IN_USE}: {path}")
        file.times += 1
    else:
        engine = _engine(spill_dir)
        engine.connection.execute(f"SET memory_limit = '{memory_limit} B'")
        mode = "(READ_ONLY)" if read_only else ""
        try:
            engine.connection.execute(f"ATTACH {quoted(str(path))} AS {_name_of(path)} {mode}")
        except duckdb.Error:
            engine.connection.close()
            raise
        file = _files[path] = _File(engine, read_only)
    connection = file.engine.connection.cursor()
    connection.execute(f"USE {_name_of(path)}")
    return connection


def let_go(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Roll back what the connection has not committed, and close the file with its last one."""
    connection.close()
    file = _files[path]
    file.times -= 1
    if file.times == 0:
        del _files[path]
        try:
            file.engine.connection.execute(f"DETACH {_name_of(path)}")
        except duckdb.Error:
            # What was committed stands in the log beside the file, whatever the disk now refuses;
            # and after some errors DuckDB answers nothing more.
            file.engine.connection.close()
        else:
            _idle.append(file.engine)


@contextmanager
def streamed(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
) -> Iterator[None]:
    """Let statements read the batches under the name, once, while they are made.

    DuckDB works on them by one thread: whoever makes them is Python, and other threads would spend
    a third of the time waiting for it. An error that stops the batches goes on as it is: DuckDB
    passes on only its text.
    """
    raised: list[BaseException] = []
    reader = pa.RecordBatchReader.from_batches(schema, _watched(batches, raised))
    with by_one_thread(connection):
        connection.register(name, reader)
        try:
            yield
        except Exception:
            if raised:
                raise raised[0] from None
            raise
        finally:
            # After some errors DuckDB answers nothing more.
            with suppress(duckdb.Error):
                connection.unregister(name)


@contextmanager
def by_one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB work by one thread, and then by all of them again, whatever has happened."""
    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        # After some errors DuckDB answers nothing more.
        with suppress(duckdb.Error):
            connection.execute("RESET threads")


def _watched(
    batches: Iterable[pa.RecordBatch], raised: list[BaseException]
) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except GeneratorExit:
        raise
    except BaseException as error:
        # An interrupt too: it may come while the batches are made.
        raised.append(error)
        raise


def _engine(spill_dir: Path) -> _Engine:
    """One that nobody works with: DuckDB cannot change where it spills to once it has done so.

    A process that was forked has no part in its parent's: their threads are not with it.
    """
    process = os.getpid()
    for engine in [engine for engine in _idle if engine.process == process]:
        _idle.remove(engine)
        if engine.spill_dir == spill_dir:
            return engine
        engine.connection.close()
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(f"SET temp_directory = {quoted(str(spill_dir))}")
    connection.execute("SET preserve_insertion_order = false")
    # Where Python has no script (-c, a shell) DuckDB draws a bar into our output.
    connection.execute("SET enable_progress_bar = false")
    return _Engine(connection, spill_dir, process)


def _name_of(path: Path) -> str:
    """The file's database as DuckDB itself would call it."""
    return f'"{path.name.split(".")[0]}"'


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
