"""What archived answers mean, worked out once: scored events by day, lists as they change."""
