"""What `ai-usage spend` can sum by: apart from the command, which imports more than help needs."""

from __future__ import annotations

from enum import StrEnum


class By(StrEnum):
    """What spend is shown by."""

    team = "team"
    cost_center = "cost-center"
    person = "person"
    platform = "platform"
    project = "project"
