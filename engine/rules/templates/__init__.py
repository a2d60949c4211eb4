"""Alert types: conditions with a name and parameters, as data; what they stand for is text of the rule language."""
