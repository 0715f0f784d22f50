"""Tests of `ai_usage.reference`."""
