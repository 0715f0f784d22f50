"""Lists that are asked for with GET: where what names the next page goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ai_usage.archive.pages import Page
from ai_usage.vendors.base import Client, Params
from ai_usage.vendors.kit.paginate import Listing, Place, paginate
from ai_usage.vendors.kit.promises import Paging


def listed(
    client: Client,
    listing: Listing,
    endpoint: str,
    path: str,
    params: Params,
    where: str,
    *,
    headers: Mapping[str, str] | None = None,
    at_end: Callable[[Paging], None] = lambda paging: None,
) -> Iterator[Page]:
    """Every page of a list, as `paginate` promises it; a link is followed as it stands.

    `where` names the list in errors, `headers` come besides the vendor's. Raises `VendorError`.
    """

    def ask(place: Place, where: str) -> Page:
        asked, url = params, path
        if place.following and listing.way == "link":
            asked, url = (), place.following
        elif place.following:
            asked = [*params, (listing.place_in, place.following)]
        return client.get(endpoint, url, asked, where=where, headers=headers)

    return paginate(listing, ask, vendor=client.name, endpoint=endpoint, where=where, at_end=at_end)
