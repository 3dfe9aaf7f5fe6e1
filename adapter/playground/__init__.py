"""Trying a change of a mapping or template on a Bundle, without writing it anywhere but into a folder of the trial."""
