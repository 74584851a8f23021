"""The templates of HTML pages and mails, compiled once for each process."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recon.report import foreign_text


def _shown(value: object) -> object:
    # What is markup already was made of texts that came through here.
    return foreign_text.shown(value) if type(value) is str else value


@cache
def template(name: str) -> Template:
    """Return a template of `templates/`; to compile one takes longer than to render it.

    What is rendered is escaped, and a name that the template does not know is an error. The
    filter `number` writes a number with a comma before each three digits.
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
