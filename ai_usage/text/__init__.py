"""Text that people read: printable, masked, counted."""
