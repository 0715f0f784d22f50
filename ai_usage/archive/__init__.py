"""The append-only archive of vendors' answers: pages, manifests, and which days they cover."""
