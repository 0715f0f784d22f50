"""What GitHub Copilot's endpoints share: credentials, whose account is asked, single values.

The contract is the vendor's reference at https://docs.github.com/rest/copilot and its typed client
google/go-github; no call of ours has confirmed it. All days are UTC days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple
from urllib.parse import quote

from ai_usage.vendors.base import Client

NAME = "github_copilot"
KEY_SETTING, ACCOUNT_SETTING = "COPILOT_TOKEN", "COPILOT_ACCOUNT"
"""Not GITHUB_TOKEN: that is there for something else on many machines."""

FINALIZATION_LAG = timedelta(days=3)
"""A day's report is final after three full UTC days. The lateness of billing is published nowhere:
it is taken to be no shorter."""


def headers(key: str) -> dict[str, str]:
    """The authentication headers of a token, and the version that this is written for."""
    return {
        "Authorization": f"Bearer {key}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2026-03-10",
    }


class Account(NamedTuple):
    """Whom to ask about: one alone.

    An enterprise's reports hold those of its organisations, and a person of two organisations is
    in the reports of both.
    """

    kind: Literal["orgs", "enterprises"]
    name: str

    @property
    def path(self) -> str:
        """Where its Copilot endpoints stand."""
        return f"/{self.kind}/{self.name}/copilot"

    @property
    def is_enterprise(self) -> bool:
        """Whether it can export its billing by person."""
        return self.kind == "enterprises"

    @property
    def billing(self) -> str:
        """Where its billing stands, which spells organisations out."""
        kind = self.kind if self.is_enterprise else "organizations"
        return f"/{kind}/{self.name}/settings/billing"


def account(text: str) -> Account:
    """An account as the setting writes it; ValueError for what is none."""
    kind, _, name = text.strip("/").partition("/")
    if kind not in ("orgs", "enterprises") or not name or "/" in name:
        raise ValueError(text)
    return Account("orgs" if kind == "orgs" else "enterprises", quote(name))


def account_of(client: Client) -> Account:
    """The account of the setting, which was checked when the client was made."""
    return account(client.option(ACCOUNT_SETTING) or "")


def login_of(value: str | None) -> str | None:
    """A login, lower case, as logins know no case; blank is None."""
    return (value or "").strip().lower() or None
