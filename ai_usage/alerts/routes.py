"""Where alerts go: Apprise URLs, each with the severities, groups and owners that it wants.

    AI_USAGE_NOTIFY_URLS="mailtos://… error+owner:finance=slack://… group:views=msteams://…"

Reading the setting and matching belong here; URLs hold secrets and are never shown whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from ai_usage.settings import Settings

Severity = Literal["error", "warning"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

_ROUTE = r"[A-Za-z][\w:.@+-]*="
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
_BETWEEN = re.compile(rf"[\s,]+(?=(?:{_ROUTE})?{_SCHEME})")
_ENTRY = re.compile(rf"(?P<route>{_ROUTE})?(?P<url>{_SCHEME}\S+)")


@dataclass(frozen=True)
class Route:
    """A channel and what it wants; an empty set wants all. Conditions of one kind are alternatives.

    `id` names it in the state without its secrets, `shown` is for a person.
    """

    url: str = field(repr=False)
    severities: frozenset[Severity] = frozenset()
    groups: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The same for the same channel; tells nothing of its URL."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def shown(self) -> str:
        """The channel without its secrets, and what it wants."""
        wants = [
            *sorted(self.severities),
            *(f"group:{name}" for name in sorted(self.groups)),
            *(f"owner:{name}" for name in sorted(self.owners)),
        ]
        return f"{self.place} ({', '.join(wants) or 'everything'})"

    @property
    def place(self) -> str:
        """Scheme and host; where a token stands in the host's place, its first and last letter."""
        channel = _channel(self.url)
        parts = urlsplit(channel.url(privacy=True) if channel else self.url)
        host = parts.netloc.rpartition("@")[2] if channel else "…"
        return f"{parts.scheme}://{host}"

    @property
    def secrets(self) -> list[str]:
        """Every piece of the URL that could be a secret: all but what `place` shows."""
        pieces = re.split(r"[/@:?&=#]+", self.url)
        texts = {*pieces, *map(unquote, pieces)}
        return sorted((t for t in texts if len(t) >= 4 and t not in self.place), key=len)[::-1]

    @property
    def is_mail(self) -> bool:
        """Whether the channel is a mail server."""
        return urlsplit(self.url).scheme in ("mailto", "mailtos")

    def to(self, address: str) -> Route:
        """The same mail server and sender, to this address alone."""
        parts = urlsplit(self.url)
        kept = [
            (name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if name.lower() not in ("to", "cc", "bcc")
        ]
        # Apprise takes the path for further addresses.
        query = urlencode([*kept, ("to", address)])
        return replace(self, url=urlunsplit((parts.scheme, parts.netloc, "", query, "")))

    def wants(self, severity: Severity) -> bool:
        """Whether findings of this severity go there."""
        return not self.severities or severity in self.severities

    def concerns(self, groups: Collection[str], owners: Collection[str]) -> bool:
        """Whether what belongs to these groups and owners goes there."""
        plain = {owner.removeprefix("team:") for owner in owners}
        return (not self.groups or not self.groups.isdisjoint(groups)) and (
            not self.owners or not self.owners.isdisjoint(plain)
        )


@dataclass(frozen=True)
class Routes:
    """The routes of the setting that can be read, and one line for each entry that cannot."""

    routes: tuple[Route, ...]
    problems: tuple[str, ...]

    def by_id(self, id_: str) -> Route | None:
        """The route of that id; None if the setting has it no longer."""
        return next((route for route in self.routes if route.id == id_), None)


def routes_of(settings: Settings) -> Routes:
    """The routes that the settings name; none if `AI_USAGE_NOTIFY_URLS` is unset."""
    return parse_routes(settings.notify_urls.get_secret_value() if settings.notify_urls else "")


def parse_routes(text: str) -> Routes:
    """Read the setting: entries between commas or spaces, each a URL with or without a prefix."""
    routes: list[Route] = []
    problems: list[str] = []
    entries = _BETWEEN.split(text.strip().strip(",").strip())
    for number, entry in enumerate((e for e in entries if e), start=1):
        found = _read(entry)
        if isinstance(found, Route):
            routes.append(found)
        else:
            problems.append(f"AI_USAGE_NOTIFY_URLS, entry {number}: {found}")
    return Routes(tuple(routes), tuple(problems))


def unmatched(
    routes: Iterable[Route], groups: Collection[str], owners: Collection[str]
) -> list[str]:
    """One line for every group or owner of a route that no asset has: nothing would go there."""
    teams = {owner.removeprefix("team:") for owner in owners}
    named = [
        (kind, name, known)
        for route in routes
        for kind, names, known in (("group", route.groups, groups), ("owner", route.owners, teams))
        for name in sorted(names - set(known))
    ]
    return [
        f"AI_USAGE_NOTIFY_URLS: no asset has {kind}:{name}, so nothing would ever go there; there "
        f"are {', '.join(sorted(known))}"
        for kind, name, known in dict.fromkeys((k, n, tuple(sorted(s))) for k, n, s in named)
    ]


def _read(entry: str) -> Route | str:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return (
            "this is no Apprise URL; one looks like mailtos://user:password@host, with or without "
            "a prefix like error+owner:finance="
        )
    wanted: dict[str, set[str]] = {"severity": set(), "group": set(), "owner": set()}
    for condition in (match["route"] or "").removesuffix("=").split("+"):
        kind, colon, value = condition.partition(":")
        if not condition:
            continue
        if not colon and condition in SEVERITIES:
            wanted["severity"].add(condition)
        elif colon and kind in ("group", "owner") and value:
            wanted[kind].add(value.removeprefix("team:"))
        else:
            return (
                f"{condition!r} is no condition: write error, warning, group:NAME or owner:NAME, "
                "with + between them"
            )
    url = match["url"]
    if _channel(url) is None:
        scheme = url.partition("://")[0]
        return f"Apprise cannot read this {scheme}:// URL; see its page for the form"
    return Route(
        url,
        frozenset(s for s in SEVERITIES if s in wanted["severity"]),
        frozenset(wanted["group"]),
        frozenset(wanted["owner"]),
    )


def _channel(url: str) -> Any:
    """Apprise's object for a URL; None if it cannot read it."""
    # Apprise takes half a second to import: only who sends or reads the setting pays for it.
    import apprise

    return apprise.Apprise.instantiate(url)
