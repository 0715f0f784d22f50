"""Pages: they ask queries, and place what they answer. They decide nothing of who sees what."""
