"""What the commands of the CLI do, a file a command; parsing options stays in `ai_usage.cli`."""
