"""Tests of `ai_usage.identity`."""
