"""The agents' parts that need no broker."""
