"""What a selection means to a run."""

from __future__ import annotations

from pathlib import Path

from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.runs import selected
from ai_usage.settings import Settings


def test_a_star_selects_all_that_an_asset_needs_or_feeds_as_the_examples_say(
    tmp_path: Path,
) -> None:
    """A plus is one step only: `raw_ai_events+` would leave the views as they were."""
    environment = {"AI_USAGE_HOME": str(tmp_path), "AI_USAGE_ENV_FILE": str(tmp_path / "no.env")}
    defs = build_defs(Settings.load(environment))
    needed = {key.path[-1] for key in selected(defs, "*fact_ai_costs")}
    assert {"source_cursor_usage_events", "reference_users", "raw_ai_events"} < needed
    assert not any(name.startswith("vw_") for name in needed)
    fed = {key.path[-1] for key in selected(defs, "raw_ai_events*")}
    assert {"fact_ai_costs", "vw_executive_dashboard"} < fed
    assert not any(name.startswith("source_") for name in fed)
