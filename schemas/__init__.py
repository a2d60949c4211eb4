"""What crosses a process boundary, said once: records, their bytes and the topics that carry them."""
