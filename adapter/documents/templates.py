"""Jinja as our templates need it: the same results as the stock classes, with less done for each value and macro."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from types import CodeType
from typing import Any

from jinja2 import Environment, Template
from jinja2.runtime import Context, Macro
from jinja2.utils import internalcode
from markupsafe import Markup, escape


def escaped_once(value: object) -> Markup:
    """``escape`` for what is often markup already, since filters and macros have made it."""
    return value if value.__class__ is Markup else escape(value)


class QuickContext(Context):
    """Calls macros without looking what else they may want: they want the evaluation context and nothing else."""

    @internalcode
    def call(self, called: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        if called.__class__ is not Macro:
            return super().call(called, *args, **named)
        # For functions that take a context; a macro takes none.
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(self.eval_ctx, *args, **named)


class QuickTemplate(Template):
    """A template whose code escapes by :func:`escaped_once`."""

    @classmethod
    def from_code(
        cls,
        environment: Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],  # noqa: A002 # the name that Jinja gives it
        uptodate: Callable[[], bool] | None = None,
    ) -> Template:
        template = super().from_code(environment, code, globals, uptodate)
        # The module of the template: its blocks and macros look the name up there.
        template.root_render_func.__globals__["escape"] = escaped_once
        return template


def quicken(environment: Environment) -> None:
    """Have an environment make its templates and contexts of these classes."""
    environment.template_class = QuickTemplate
    environment.context_class = QuickContext
