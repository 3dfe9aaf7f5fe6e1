"""What is particular to the messages of registers; their maps stand in ``mappings/registers``."""
