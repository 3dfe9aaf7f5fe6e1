"""Python that is made of maps: its lines, the names in it, and the functions it becomes."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from adapter.errors import InternalError
from adapter.mapping.bytecode import compiled

_INDENT: Final = "    "
#: What a name in the code may stand for as it is written; everything else is bound to a name of the module.
_WRITTEN: Final = (str, int, bool, type(None))


class Writer:
    """Lines of Python and the objects that they name.

    Args:
        names: what every module may name.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0
        self._names = dict(names)
        self._bound: dict[int, str] = {}

    @property
    def text(self) -> str:
        """The code so far."""
        return "\n".join(self._lines) + "\n"

    def line(self, text: str) -> None:
        """Add a line at the depth of the block it is in."""
        if text.splitlines() != [text]:
            # Names are of whoever wrote the map: one that breaks a line would be code of theirs.
            raise InternalError("a line of generated code has another one in it")
        self._lines.append(_INDENT * self._depth + text)

    def remark(self, text: str) -> None:
        """Add a comment, whatever stands in its text."""
        self.line("# " + "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text))

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside stands under ``head``; ``pass`` where nothing is."""
        self.line(head)
        self._depth += 1
        before = len(self._lines)
        yield
        if len(self._lines) == before:
            self.line("pass")
        self._depth -= 1

    def fresh(self, stem: str = "v") -> str:
        """A name that nothing in the code has yet."""
        self._count += 1
        return f"{stem}{self._count}"

    def copy(self, name: str) -> str:
        """A new name for what ``name`` holds; the name itself where that was made in the line before."""
        if self._lines[-1].lstrip().startswith(f"{name} = "):
            return name
        copied = self.fresh()
        self.line(f"{copied} = {name}")
        return copied

    def constant(self, value: Any, stem: str = "c") -> str:
        """How the code names an object: as it is written in Python, or by a name of the module."""
        if type(value) in _WRITTEN:
            return repr(value)
        name = self._bound.get(id(value))
        if name is None:
            name = self.fresh(f"{stem}_")
            self._bound[id(value)] = name
            # Kept by the module, so nothing else gets its identity.
            self._names[name] = value
        return name

    def functions(self, file: str, cache: Path | None = None) -> dict[str, Any]:
        """The functions of the code, made now.

        Args:
            file: what tracebacks call it; they show its lines.
            cache: folder for compiled code.
        """
        names, text = self._names, self.text
        exec(compiled(text, file, cache), names)  # noqa: S102 # our own text: values of maps are bound or quoted
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        return names
