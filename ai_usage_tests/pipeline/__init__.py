"""The pipeline end to end: simulated vendors over real HTTP, the real graph, a real warehouse."""
