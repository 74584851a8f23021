"""The templates of HTML pages and mails, compiled once for each process."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recon.report import foreign_text


def _shown(value: object) -> object:
    # Existing markup was made from texts that passed through this function.
    return foreign_text.shown(value) if type(value) is str else value


@cache
def template(name: str) -> Template:
    """Return a template of `templates/`; compiling one takes longer than rendering it.

    Values are escaped, and an undefined name is an error. The filter `number` writes a number with
    thousands separators.
    """
    environment = Environment(
        loader=PackageLoader("recon.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        optimized=False,  # a page is rendered once: to compute its constants before takes longer
    )
    environment.filters["number"] = "{:,}".format
    return environment.get_template(name)
