"""From a provider of market data to canonical ticks in Kafka: everything vendor-specific ends here."""
