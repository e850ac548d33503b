"""Note: one thing that happened to the data on the way, for people to read and programs to tell."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence about the data, with a kind by which programs tell notes apart.

    `str(note)` is the sentence. Two notes of one kind say the same thing of different columns or
    series, which `names` lists; compare kinds and names, never pieces of the text.

    >>> note = Note("constant covariate", "covariate `size` is constant in the training", ("size",))
    >>> str(note)
    'covariate `size` is constant in the training'
    """

    kind: str
    text: str
    names: tuple[str, ...] = ()  # columns, rows or series that the text names

    def __str__(self) -> str:
        return self.text
