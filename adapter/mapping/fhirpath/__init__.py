"""FHIRPath compiled to closures over plain JSON.

``compile_expression`` gives an :class:`Expression`.
What is outside of the compiled subset runs on fhirpathpy (``Expression.native`` is false).

The engine follows FHIRPath N1 (http://hl7.org/fhirpath/N1/). What it adds or decides:

- ``resolve()``, ``oneOf('Type')``, and ``extension(url)`` that takes every spelling of a URL;
- JSON has no dates: two strings are compared as dates where both read as one with a month;
- a primitive without a value is not there (its extensions are: ``birthDate.extension(…)``);
- ``now()``, ``today()``, ``timeOfDay()`` and ``trace()`` are refused.
"""

from adapter.mapping.fhirpath.code import Env
from adapter.mapping.fhirpath.expression import Expression, compile_expression

__all__ = ["Env", "Expression", "compile_expression"]
