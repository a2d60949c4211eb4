"""Adapters to the outside world, so that no other layer knows a broker, a database or a port."""
