"""OpenTelemetry's metrics as JSON lines (OTLP/JSON), the form in which collectors write files.

What a metric means is its sender's matter. A line is one export: resources, their metrics, and the
points of each, of which the sums that are deltas can be added up. The format is that of
opentelemetry-proto; what its mapping to JSON leaves open (whole numbers as texts, enums by number
or by name) is read in every form.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ai_usage.vendors.base import LineSays
from ai_usage.vendors.kit.values import NULL, text_of
from ai_usage.vendors.line_files import hour_of

_DELTA = (1, "1", "AGGREGATION_TEMPORALITY_DELTA")
_MOST = 2**60
"""Beyond it no count is one: sums of a few must fit into INT64."""
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,1100})?([eE][+-]?0*[0-9]{1,3})?")
"""Every FLOAT64 and INT64 as JSON writes it. A Decimal is of any size, and takes other digits."""


class _Resource(msgspec.Struct, gc=False):
    attributes: msgspec.Raw = NULL


class _Sum(msgspec.Struct, gc=False):
    dataPoints: list[msgspec.Raw] | None = None  # noqa: N815
    aggregationTemporality: int | str | None = None  # noqa: N815


class _Metric(msgspec.Struct, gc=False):
    name: str = ""
    sum: _Sum | None = None


class _Scope(msgspec.Struct, gc=False):
    metrics: list[_Metric] | None = None


class _Resources(msgspec.Struct, gc=False):
    resource: _Resource | None = None
    scopeMetrics: list[_Scope] | None = None  # noqa: N815


class _Line(msgspec.Struct, gc=False):
    resourceMetrics: list[_Resources] | None = None  # noqa: N815


class _Point(msgspec.Struct, gc=False):
    timeUnixNano: int | str  # noqa: N815
    attributes: msgspec.Raw = NULL
    asInt: msgspec.Raw = NULL  # noqa: N815
    asDouble: msgspec.Raw = NULL  # noqa: N815


class _Value(msgspec.Struct, gc=False):
    stringValue: str | None = None  # noqa: N815
    intValue: int | str | None = None  # noqa: N815


class _Attribute(msgspec.Struct, gc=False):
    key: str
    value: _Value | None = None


_LINE = msgspec.json.Decoder(_Line)
_POINT = msgspec.json.Decoder(_Point)
_ATTRIBUTES = msgspec.json.Decoder(list[_Attribute] | None)


class Metric(NamedTuple):
    """A metric of a line, with at least one point."""

    name: str
    resource: msgspec.Raw
    """The attributes of whom it is about."""
    is_delta: bool
    points: list[msgspec.Raw]


class Point(NamedTuple):
    """A point of a metric, read."""

    hour: str
    attributes: dict[str, str]
    """Texts and whole numbers by name: the resource's, then the point's own."""
    value: Decimal | None
    """None where it has none that can be read."""
    digest: bytes
    """The same for a point that was sent again."""


def metrics(line: bytes, names: Container[str]) -> Iterator[Metric]:
    """The line's sums of these names. ValueError where it is no line of this format."""
    for resources in _LINE.decode(line).resourceMetrics or ():
        about = (resources.resource or _Resource()).attributes
        for scope in resources.scopeMetrics or ():
            for metric in scope.metrics or ():
                sums = metric.sum
                if metric.name in names and sums is not None and sums.dataPoints:
                    is_delta = sums.aggregationTemporality in _DELTA
                    yield Metric(metric.name, about, is_delta, sums.dataPoints)


def point_of(metric: Metric, raw: msgspec.Raw) -> Point:
    """A point of the metric. ValueError where it cannot be read."""
    point = _POINT.decode(raw)
    told = b"\n".join((bytes(metric.resource), metric.name.encode(), bytes(raw)))
    return Point(
        hour_of(int(point.timeUnixNano)),
        _texts(bytes(metric.resource)) | _texts(bytes(point.attributes)),
        _number(point),
        blake2b(told, digest_size=16).digest(),
    )


def says(line: bytes, names: Container[str], refusal: str) -> LineSays:
    """When the line's points of these metrics were reported, and whether they can be added up.

    `refusal` is said of a metric that is no delta; `{metric}` in it becomes the metric's name.
    """
    times: list[int] = []
    refused, is_ours = "", False
    for metric in metrics(line, names):
        is_ours = True
        if not metric.is_delta:
            refused = refused or refusal.format(metric=metric.name)
        for raw in metric.points:
            try:
                at = int(_POINT.decode(raw).timeUnixNano)
                hour_of(at)
            except ValueError:
                continue
            times.append(at)
    if is_ours and not times:
        raise ValueError("no point of it can be read")
    return LineSays(tuple(times), refused)


@lru_cache(maxsize=8192)
def _texts(raw: bytes) -> dict[str, str]:
    """ValueError where the attributes are no list."""
    found: dict[str, str] = {}
    for attribute in _ATTRIBUTES.decode(raw) or ():
        value = attribute.value
        text = text_of(None if value is None else value.stringValue or value.intValue)
        if text is not None:
            found[attribute.key] = text
    return found


def _number(point: _Point) -> Decimal | None:
    """The point's value, from its digits."""
    for raw in (point.asInt, point.asDouble):
        text = str(raw, "utf-8", "replace").strip('"')
        if text == "null":
            continue
        value = Decimal(text) if _NUMBER.fullmatch(text) else None
        return value if value is not None and abs(value) < _MOST else None
    return None
