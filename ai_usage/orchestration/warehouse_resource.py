"""What every warehouse resource is: it makes the warehouse that the settings name."""

from abc import ABC, abstractmethod

import dagster as dg

from ai_usage.warehouse.base import Warehouse


class WarehouseResource(dg.ConfigurableResource, ABC):  # type: ignore[type-arg]
    """Makes the warehouse that the settings name."""

    @abstractmethod
    def warehouse(self) -> Warehouse:
        """The warehouse; cheap, nothing is opened yet."""
