"""One folder per vendor: client calls, payload structs, normalisation, `dim_platforms` rows.

`kit` is what the folders are made of. Beside it what all vendors share: `base` (what a vendor
declares), `rows` (what it yields), `http` (retry, rate limit) and `fetching` (windows into
`ai_usage.archive`).
"""
