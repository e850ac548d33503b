"""The project's pages, and what tests look for in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.paths import ROOT

PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        ROOT / "data" / "README.md",
        ROOT / "tsconv" / "nn" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page of Markdown: its prose without fenced blocks, the blocks, and the inline code."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    def blocks(self, language: str | None = None) -> list[str]:
        """Fenced blocks of a language, or of any."""
        found = _FENCE.findall(self.text)
        return [block for kind, block in found if language is None or kind == language]

    def inline(self) -> list[str]:
        """Inline code of the prose."""
        return [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", self.prose)]

    def anchors(self) -> set[str]:
        """The fragments that links to this page may name: its headings, as mkdocs spells them."""
        heads = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        plain = [re.sub(r"[^\w\s-]", "", head).strip().lower() for head in heads]
        return {re.sub(r"[-\s]+", "-", head) for head in plain}

    def links(self) -> list[str]:
        """Targets of links and images, those to the web left out."""
        found = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        return [link for link in found if not link.startswith(("http://", "https://"))]

    def commands(self) -> list[list[str]]:
        """Every command line of the program: words from `tsconv` on, `...` left out."""
        lines = [line for block in self.blocks() for line in _joined(block)]
        lines += [span for span in self.inline() if span.startswith("tsconv ")]
        words = [shlex.split(line, comments=True) for line in lines if line.startswith("tsconv ")]
        return [[word for word in line if word not in ("...", "…")] for line in words]


def _joined(block: str) -> list[str]:
    """The lines of a shell block, continuation lines joined."""
    return block.replace("\\\n", " ").splitlines()


def page(path: Path) -> Page:
    """Read a page."""
    return Page(path, path.read_text(encoding="utf-8"))
