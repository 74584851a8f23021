"""The templates of HTML pages and mails."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recon.report import foreign_text
from recon.report.compiled_templates import CompiledTemplates


def _shown(value: object) -> object:
    # Existing markup was made from texts that passed through this function.
    return foreign_text.shown(value) if type(value) is str else value


def template(name: str) -> Template:
    """Return a template of `templates/`.

    Values are escaped, and an undefined name is an error. The filter `number` writes a number with
    thousands separators.
    """
    return _environment().get_template(name)


def compile_all() -> None:
    """Compile all templates and keep them, for an installation whose users may not write there."""
    environment = make_environment()
    for name in environment.list_templates(extensions=("html", "css", "js")):
        environment.get_template(name)


@cache
def _environment() -> Environment:
    return make_environment()


def make_environment() -> Environment:
    """Return the environment of all templates, without any that was loaded before."""
    environment = Environment(
        loader=PackageLoader("recon.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        optimized=False,  # a page is rendered once: to compute its constants before takes longer
        bytecode_cache=CompiledTemplates(),
    )
    environment.filters["number"] = "{:,}".format
    return environment
