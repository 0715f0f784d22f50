"""What runs when: schedules, the sensors that chain jobs, freshness; in a real instance."""
