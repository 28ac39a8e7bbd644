"""A real browser, and what it complains about."""

import os
import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Set where the tests may not be left out: see .ci/run.
REQUIRED = "GRADHEALTH_BROWSER_REQUIRED"
# A product that has something to look at before torch would be imported.
QUICK = {
    "GRADHEALTH_ANALYSIS_MODULE": "tests.support.watched_analysis",
    "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
}
SIZES = {"wide": (1280, 900), "narrow": (400, 800)}


def find_browser():
    """Where the system's Chromium is; tests are left out where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        message = "no Chromium here: apt-get install chromium"
        (pytest.fail if REQUIRED in os.environ else pytest.skip)(message)
    return path


@contextmanager
def open_browser(path):
    """A browser, in whose thread no event loop can run until it is closed."""
    with sync_playwright() as playwright:
        # Containers run tests as root, where the browser's sandbox does not work.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page of a browser that listens to what goes wrong in it.

    Attributes:
        complaints: Errors and warnings of its console, violations of its policy,
            errors of its scripts, and requests to anybody else than `site`.
    """

    def __init__(self, page, site):
        self.page, self.site, self.complaints = page, site, []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._see)

    def __getattr__(self, name):
        return getattr(self.page, name)

    def go(self, path):
        return self.page.goto(self.site + path)

    def unfold(self, which):
        """Opens the `details` that a selector chooses."""
        self.page.evaluate(
            "which => document.querySelectorAll(which).forEach(d => d.open = true)",
            which,
        )

    def violations(self, *, but_in=()):
        """What axe-core finds, as short texts; not within what selectors choose."""
        known = [each for each in but_in if self.page.locator(each).count()]
        context = {"exclude": known} if known else None
        found = Axe().run(self.page, context).response["violations"]
        return [f"{v['id']}: {n['html'][:160]}" for v in found for n in v["nodes"]]

    @property
    def overflow(self):
        """Pixels that must be scrolled sideways."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - window.innerWidth"
        )

    def _hear(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _see(self, request):
        address = urlsplit(request.url)
        own = (urlsplit(self.site).scheme, urlsplit(self.site).netloc)
        if address.scheme != "data" and (address.scheme, address.netloc) != own:
            self.complaints.append(f"asked {request.url}")


@contextmanager
def visit(browser, site, *, size="wide", scheme="light", **options):
    """A fresh page; fails at its end where something went wrong in it."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, **options
    )
    context.set_default_timeout(10_000)
    seen = Visit(context.new_page(), site)
    try:
        yield seen
        assert seen.complaints == []
    finally:
        context.close()
