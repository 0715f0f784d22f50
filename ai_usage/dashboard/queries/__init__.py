"""One module a page, one function a tile: (published, viewer, filters) -> rows, read-only.

What a viewer may see is decided in `scope`, through which each of them asks.
"""
