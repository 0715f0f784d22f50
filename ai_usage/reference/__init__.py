"""The files a person maintains: what they hold, reading them, refusing them, documenting them.

A file is declared once, as `FILE` in a module of `files/`; reading, `ai-usage reference check`,
the samples and the documents' tables all come from the declaration. What the rows mean for people
and keys is not here but in `ai_usage.identity`.
"""

from ai_usage.reference.across import Beyond, products_of, read_checked, read_folder
from ai_usage.reference.column import Row
from ai_usage.reference.documents import Checked, check, markdown, sample, write_samples
from ai_usage.reference.file import ReferenceFile
from ai_usage.reference.files import reference_file, reference_files
from ai_usage.reference.problems import Problem, RefusedFileError
from ai_usage.reference.reading import Reading, read_bytes, read_path, read_records, read_text
from ai_usage.reference.records import IN_SHEET, Layout, layout
from ai_usage.reference.snapshots import VENDOR, States, decode, earliest_change, encode

__all__ = [
    "IN_SHEET",
    "VENDOR",
    "Beyond",
    "Checked",
    "Layout",
    "Problem",
    "Reading",
    "ReferenceFile",
    "RefusedFileError",
    "Row",
    "States",
    "check",
    "decode",
    "earliest_change",
    "encode",
    "layout",
    "markdown",
    "products_of",
    "read_bytes",
    "read_checked",
    "read_folder",
    "read_path",
    "read_records",
    "read_text",
    "reference_file",
    "reference_files",
    "sample",
    "write_samples",
]
