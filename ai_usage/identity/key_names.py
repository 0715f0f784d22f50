"""Owners and products told by the names of keys: vendors' tools name keys by patterns. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

from ai_usage.identity.history import People

_SEPARATORS = re.compile(r"[\s._-]+")


class NameMatcher:
    """Finds the one person whom a key's name means, or nobody, and the product that made the key.

    `patterns` are, by platform, regular expressions and the product that names keys so. A pattern's
    group `owner` (`first.last`) is compared with the mailbox and the full name of everyone whom a
    directory lists; the name means someone only if it fits exactly one person.
    """

    def __init__(self, patterns: Mapping[str, Mapping[str, str]], people: People) -> None:
        self._patterns = {
            platform: [
                (re.compile(pattern, re.IGNORECASE), product) for pattern, product in own.items()
            ]
            for platform, own in patterns.items()
        }
        self._people: dict[str, set[str]] = defaultdict(set)
        for email, versions in people.versions.items():
            newest = people.aliases.resolve(email)
            self._people[_plain(_mailbox(email))].add(newest)
            for name in {version["full_name"] for version in versions} - {None}:
                self._people[_plain(name)].add(newest)
        for alias, email in people.aliases.own.items():
            self._people[_plain(_mailbox(alias))].add(email)

    def owner(self, platform: str, key_name: str) -> str | None:
        """The address of the person whom the name means, or None."""
        for pattern, _product in self._patterns.get(platform, ()):
            match = pattern.search(key_name)
            if match:
                fitting = self._people.get(_plain(match["owner"]), set())
                return next(iter(fitting)) if len(fitting) == 1 else None
        return None

    def product(self, platform: str, key_name: str) -> str | None:
        """The product that names its keys so, whoever the owner is; None if none does."""
        own = self._patterns.get(platform, ())
        return next((product for pattern, product in own if pattern.search(key_name)), None)


def _mailbox(email: str) -> str:
    return email.split("@", 1)[0].split("+", 1)[0]


def _plain(name: str) -> str:
    """`José Núñez`, `jose.nunez` and `Jose_Nunez` alike."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return _SEPARATORS.sub(".", bare.strip())
