"""What people look at: pages over a published copy, for each viewer what they may see.

`published` is the copy, `viewers` and `scope` say who sees what of it, `filters` is the address,
`queries` have one function a tile, `charts` draw, `pages` place, `server` serves. No Dagster.
"""
