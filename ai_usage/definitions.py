"""The door that `workspace.yaml` and deployments name."""

from ai_usage.orchestration.definitions import build_defs as build_defs
from ai_usage.orchestration.definitions import defs as defs
