"""The vendors' APIs, served on loopback from one seeded fictitious company, and its truth.

It imports nothing else of the project: what the pipeline makes of the vendors' answers is checked
against what really happened here.
"""

from ai_usage.simulator.amendments import Amendment, add, change, drop
from ai_usage.simulator.company import Company
from ai_usage.simulator.faults import Fault, FaultPlan
from ai_usage.simulator.openai_truth import OpenAiTruth
from ai_usage.simulator.records import UNKNOWN, Owner
from ai_usage.simulator.reference import write_directory_files, write_reference_files
from ai_usage.simulator.server import SCIM_TOKEN, create_app, serve
from ai_usage.simulator.sheets_api import SHEET_ID, write_service_account
from ai_usage.simulator.telemetry import Telemetry
from ai_usage.simulator.truth import Truth
from ai_usage.simulator.vendors import ANTHROPIC_KEY, CURSOR_KEY, ENTERPRISE_KEY, OPENAI_KEY

__all__ = [
    "ANTHROPIC_KEY",
    "CURSOR_KEY",
    "ENTERPRISE_KEY",
    "OPENAI_KEY",
    "SCIM_TOKEN",
    "SHEET_ID",
    "UNKNOWN",
    "Amendment",
    "Company",
    "Fault",
    "FaultPlan",
    "OpenAiTruth",
    "Owner",
    "Telemetry",
    "Truth",
    "add",
    "change",
    "create_app",
    "drop",
    "serve",
    "write_directory_files",
    "write_reference_files",
    "write_service_account",
]
