"""What a page's handler needs of its request: the copy, the viewer, the filters of the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request

from ai_usage.dashboard.feedback import Feedback
from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import About, Published
from ai_usage.dashboard.viewers import Viewer
from ai_usage.warehouse.base import Warehouse


@dataclass(frozen=True)
class State:
    """What the server keeps: the copy, and who an e-mail address is to it.

    `warehouse` opens the warehouse itself, for the events that the copy has none of; `ui_url` is
    where Dagster's pages are, empty if nowhere; `feedback` keeps votes, None without a place for
    them.
    """

    published: Published
    viewer_of: Callable[[str], Viewer]
    warehouse: Callable[[], Warehouse] | None = None
    ui_url: str = ""
    feedback: Feedback | None = None


@dataclass(frozen=True)
class Asked:
    """One request: what is looked at, by whom, and what of it."""

    published: Published
    viewer: Viewer
    filters: Filters
    about: About

    @property
    def in_one_month(self) -> Asked:
        """The same in the filters' last month alone, on the same page of its tables."""
        filters = self.filters
        return replace(self, filters=filters.having(first=filters.last, page=filters.page))


def asked(request: Request) -> Asked:
    """Read a request. The gate has let it pass; its viewer is looked up anew each time.

    Raises `WarehouseError` where nothing is published yet.
    """
    state: State = request.app.state.dashboard
    about = state.published.about
    filters = Filters.parse(request.query_params.multi_items(), about.as_of)
    viewer = state.viewer_of(request.scope["viewer_email"])
    return Asked(state.published, viewer, filters, about)
