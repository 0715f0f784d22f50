"""What the contracts say of a product's price, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ai_usage.finance import Rates, list_prices, read_contracts
from ai_usage_tests.finance.tables import contract, rows_of

EURO = Rates(
    rows_of("fx_rates.csv", "currency rate_date usd_per_unit source\nEUR 2026-01-01 1.10 ECB")
)
DAY = date(2026, 3, 10)


def test_a_seats_price_is_the_mean_over_the_seats_bought_on_the_day() -> None:
    """Thirty seats at 40 dollars and ten at 20 euros, 22 dollars: (1200 + 220) / 40 = 35.50."""
    rows = (
        contract(quantity=30, price="40", last="2026-03-10", overage_rate="0.04")
        + contract(quantity=99, price="41", first="2026-03-11")
        + contract(quantity=10, price="20", contract_id="euro", currency="EUR")
    )
    assert list_prices(read_contracts(rows), EURO, DAY) == {
        ("p", "p"): {
            "base_subscription_cost_usd": Decimal("35.50"),
            "overage_rate_per_unit": Decimal("0.04"),
        }
    }


def test_a_product_without_seats_today_has_no_price() -> None:
    ended = contract(last="2026-03-09") + contract(quantity=0, contract_id="d")
    assert list_prices(read_contracts(ended), EURO, DAY) == {}
