"""The state as records, without a broker."""
