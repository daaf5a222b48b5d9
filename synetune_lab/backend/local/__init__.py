"""Parts of the local backend: processes, their identity, their logs, and who is told of changes."""
