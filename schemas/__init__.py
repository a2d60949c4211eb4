"""What crosses a process boundary: records, their codecs and the topics they live in. Imports nothing of the rest of
the program."""
