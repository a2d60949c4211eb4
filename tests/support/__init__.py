"""What tests share: builders, readers of recorded data, and the slow twin of the engine."""
