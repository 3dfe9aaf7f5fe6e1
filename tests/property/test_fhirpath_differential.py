"""The compiler against fhirpathpy: random expressions on random resources, and every shipped expression.

The expressions are well typed, so that errors are rare; where fhirpathpy raises, ours may do as it likes, but raise
nothing else than ExpressionError. Where fhirpathpy 2.2 departs from FHIRPath N1 the generators keep away, and
``tests/unit/mapping/test_fhirpath.py`` holds the result that N1 wants:

- arguments that are no criterion are literals: fhirpathpy leaves ``$this`` and ``$index`` of the last item behind when
  ``where``, ``select`` or ``all`` are done (5.2: they belong to the function);
- a criterion is a comparison or a call: fhirpathpy takes an element that is ``false`` for true (4.5);
- ``=`` has a single item on both sides: fhirpathpy compares the first items of longer collections only (6.1.1);
- ``~`` has single strings: the same, and numbers of different types raise (6.1.2);
- ``|`` joins elements with elements and literals with literals: fhirpathpy finds no repetition among both (5.4.1);
- parentheses around ``|``: fhirpathpy binds it before ``is`` and ``as`` (precedence, section 6.8);
- ``=`` between two elements has no dates: JSON has none, and without types fhirpathpy compares text (6.1.1);
- dates go as far as a day: fhirpathpy counts a time zone as one more precision (6.1.1);
- ``mod`` and ``div`` have no negative operands: fhirpathpy rounds down, N1 truncates (6.6.5, 6.6.6);
- ``true = 1`` is not asked: Python finds them equal, N1 does not (6.1.1);
- ``toString()`` of booleans: fhirpathpy says ``True`` (5.5.8);
- an extension is there once: fhirpathpy gives the first one only (FHIR R4, 2.9.1.3);
- nothing has an extension alone: fhirpathpy leaves such objects out of a result (6.3 of FHIRPath in FHIR: it is there);
- ``$this is Patient``: fhirpathpy knows no type of the focus itself (6.3.1);
- no nulls in lists: they keep a place in JSON and are no items (FHIR R4, 2.6.2.3);
- strings are not empty, as FHIR wants: ``''.replace()`` is empty in fhirpathpy (5.6.9);
- ``resolve().ofType(T)``, ``%name.ofType(T)``: fhirpathpy knows no type of what a function of ours gives or a variable
  holds (6.3.4);
- ``value[x]`` in what is no resource: fhirpathpy knows no type of such a focus;
- elements that are a choice in one release alone: fhirpathpy is asked with the types of R5;
- ``children()`` and ``descendants()``: fhirpathpy counts ``resourceType`` as an element (5.8).
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from contextlib import suppress
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from fhirpathpy import apply_parsed_path
from fhirpathpy.engine.nodes import FP_Type
from fhirpathpy.models import models
from fhirpathpy.parser import parse
from hypothesis import given
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.errors import ExpressionError
from adapter.mapping.fhirpath import Env, compile_expression
from adapter.mapping.fhirpath.fallback import dialect_functions
from adapter.mapping.fhirpath.syntax import Call, Node, TypeTest, Variable, walk
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field
from adapter.mapping.testing import load_cases
from tests.written import same_as_written_out

WORDS = ("A", "b", "Aa", "официальный", "12", "a-b", " x ", "2020-01")
URL = "https://example.org/x"

# -- resources -----------------------------------------------------------------------------------------

word = st.sampled_from(WORDS)


def some(**elements: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=elements)


def few(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1, max_size=3)


EXTENSION = st.lists(st.builds(lambda text: {"url": URL, "valueString": text}, word), min_size=1, max_size=1)
HUMAN_NAME = some(use=word, family=word, text=word, given=few(word), extension=EXTENSION).filter(
    lambda element: element and element.keys() != {"extension"}
)
ADDRESS = some(city=word, country=word, line=few(word)).filter(bool)
CONTACT = some(gender=word, name=HUMAN_NAME, address=ADDRESS).filter(bool)
DATES = st.sampled_from(["1999", "2000", "2000-01", "2000-02", "2000-01-05", "2000-01-06", "2000-02-01"])
PATIENT = some(
    id=word,
    language=word,
    active=st.booleans(),
    gender=word,
    birthDate=DATES,
    name=few(HUMAN_NAME),
    address=few(ADDRESS),
    contact=few(CONTACT),
    extension=EXTENSION,
    deceasedBoolean=st.booleans(),
    multipleBirthInteger=st.integers(0, 3),
).map(lambda elements: {"resourceType": "Patient", **elements})

# -- expressions ---------------------------------------------------------------------------------------

COMPLEX = {
    "Patient": {"name": "HumanName", "address": "Address", "contact": "Contact"},
    "HumanName": {},
    "Address": {},
    "Contact": {"name": "HumanName", "address": "Address"},
}
STRINGS = {
    "Patient": ("id", "language", "gender"),
    "HumanName": ("use", "family", "text", "given"),
    "Address": ("city", "country", "line"),
    "Contact": ("gender",),
}
Draw = Any
number = st.integers(0, 3)


def quoted(text: str) -> str:
    return f"'{text}'"


def subset(draw: Draw, path: str, criterion: str) -> str:
    forms = (".first()", ".last()", ".tail()", ".distinct()", f"[{draw(number)}]", f".skip({draw(number)})")
    forms += (f".take({draw(number)})", f".where({criterion})", f".where($index > {draw(number)})")
    return path + draw(st.sampled_from(forms))


def objects(draw: Draw, kind: str, depth: int) -> tuple[str, str]:
    """A path to objects, and their type."""
    name, inner = draw(st.sampled_from(sorted(COMPLEX[kind].items())))
    path = name
    if kind == "Patient" and draw(st.booleans()):
        path = f"Patient.{name}"
    for _ in range(draw(st.integers(0, 2))):
        path = subset(draw, path, boolean(draw, inner, depth - 1))
    if COMPLEX[inner] and draw(st.booleans()):
        further, inner = draw(st.sampled_from(sorted(COMPLEX[inner].items())))
        path = f"{path}.{further}"
    return path, inner


def strings(draw: Draw, kind: str, depth: int) -> str:
    """A path to strings."""
    if depth <= 0 or not COMPLEX[kind] or draw(st.booleans()):
        path, inner = "", kind
    else:
        path, inner = objects(draw, kind, depth)
    element = draw(st.sampled_from(STRINGS[inner]))
    form = draw(st.integers(0, 4))
    if path and form == 0:
        path = f"{path}.select({element})"
    elif path and form == 1 and inner == "HumanName":
        path = f"{path}.extension('{URL}').value"
    else:
        path = f"{path}.{element}" if path else element
    if draw(st.booleans()):
        path = subset(draw, path, f"$this = {quoted(draw(word))}")
    return path


FUNCTIONS = (
    ".upper()", ".lower()", ".trim()", ".substring(1)", ".substring(0, 2)", ".replace('a', 'xy')",
    ".replaceMatches('([ab])', '<$1>')", ".replaceMatches('(a)-(b)', '$2$1')", ".toString()", ".split('-').first()",
)  # fmt: skip


def string(draw: Draw, kind: str, depth: int) -> str:
    """A single string."""
    path = f"{strings(draw, kind, depth)}.first()"
    form = draw(st.integers(0, 6))
    if form == 0:
        path += draw(st.sampled_from(FUNCTIONS))
    elif form == 1:
        path = f"({path} + {string(draw, kind, depth - 1)})" if depth > 0 else f"({path} + 'x')"
    elif form == 2:
        path = f"({path} & {quoted(draw(word))})"
    elif form == 3:
        path = f"{strings(draw, kind, depth)}.join('; ')"
    elif form == 4 and depth > 0:
        path = f"iif({boolean(draw, kind, depth - 1)}, {path}, {quoted(draw(word))})"
    return path


def integer(draw: Draw, kind: str, depth: int) -> str:
    form = draw(st.integers(0, 5))
    if form == 0:
        return str(draw(number))
    if form == 1:
        return f"{string(draw, kind, depth)}.length()"
    if form == 2:
        return f"{strings(draw, kind, depth)}.count()"
    if form == 3:
        return f"{string(draw, kind, depth)}.indexOf('a')"
    if form == 4:
        return f"{string(draw, kind, depth)}.toInteger()"
    op = draw(st.sampled_from(["+", "*", "/", "div", "mod"]))
    return f"({strings(draw, kind, depth)}.count() {op} {draw(number)})"


def comparison(draw: Draw, kind: str, depth: int) -> str:
    single, literal = string(draw, kind, depth), quoted(draw(word))
    op = draw(st.sampled_from(["=", "!=", "~", "!~", "<", "<=", ">", ">="]))
    forms = [
        f"{single} {op} {literal}",
        f"{literal} {op} {single}",
        f"{strings(draw, kind, depth)} = {literal}",
        f"{single} in ('A' | 'b' | '12')",
        f"{literal} in {strings(draw, kind, depth)}",
        f"{strings(draw, kind, depth)} contains {literal}",
        f"{integer(draw, kind, depth)} {op.replace('~', '=')} {draw(number)}",
        f"{single}.startsWith('A')",
        f"{single}.endsWith('b')",
        f"{single}.contains('a')",
        f"{single}.matches('^[A-Za-z0-9-]+$')",
        f"{single}.toInteger().exists()",
    ]
    if kind == "Patient":
        date = draw(DATES)
        plain = op.replace("~", "=")
        forms += [f"birthDate {plain} @{date}", f"@{date} {plain} birthDate", "active = true", "deceased = false"]
        forms += ["deceased is boolean", "deceased.ofType(dateTime).exists()", f"multipleBirth {plain} 1"]
        forms += ["multipleBirth.ofType(integer) = 1", "(deceased as boolean).exists()"]
    return draw(st.sampled_from(forms))


def boolean(draw: Draw, kind: str, depth: int) -> str:
    """A boolean, perhaps empty."""
    if depth <= 0:
        element, literal = draw(st.sampled_from(STRINGS[kind])), quoted(draw(word))
        return draw(st.sampled_from([f"{element}.exists()", f"{element} = {literal}", f"{literal} in {element}"]))
    form = draw(st.integers(0, 7))
    if form == 0:
        op = draw(st.sampled_from(["and", "or", "xor", "implies"]))
        return f"({boolean(draw, kind, depth - 1)} {op} {boolean(draw, kind, depth - 1)})"
    if form == 1:
        return f"({boolean(draw, kind, depth - 1)}).not()"
    if form in (2, 3) and COMPLEX[kind]:
        path, inner = objects(draw, kind, depth)
        call = draw(st.sampled_from(["exists", "all"]))
        return f"{path}.{call}({boolean(draw, inner, depth - 1)})"
    if form == 4:
        call = draw(st.sampled_from(["exists()", "empty()", "isDistinct()", "exists().not()"]))
        return f"{strings(draw, kind, depth)}.{call}"
    if form == 5:
        return f"iif({boolean(draw, kind, depth - 1)}, {boolean(draw, kind, depth - 1)}, false)"
    return f"({comparison(draw, kind, depth - 1)})"


@st.composite
def expression(draw: Draw) -> str:
    """An expression on Patient."""
    form = draw(st.integers(0, 5))
    if form == 0:
        return boolean(draw, "Patient", 3)
    if form == 1:
        return string(draw, "Patient", 2)
    if form == 2:
        return integer(draw, "Patient", 2)
    if form == 3:
        return f"({strings(draw, 'Patient', 2)} | {strings(draw, 'Patient', 2)})"
    if form == 4:
        return objects(draw, "Patient", 2)[0]
    return strings(draw, "Patient", 3)


# -- comparison ----------------------------------------------------------------------------------------


@cache
def parsed(text: str) -> Any:
    return parse(text)


def reference(text: str, resource: Any, variables: dict[str, Any], options: Any = None) -> list[Any]:
    # A copy: fhirpathpy promises nothing about its input.
    return apply_parsed_path(copy.deepcopy(resource), parsed(text), variables, models["r5"], options)


def comparable(item: Any) -> Any:
    """An item with its sort, because Python finds ``True`` and ``1`` equal."""
    if isinstance(item, bool):
        return ("boolean", item)
    if isinstance(item, int | float | Decimal):
        return ("number", round(Decimal(item), 9))
    if isinstance(item, FP_Type):
        return ("text", str(item))
    if isinstance(item, dict):
        return ("object", {name: comparable(value) for name, value in item.items()})
    if isinstance(item, list):
        return ("list", [comparable(value) for value in item])
    return ("text", str(item))


def agree(text: str, resource: Any, variables: dict[str, Any], graph: Any = None, options: Any = None) -> bool:
    """Whether the reference gave a result; both must be the same."""
    compiled = compile_expression(text)
    assert compiled.native
    env = Env(variables, graph)
    try:
        expected = reference(text, resource, variables, options)
    except Exception:  # noqa: BLE001 # fhirpathpy raises bare Exception
        with suppress(ExpressionError):
            compiled.all(resource, env)
        return False
    found = compiled.all(resource, env)
    assert comparable(found) == comparable(expected)
    assert compiled.first(resource, env) == (found[0] if found else None)
    if len(found) < 2:
        assert compiled.truth(resource, env) is (bool(found) and found[0] is not False)
    return True


@given(expression(), PATIENT)
def test_random_expressions(text: str, resource: dict[str, Any]) -> None:
    agree(text, resource, {})


#: Foci that no element of the type has: absent, nulls that keep a place, a word or a list where an object is meant.
ODD = st.sampled_from([
    None, "A", 7, [], {}, {"name": []}, {"name": [None, {"given": ["A", None]}]}, {"name": "A"}, {"contact": [[]]},
    {"name": {"family": ["A", "b"]}, "gender": ["A"]}, {"gender": {"a": 1}, "address": [None]}, ["A", {"name": None}],
])  # fmt: skip


@given(expression(), st.lists(PATIENT, min_size=2, max_size=4), st.lists(ODD, max_size=2))
def test_written_out_as_the_closures(text: str, resources: list[Any], odd: list[Any]) -> None:
    for focus in (*resources, *odd):
        same_as_written_out(text, focus, Env({}))


def test_generated_expressions_seldom_fail_in_the_reference() -> None:
    """Else the test above would look at nothing."""
    verdicts: list[bool] = []

    @given(expression(), PATIENT)
    def collect(text: str, resource: dict[str, Any]) -> None:
        verdicts.append(agree(text, resource, {}))

    collect()
    assert sum(verdicts) > 0.9 * len(verdicts)


# -- shipped expressions -------------------------------------------------------------------------------


def shipped() -> list[str]:
    """Every expression of the built-in mappings."""
    mappings = Mappings.load(Catalogue())
    specs = [*mappings.maps.values(), *mappings.documents.values()]
    fields = [rule for spec in specs for part in (spec.fields, spec.let) for rule in part.values()]
    found = {text for rule in fields for text in texts(rule)}
    found |= {route.when.text for route in mappings.routes if route.when is not None}
    return sorted(found)


def texts(rule: Field) -> Iterator[str]:
    yield from (source.text for source in rule.sources)
    if rule.when is not None:
        yield rule.when.text
    for inner in (*rule.fields.values(), *rule.let.values()):
        yield from texts(inner)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a piece of JSON."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


@cache
def material() -> list[dict[str, Any]]:
    """Every object of the fragments that the tests of the mappings are given.

    Extensions are left out: of a focus that is no resource fhirpathpy does not know the type, and so no ``value[x]``.
    """
    found = [node for case in load_cases(Catalogue()) for node in nodes([case.given, *case.around])]
    return [node for node in found if "resourceType" in node or not ("url" in node or node.keys() == {"extension"})]


class Around:
    """A graph of all the fragments, the same for both."""

    def resolve(self, reference: dict[str, Any]) -> dict[str, Any] | None:
        wanted = str(reference.get("reference", "")).rpartition("/")[2]
        return next((node for node in material() if wanted and node.get("id") == wanted), None)

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [node for node in material() if node.get("resourceType") == name][:3]


def conditions(tree: Node) -> set[str]:
    """Variables that are the condition of an ``iif``."""
    calls = (node.arguments[0] for node in walk(tree) if isinstance(node, Call) and node.name == "iif")
    return {condition.name for condition in calls if isinstance(condition, Variable)}


#: A choice in R4 or in R5 alone; ours finds either.
OF_ONE_RELEASE = frozenset({"doseNumber", "instance"})


def untold_types(tree: Node) -> bool:
    """Whether an expression asks for the type of what ``resolve()`` gives or a variable holds."""
    tests = (node.source for node in walk(tree) if isinstance(node, TypeTest) and node.source is not None)
    return any(
        isinstance(node, Variable) or (isinstance(node, Call) and node.name == "resolve")
        for source in tests
        for node in walk(source)
    )


def choices(elements: Collection[str]) -> bool:
    """Whether one of the elements is a ``value[x]``, which fhirpathpy finds in an element of a known type alone."""
    return any(other[len(one) :][:1].isupper() for one in elements for other in elements if other.startswith(one))


@pytest.mark.parametrize("text", shipped())
def test_shipped_expressions(text: str) -> None:
    compiled = compile_expression(text)
    fitting = [node for node in material() if not compiled.elements or compiled.elements & node.keys()]
    untold = untold_types(compiled.tree) or bool(OF_ONE_RELEASE & compiled.elements)
    chosen = choices(compiled.elements)
    # The ones that have most of what is read, so that the expression gets far.
    fitting.sort(key=lambda node: len(compiled.elements & node.keys()), reverse=True)
    for focus in fitting[:6]:
        for value in ([], [focus], ["text"]):
            variables = dict.fromkeys(compiled.variables, value) | {"resource": focus}
            # A condition that is no boolean: see above.
            variables |= {name: [bool(value)] for name in conditions(compiled.tree)}
            options = {"userInvocationTable": dialect_functions(Env(variables, Around()))}
            if not untold and ("resourceType" in focus or not chosen):
                agree(text, focus, variables, Around(), options)
            same_as_written_out(text, focus, Env(variables, Around()))
            if not compiled.variables - {"resource"}:
                break
