"""Maps → Python: every map is a module of functions, made when the map is first used.

A function goes through the fields in their order, from source to fact, and puts what is amiss on a path of its own; the
expressions stand in it as lines (:mod:`adapter.mapping.fhirpath.inline`). :meth:`Generator.text` is what was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from adapter.mapping.concepts import ConceptMap
from adapter.mapping.converters import CONVERTERS
from adapter.mapping.fhirpath import Env
from adapter.mapping.fhirpath.inline import Inliner, each_of
from adapter.mapping.model import Conversion, Field, MapSpec
from adapter.mapping.outer import needed, outer, read_by
from adapter.mapping.run import Run
from adapter.mapping.runtime import NAMES, Closure, about, conversion, ending, translation
from adapter.mapping.writer import Writer

#: Variables that are the same wherever a map is used, ``%resource`` given.
_EVERYWHERE: Final = frozenset({"bundle", "org", "number", "resource"})
_ARGUMENTS: Final = "run, env, focus"


class Generator:
    """Makes functions of the maps of a catalogue.

    Args:
        maps: maps by id.
        concepts: concept maps by id.
        traced: the functions record how each fact came about; slower.
        cache: folder for compiled code, ``None`` for none.
    """

    def __init__(
        self,
        maps: Mapping[str, MapSpec],
        concepts: Mapping[str, ConceptMap],
        *,
        traced: bool = False,
        cache: Path | None = None,
    ) -> None:
        self._cache = cache
        self._maps = maps
        self._concepts = concepts
        self._traced = traced
        self._made: dict[str, Closure] = {}

    def map(self, spec: MapSpec) -> Closure:
        """The function of a map: a run, the variables and a focus to a :class:`~adapter.facts.Fact`."""
        module = self._module(spec)
        made: Closure = module.writer.functions(f"<{spec.file or spec.id}>", self._cache)["facts"]
        return made

    def text(self, spec: MapSpec) -> str:
        """The module of a map as Python, for reading."""
        return self._module(spec).writer.text

    def used(self, name: str) -> Closure:
        """The function of a map applied to a value; made when first called, because maps may use each other."""
        made, same = self._made, False

        def use(run: Run, env: Env, value: Any) -> Any:
            function = made.get(name) or make()
            if not same:
                return function(run, about(env, value), value)
            resource = value if value.__class__ is dict and "resourceType" in value else env["resource"]
            key = name, id(value), id(resource)
            kept = run.made.get(key)
            if kept is not None:
                return kept[0]
            before = len(run.findings)
            facts = function(run, about(env, value), value)
            if len(run.findings) == before:
                # Both are kept as well: while they live, nothing else has their identity.
                # Where something was found the facts are made again, so that each use tells it.
                run.made[key] = facts, value, resource
            return facts

        def make() -> Closure:
            nonlocal same
            spec = self._maps[name]
            # Such a map gives the same facts of a focus wherever it is used: they are made once in a run.
            same = not self._traced and outer(spec, self._maps) <= _EVERYWHERE
            function = made[name] = self.map(spec)
            return function

        return use

    def _module(self, spec: MapSpec) -> _Module:
        module = _Module(self, self._maps, self._concepts, traced=self._traced)
        module.facts("facts", spec.let, spec.fields)
        return module


class _Module:
    """The functions of one map, as they are written."""

    def __init__(
        self, generator: Generator, maps: Mapping[str, MapSpec], concepts: Mapping[str, ConceptMap], *, traced: bool
    ) -> None:
        self.writer = Writer(NAMES)
        self._generator, self._maps, self._concepts, self._traced = generator, maps, concepts, traced
        self._used: dict[str, Closure] = {}

    def facts(self, name: str, let: Mapping[str, Field], fields: Mapping[str, Field]) -> None:
        """A function that makes facts of fields; those that it calls stand before it."""
        lets = self._lets(let, fields.values())
        nested = {id(field): self._nested(field) for field in fields.values() if field.fields}
        with self.writer.block(f"def {name}({_ARGUMENTS}):"):
            self.writer.line("found = run.findings")
            if lets:
                self.writer.line(f"env = Lets(env, {lets}, run, focus)")
            made = [(key, self._field(field, nested.get(id(field), ""))) for key, field in fields.items()]
            self.writer.line(f"return Fact({{{', '.join(f'{key!r}: {value}' for key, value in made)}}})")

    def _lets(self, let: Mapping[str, Field], fields: Iterable[Field]) -> str:
        """The name of a table of functions of the variables that ``fields`` need; empty where there are none."""
        let = needed(let, fields, self._maps)
        if not let:
            return ""
        functions = {name: self._function(field) for name, field in let.items()}
        table = self.writer.fresh("lets")
        self.writer.line(f"{table} = {{{', '.join(f'{name!r}: {made}' for name, made in functions.items())}}}")
        return table

    def _function(self, field: Field) -> str:
        """The name of a function of one field."""
        nested = self._nested(field) if field.fields else ""
        name = self.writer.fresh(f"let{_word(field.rule)}_")
        # A table of its own variables stands before the function that uses it.
        lets = self._lets(field.let, [field])
        with self.writer.block(f"def {name}({_ARGUMENTS}):"):
            self.writer.line("found = run.findings")
            self.writer.line(f"return {self._field(field, nested, lets)}")
        return name

    def _nested(self, field: Field) -> str:
        name = self.writer.fresh(f"facts{_word(field.rule)}_")
        self.facts(name, {}, field.fields)
        return name

    # -- one field --------------------------------------------------------------------------------------

    def _field(self, field: Field, nested: str, lets: str = "") -> str:
        """The lines of a field; the name of the variable that then holds the fact."""
        write, env, result, at = self.writer, "env", self.writer.fresh(), ""
        write.remark(f"{field.rule}  {field.file}:{field.line}")
        lets = lets or self._lets(field.let, [field])
        if lets:
            env = write.fresh("env")
            write.line(f"{env} = Lets(env, {lets}, run, focus)")
        rule = write.constant(field, "rule")
        if self._traced:
            at = write.fresh("at")
            write.line(f"{at} = enter(run, {rule})")
        if field.dropped is not None:
            write.line(f"drop(run, {env}, {rule}, focus)")
        if field.when is None:
            self._guarded(field, nested, env, result)
        else:
            self._conditional(field, nested, env, result)
        if self._traced:
            write.line(f"leave(run, {env}, {rule}, focus, {at}, {result})")
        return result

    def _conditional(self, field: Field, nested: str, env: str, result: str) -> None:
        """A field with a condition; without the value where it does not hold."""
        write, when = self.writer, self.writer.fresh("when")
        assert field.when is not None
        with write.block("try:"):
            write.line(f"{when} = {Inliner(write, field.when, env).truth('focus')} is True")
        with write.block("except ExpressionError as error:"):
            write.line(f"{when} = failed(run, {write.constant(field, 'rule')}, focus, error)")
        with write.block(f"if {when}:"):
            self._guarded(field, nested, env, result)
        with write.block("else:"):
            write.line(f"{result} = {'[]' if field.each else 'None'}")

    def _guarded(self, field: Field, nested: str, env: str, result: str) -> None:
        """The value, and what is to be done where something was found or nothing came."""
        write, before, rule = self.writer, self.writer.fresh("before"), self.writer.constant(field, "rule")
        write.line(f"{before} = len(found)")
        with write.block("try:"):
            self._value(field, nested, env, result)
        with write.block("except ExpressionError as error:"):
            write.line(f"{result} = failed(run, {rule}, focus, error)")
        if field.absent or field.each or field.required is not None or field.given is not None:
            end = write.constant(ending(field, self._concepts), "end")
            with write.block(f"if len(found) > {before} or {result} is None or {result} == []:"):
                write.line(f"{result} = {end}(run, {env}, focus, {before}, {result})")
        else:
            with write.block(f"if len(found) > {before}:"):
                write.line(f"run.put_at(focus, {rule}, {before})")

    # -- its value --------------------------------------------------------------------------------------

    def _value(self, field: Field, nested: str, env: str, result: str) -> None:
        """Source, then map or nested fields, then concept, then converters."""
        write = self.writer
        if field.constant is not None:
            item = write.fresh()
            write.line(f"{item} = {write.constant(field.constant)}")
        elif field.coding is not None:
            item = write.fresh()
            write.line(f"{item} = run.terms.coding({', '.join(map(repr, field.coding))})")
        elif field.identifier:
            item = self._identifier(field, env)
        elif field.sources:
            item = self._alternatives(field, env)
        else:
            self._one(field, nested, env, "focus", result, own=True)
            return
        if field.each:
            self._items(field, nested, env, item, result)
        elif item == "focus" or self._steps(field, nested):
            with write.block(f"if {item} is not None:"):
                self._one(field, nested, env, item, result)
            with write.block("else:"):
                write.line(f"{result} = None")
        else:
            self._one(field, nested, env, item, result)

    def _alternatives(self, field: Field, env: str) -> str:
        """The first source that is not empty: all its items for ``each``, else the first of them."""
        write, result = self.writer, ""
        for source in field.sources:
            written = Inliner(write, source, env)
            form = written.value if field.each else written.first
            if not result:
                result = form("focus")
                if len(field.sources) == 1:
                    return result
                result = write.copy(result)
                continue
            empty = f"{result} is None" + (f" or {result} == []" if field.each else "")
            with write.block(f"if {empty}:"):
                write.line(f"{result} = {form('focus')}")
        return result

    def _identifier(self, field: Field, env: str) -> str:
        write, result, kind = self.writer, self.writer.fresh(), repr(field.identifier)
        if not field.sources:
            found = f"run.identifier({kind}, focus.get('identifier'))"
            write.line(f"{result} = {found} if focus.__class__ is dict else None")
            return result
        write.line(f"{result} = identifier_in(run, {kind}, {Inliner(write, field.sources[0], env).value('focus')})")
        for source in field.sources[1:]:
            with write.block(f"if {result} is None:"):
                write.line(f"{result} = identifier_in(run, {kind}, {Inliner(write, source, env).value('focus')})")
        return result

    def _items(self, field: Field, nested: str, env: str, found: str, result: str) -> None:
        write, item, value = self.writer, self.writer.fresh("item"), self.writer.fresh()
        write.line(f"{result} = []")
        with write.block(f"for {item} in {each_of(found)}:"):
            if self._traced:
                write.line(f'run.path.append(f"[{{len({result})}}]")')
            self._one(field, nested, env, item, value)
            if self._traced:
                write.line("run.path.pop()")
            with write.block(f"if {value} is not None:"):
                write.line(f"{result}.append({value})")

    @staticmethod
    def _steps(field: Field, nested: str) -> list[str | Conversion]:
        return [step for step in (field.use, nested, field.concept) if step] + [*field.converters]

    def _one(self, field: Field, nested: str, env: str, item: str, result: str, *, own: bool = False) -> None:
        """What is done with one value. ``own``: it is the focus of the function, so ``env`` is about it already."""
        write = self.writer
        steps = self._steps(field, nested)
        if not steps:
            rule = write.constant(field, "rule")
            write.line(f"{result} = clean(run, {rule}, {item}, {item}) if {item}.__class__ is str else {item}")
        for number, step in enumerate(steps):
            if not number:
                self._step(field, step, nested, env, item, result, own)
                continue
            with write.block(f"if {result} is not None and {result}.__class__ is not Null:"):
                self._step(field, step, nested, env, result, result, own)

    def _step(
        self, field: Field, step: str | Conversion, nested: str, env: str, item: str, result: str, own: bool
    ) -> None:
        write = self.writer
        if isinstance(step, Conversion):
            function = write.constant(conversion(field, CONVERTERS[step.name], step.arguments), _word(step.name))
            write.line(f"{result} = {function}(run, {item})")
        elif step is field.use:
            write.line(f"{result} = {write.constant(self._use(step), _word(step))}(run, {env}, {item})")
        elif step is nested:
            inner = env if own else f"about({env}, {item})"
            if field.identifier and "implied" in read_by(field.fields.values(), self._maps):
                inner = f"implied(run, {inner}, {item})"
            write.line(f"{result} = {nested}(run, {inner}, {item})")
        else:
            function = write.constant(translation(field, self._concepts[step]), _word(step))
            write.line(f"{result} = {function}(run, {item})")

    def _use(self, name: str) -> Closure:
        if name not in self._used:
            self._used[name] = self._generator.used(name)
        return self._used[name]


def _word(rule: str) -> str:
    """A rule's id as a part of a name of Python."""
    return "_" + re.sub(r"\W", "_", rule, flags=re.ASCII)
