"""Who really bears what OpenAI bills, and who used what: sums of the company's books."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from ai_usage.simulator.company import Company
from ai_usage.simulator.records import UNKNOWN, Owner


class OpenAiTruth:
    """The sums of one company, computed from its records, never from served JSON."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._persons = {key.id: key.person for key in company.openai.keys}

    def owner(self, key_id: str | None, user_id: str | None) -> Owner:
        """The person behind a key or account; UNKNOWN for a service account, and for nobody."""
        account = self._company.openai
        number = self._persons[key_id] if key_id else account.person_of(user_id)
        return UNKNOWN if number is None else Owner("person", self._company.people[number].email)

    def dollars(self, day: date) -> Decimal:
        """What the vendor bills for a day."""
        lines = self._company.openai_lines(day)
        return sum((line.dollars for line in lines), Decimal(0))

    def dollars_by_owner(self, day: date) -> dict[Owner, Decimal]:
        """The day's dollars by who really bears them; what names nobody is UNKNOWN's."""
        found: dict[Owner, Decimal] = defaultdict(Decimal)
        for line in self._company.openai_lines(day):
            found[self.owner(line.key_id, line.user_id)] += line.dollars
        return dict(found)

    def tokens_by_owner(self, day: date) -> dict[Owner, tuple[int, int, int, int]]:
        """Tokens of the four classes by who used them: uncached, cached, written, output."""
        found: dict[Owner, tuple[int, int, int, int]] = {}
        for used in self._company.openai_usage(day):
            owner = self.owner(used.key_id, used.user_id)
            a, b, c, d = found.get(owner, (0, 0, 0, 0))
            found[owner] = (
                a + used.uncached,
                b + used.cached,
                c + used.written,
                d + used.output,
            )
        return found
