"""The documents' tables, made from what they describe; `python -m tools.documents` writes them.

A table stands between `<!-- name -->` and `<!-- /name -->`; tests keep the documents in step.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ai_usage.cli.lineage import ways
from ai_usage.reference import markdown, reference_files
from ai_usage.settings import PREFIX, Settings
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.building import is_partitioned
from ai_usage.warehouse.layers import built_tables, statement
from ai_usage.warehouse.relations import LAYERS, is_internal, layer_of
from ai_usage.warehouse.schema import table_names, table_schema
from ai_usage.warehouse.sql import references
from ai_usage.warehouse.views import published_views, view_names, view_schema
from tools.licences import locked

ROOT = Path(__file__).parents[1]


def settings_table() -> str:
    """Every setting: name, default, meaning."""
    vendors = [
        row
        for vendor in discovered_vendors()
        for row in (
            (vendor.key_setting, "", f"{vendor.title}'s key. Secret."),
            (vendor.base_url_setting, vendor.base_url, f"Where {vendor.title} is asked."),
            *((o.setting, "", f"{o.description} Written as {o.form}.") for o in vendor.options),
        )
    ]
    own = [
        (
            f"{PREFIX}{name.upper()}",
            "" if field.default is None else str(field.default),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return _table(
        ("setting", "default", "meaning"),
        [(_code(name), _code(default), meaning) for name, default, meaning in (*vendors, *own)],
    )


def sources_table() -> str:
    """Every vendor endpoint: asset, request, grain."""
    return _table(
        ("asset", "endpoint", "what a record is"),
        [
            (
                _code(f"source_{vendor.name}_{endpoint.name}"),
                _code(endpoint.api_path),
                endpoint.description,
            )
            for vendor in discovered_vendors()
            for endpoint in vendor.every_endpoint
        ],
    )


def tables_table() -> str:
    """Every table and view that people read: name and grain."""
    tables = [(_code(name), _meaning(name)) for name in table_names() if not is_internal(name)]
    views = [(_code(name), _meaning(name)) for name in published_views()]
    return _table(("table or view", "what a row is"), [*tables, *views])


def layers_table() -> str:
    """Every relation that a statement makes, in the order in which a day passes them."""
    rows = []
    for layer in LAYERS:
        tables = [name for name in built_tables() if layer_of(name) == layer]
        views = [name for name in view_names() if layer_of(name) == layer]
        for name in [*tables, *views]:
            sql = view_schema(name).query if name in views else statement(name)
            reads = ", ".join(_code(read) for read in sorted(references(sql)))
            kind = "view" if name in views else _written(name)
            rows.append((layer, _code(name), kind, reads, _meaning(name)))
    return _table(
        ("layer", "relation", "kind", "reads", "what it decides, and of what a row is"), rows
    )


def _written(table: str) -> str:
    return "table, by days" if is_partitioned(table) else "table, as a whole"


def _meaning(relation: str) -> str:
    schema = view_schema if relation in view_names() else table_schema
    return schema(relation).description


def way_of_a_column() -> str:
    """An example of `ai-usage lineage`, as it is printed."""
    return "\n".join(["```", *ways("vw_executive_dashboard.total_monthly_cost"), "```"])


def reference_sections() -> str:
    """Every reference file, column by column."""
    return "\n".join(markdown(file) for file in reference_files())


def rooms_table() -> str:
    """Every room of the layers contract, top to bottom, with what its docstring begins with."""
    return _table(
        ("room", "what is in it"),
        [(_code(_shown(room)), _head(room)) for room in rooms()],
    )


def rooms() -> list[str]:
    """The modules and packages that `.importlinter` orders, top to bottom, by import name."""
    contract = configparser.ConfigParser()
    contract.read_string((ROOT / ".importlinter").read_text(encoding="utf-8"))
    layers = contract["importlinter:contract:rooms"]["layers"].replace("|", " ").split()
    return [f"ai_usage.{room}" for room in layers]


def _shown(room: str) -> str:
    path = ROOT.joinpath(*room.split("."))
    return f"{path.name}/" if path.is_dir() else f"{path.name}.py"


def _head(room: str) -> str:
    path = ROOT.joinpath(*room.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0]


def licences_table() -> str:
    """Every locked package: version and licence."""
    rows = [(package.name, package.version, package.licence) for package in locked()]
    return _table(("package", "version", "licence"), rows)


DOCUMENTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"sources": sources_table, "tables": tables_table},
    "docs/architecture.md": {"rooms": rooms_table},
    "docs/settings.md": {"settings": settings_table},
    "docs/reference_files.md": {"reference files": reference_sections},
    "sql/README.md": {"layers": layers_table, "way of a column": way_of_a_column},
    "docs/dependencies.md": {"licences": licences_table},
}


def filled(text: str, document: str) -> str:
    """A document's text, every table as it must be. Raises KeyError if a marker is missing."""
    for name, make in DOCUMENTS[document].items():
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if opening not in text or closing not in text:
            raise KeyError(f"{document} has no <!-- {name} --> … {closing}")
        before, _, rest = text.partition(opening)
        _, _, after = rest.partition(closing)
        text = f"{before}{opening}{make()}\n{closing}{after}"
    return text


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for document in DOCUMENTS:
        path = ROOT / document
        path.write_text(filled(path.read_text(encoding="utf-8"), document), encoding="utf-8")
