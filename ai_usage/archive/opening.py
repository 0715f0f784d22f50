"""A folder or URL as fsspec opens it: for Google's buckets with the account that the settings name.

Every place where the product opens a URL comes through here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec

_BUCKETS = ("gs", "gcs")


def opened(root: str, key_file: Path | None = None) -> tuple[Any, str]:
    """The file system of a folder or URL, and the path in it.

    `key_file` is the key of a service account, for Google's buckets; without it they are asked by
    application default credentials. Raises what fsspec does: `ImportError`, `ValueError`.
    """
    options: dict[str, Any] = {}
    if urlsplit(root).scheme in _BUCKETS:
        # gcsfs would ask another API for the bucket's layout before each call, and once more
        # after each refusal. What is asked here is plain objects.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        # Others write to the bucket meanwhile: a listing is kept by who knows for how long.
        options["use_listings_cache"] = False
        if key_file is not None:
            if not key_file.is_file():
                raise ValueError(f"AI_USAGE_BIGQUERY_CREDENTIALS={key_file}: no such file")
            options["token"] = str(key_file)
    found: tuple[Any, str] = fsspec.core.url_to_fs(root, **options)
    return found
