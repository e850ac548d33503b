"""An extension of griffe, for mkdocstrings: examples in docstrings become fenced Python blocks.

Markdown would read `>>>` as a quotation in a quotation. Sections called "Examples:" need no help.
"""

from typing import Any

import griffe


def fenced(text: str) -> str:
    """The docstring with each run of lines from `>>>` to the next blank line in a fence."""
    out: list[str] = []
    inside = False
    for line in text.splitlines():
        starts = line.startswith(">>> ")  # an indented one belongs to a section "Examples:"
        if starts and not inside:
            out += ["", "```pycon"]
            inside = True
        elif inside and not line.strip():
            out.append("```")
            inside = False
        out.append(line)
    return "\n".join([*out, "```"] if inside else out)


class DoctestFences(griffe.Extension):
    """Rewrites the docstring of every object that has an example."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None and ">>> " in obj.docstring.value:
            obj.docstring.value = fenced(obj.docstring.value)
