"""Pictures: pure functions from an Arrow table to a Vega-Lite specification with its words."""
