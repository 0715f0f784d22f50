"""Tests of `ai_usage.finance`."""
