"""One file per vendor: client calls, payload structs, normalisation and its `dim_platforms` rows.

Beside them what all vendors share: `base` (what a vendor declares), `rows` (what it yields),
`http` (retry, rate limit) and `fetching` (windows into `ai_usage.archive`).
"""
