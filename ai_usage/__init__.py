"""The usage and cost of AI coding tools, as a warehouse that finance and engineering trust."""
