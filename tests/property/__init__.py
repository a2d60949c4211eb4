"""Laws that hold for every input, searched with random markets, rules and batch splits."""
