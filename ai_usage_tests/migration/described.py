"""The description of the old system of `old_system`, as a person would write it."""

from __future__ import annotations

from pathlib import Path

YAML = """\
version: 1
from: {source}
tables:
  cursor_costs:
    platform: cursor
    event_type: cost
    replaces: [cursor/usage_events]
    day: usage_date
    key: [email, user_email, usage_date]
    read:
      user_email: COALESCE(email, user_email)
      lines_accepted: lines
      cost_usd: amount
    write:
      user_email: user_email
      usage_date: event_date
      lines: lines_accepted
      amount: cost_usd
  claude_costs:
    platform: anthropic
    event_type: cost
    replaces: [anthropic/cost_report]
    day: local_day
    zone: America/Los_Angeles
    read:
      cost_usd: cost_usd
    compare: []
    differences:
      zone: {{a_day: 0.01, why: the old days are those of California}}
"""


def write(folder: Path, source: str, *changes: tuple[str, str]) -> Path:
    """The file, with texts of it replaced."""
    text = YAML.format(source=source)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / "migration.yaml"
    path.write_text(text)
    return path
