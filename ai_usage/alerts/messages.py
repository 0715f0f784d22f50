"""The words of an alert. Plain text: what channels make of it is theirs, nothing here is markup.

Values come from vendors and people: they are cut, freed of control characters and of what any
channel could take for markup, a mention or a link, and hold no secret of the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ai_usage.alerts.findings import BUILT, Asset, Failure, RunFindings, is_run
from ai_usage.alerts.news import AssetNews, Recovery
from ai_usage.settings import Settings
from ai_usage.text.masking import informative_cells, mask_text
from ai_usage.text.printable import one_line
from ai_usage.text.words import counted, few, ranges
from ai_usage.vendors.base import Vendor

MAX_LINE = 300
MAX_PROMISE = 160
MAX_RULES = 8
MAX_SAMPLES = 2
MAX_DIGEST = 20
"""Assets that a digest names one by one."""

_HARMLESS = str.maketrans({"<": "(", ">": ")", "[": "(", "]": ")", "`": "'", "|": "/"})
_MENTION = re.compile(r"@(?=everyone\b|here\b|channel\b|all\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """A title of one line and a body of several."""

    title: str
    body: str


class Writer:
    """Words messages for the people of one installation."""

    def __init__(self, settings: Settings, vendors: Sequence[Vendor]) -> None:
        self._ui = settings.ui_url.rstrip("/")
        self._secrets = tuple(secrets_of(settings, vendors))

    def message(self, news: AssetNews, asset: Asset, found: RunFindings) -> Message:
        """One message on an asset after a run."""
        lines = [self._head([news], [asset]), "", *self.lines(news)]
        lines += [*self._held(news, found), "", *self._links(news, found)]
        return Message(self._title(news), "\n".join(lines))

    def message_on_many(
        self, news: Sequence[AssetNews], assets: Sequence[Asset], found: RunFindings
    ) -> Message:
        """One message on assets that were not built, or are built again, for one cause."""
        first = news[0]
        causes = [replace(f, detail=f.cause or f.detail) for f in first.failed]
        lines = [
            self._head(news, assets),
            "",
            *self.lines(replace(first, failed=tuple(causes), open=())),
            *self._held(first, found),
            "",
            *self._links(first, found, asset=False),
        ]
        names = few([part.asset for part in news], 3)
        many = counted(len(news), "asset")
        title = f"ai-usage error: {many} not built: {names}"
        if not first.failed:
            title = f"ai-usage recovered: {many} built again: {names}"
        return Message(self.clean(title), "\n".join(lines))

    def _held(self, news: AssetNews, found: RunFindings) -> Iterator[str]:
        """What was not built because others failed."""
        if not found.succeeded and news.failed and found.not_built:
            own = {failure.asset for failure in found.failures if failure.check == BUILT}
            held = [name for name in found.not_built if name not in own]
            if held:
                yield self.clean(f"Not built because of this run's failures: {few(held)}.")

    def _head(self, news: Sequence[AssetNews], assets: Sequence[Asset]) -> str:
        """Whom it is about: names, groups, owners."""
        groups = sorted({asset.group for asset in assets if asset.group})
        owners = sorted({owner for asset in assets for owner in asset.owners})
        belongs = [f"group {', '.join(groups)}"] if groups else []
        belongs += [f"owner {', '.join(owners)}"] if owners else []
        names = ", ".join(part.asset for part in news)
        return self.clean(" · ".join((names, *belongs)))

    def digest(
        self, parts: Sequence[tuple[str, Sequence[str], bool]], severity: str, what: str, link: str
    ) -> Message:
        """One message for many assets: each with its lines, and whether it only recovered."""
        failing = sum(1 for _, _, recovered in parts if not recovered)
        title = f"ai-usage {severity}: {counted(failing, 'asset')} failing in {what}"
        if not failing:
            title = f"ai-usage: {counted(len(parts), 'asset')} recovered in {what}"
        lines: list[str] = []
        for name, notified, _ in parts[:MAX_DIGEST]:
            lines += [self.clean(name), *notified[:MAX_RULES], ""]
        if len(parts) > MAX_DIGEST:
            lines += [f"and {counted(len(parts) - MAX_DIGEST, 'asset')} more", ""]
        return Message(self.clean(title), "\n".join([*lines, link]))

    def test(self) -> Message:
        """What `ai-usage notify test` sends."""
        return Message(
            "ai-usage: a test",
            "This channel receives the alerts of ai-usage: failed runs, failed checks, and when "
            f"they recover.\n\nDagster's UI: {self._ui}",
        )

    def lines(self, news: AssetNews) -> list[str]:
        """What failed and what recovered, a line each; details are indented."""
        found = [line for failure in news.failed for line in self._failed(failure)]
        found += [line for recovery in news.recovered for line in self._recovered(recovery)]
        if news.open:
            found.append(f"still failing, told before: {few(news.open)}")
        return [self.clean(line, keep_indent=True) for line in found]

    def run_link(self, run_id: str) -> str:
        """Where the UI shows a run."""
        return f"{self._ui}/runs/{run_id}"

    def backfill_link(self, backfill: str) -> str:
        """Where the UI shows a backfill."""
        return f"{self._ui}/runs/b/{backfill}"

    def clean(self, text: str, *, keep_indent: bool = False) -> str:
        """One harmless line: no secret, address, control character, markup, mention or link."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        indent = text[: len(text) - len(text.lstrip(" "))] if keep_indent else ""
        words = mask_text(one_line(text)).translate(_HARMLESS)
        words = _MENTION.sub("(at)", words).replace("://", "(:)//")
        cut = words if len(words) <= MAX_LINE else f"{words[: MAX_LINE - 1]}…"
        return indent + cut

    def _title(self, news: AssetNews) -> str:
        if not news.failed:
            checks = sorted({r.check for r in news.recovered})
            again = "works again" if is_run(news.asset) else "builds again"
            what = again if checks == [BUILT] else f"{few(checks)} recovered"
            return self.clean(f"ai-usage recovered: {news.asset}: {what}")
        checks = [f.check for f in news.failed]
        built = "failed" if is_run(news.asset) else "was not built"
        what = built if BUILT in checks else f"{few(checks)} failed"
        return self.clean(f"ai-usage {news.severity}: {news.asset}: {what}")

    def _failed(self, failure: Failure) -> Iterator[str]:
        days = frozenset(day for rule in failure.rules.values() for day in rule.days)
        if failure.check == BUILT:
            yield f"{'FAILED' if is_run(failure.asset) else 'NOT BUILT'}{_on(days)}"
            yield f"  {failure.detail}"
            return
        yield f"{'FAILED' if failure.severity == 'error' else 'WARNING'} {failure.check}{_on(days)}"
        if failure.detail:
            whole = len(failure.detail) <= MAX_PROMISE
            yield f"  {failure.detail if whole else failure.detail[: MAX_PROMISE - 1] + '…'}"
        if failure.follows:
            # What to do is never cut short of a line's end.
            yield f"  {failure.follows}"
        for name, rule in list(failure.rules.items())[:MAX_RULES]:
            if name in failure.details:
                yield f"  {name}: {failure.details[name]}"
                continue
            on = _on(rule.days) if rule.days != days else ""
            yield f"  {name}: {rule.count:,} failing{on}"
        if len(failure.rules) > MAX_RULES:
            yield f"  and {len(failure.rules) - MAX_RULES} more"
        # What is told in words needs no row as an example of it.
        for row in () if failure.details else failure.sample[:MAX_SAMPLES]:
            yield f"  for example {_cells(row)}"

    def _recovered(self, recovery: Recovery) -> Iterator[str]:
        name = "building" if recovery.check == BUILT else recovery.check
        if recovery.check != BUILT and recovery.rule != recovery.check:
            name = f"{name} ({recovery.rule})"
        left = f", still failing{_on(recovery.left)}" if recovery.left else ""
        since = f"{recovery.since:%Y-%m-%d %H:%M} UTC"
        yield f"RECOVERED {name}{_on(recovery.days)}{left}; failing since {since}"

    def _links(self, news: AssetNews, found: RunFindings, *, asset: bool = True) -> Iterator[str]:
        if not found.run_id:
            yield f"Dagster's UI: {self._ui}"
            return
        how = "succeeded" if found.succeeded else "failed"
        by = " from the command line" if found.started_by == "cli" else ""
        yield f"Run {found.run_id[:8]}{by} {how}: {self.run_link(found.run_id)}"
        if asset and news.asset in found.assets:
            yield f"Asset: {self._ui}/assets/{news.asset}?view=checks"


def secrets_of(settings: Settings, vendors: Sequence[Vendor]) -> Iterator[str]:
    """Every secret of the settings that is long enough to be one."""
    known = [settings.vendor_secret(vendor.key_setting) for vendor in vendors]
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if hasattr(value, "get_secret_value"):
            known.append(value)
    for secret in known:
        if secret is not None and len(secret.get_secret_value()) >= 6:
            yield secret.get_secret_value()


def _on(days: Iterable[date]) -> str:
    notified = sorted(days)
    if not notified:
        return ""
    return f" on {ranges(notified)}" + (
        f" ({counted(len(notified), 'day')})" if len(notified) > 1 else ""
    )


def _cells(row: Mapping[str, object]) -> str:
    # Not name=value: what masks addresses takes all that is joined to one for its mailbox.
    return ", ".join(f"{name}: {value}" for name, value in informative_cells(row).items())
