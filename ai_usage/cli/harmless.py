"""The console of the command line: it obeys its own colours and nothing that it prints."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ai_usage.text.printable import printable


class HarmlessConsole(Console):
    """Rich's console, in which no text can move the cursor, colour, or start another command.

    Rich takes a text's escape sequences over as they are. Here they lose their control characters
    before colours are added, wherever the text comes from: a vendor, a file, a library's error.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Rich's segments, their text printable; what Rich itself controls stays."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text, keep="\n\t"), segment.style)


def say(console: Console, line: str) -> None:
    """Print a line as it is: not wrapped, and no part of it a mark-up or picked out in colour."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
