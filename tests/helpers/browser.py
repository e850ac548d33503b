"""A real browser for tests of the page: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


def launch() -> Iterator[Any]:
    """Start Chromium, yield it, stop it. Skips where it or playwright is not installed."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="the extra `dev` is not installed")
    # The sandbox of Chromium refuses to run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=arguments)
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, with what it complained of and what it asked for beside itself."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """The text of the first element that matches."""
        return str(self.page.text_content(selector))


def visit(browser: Any, path: Path, width: int = 1400, scheme: str = "light") -> Visit:
    """Open a page from the disk and wait until it has drawn its charts."""
    seen = Visit(browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme))
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(path.as_uri())
    seen.page.wait_for_selector("html[data-ready]", timeout=10_000)
    seen.requests.remove(path.as_uri())
    return seen
