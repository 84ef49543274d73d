"""Looks at one page of `ibov report` in Chrome, as people do, and prints what is there as JSON.

    look_at_page.py PAGE CHROME [SCREENSHOTS]

With a folder for screenshots it leaves pictures and the printed page there, for people to look at.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
sys.path.insert(0, str(ROOT / "infra" / "local"))

import reader_packages

reader_packages.make_importable("browser")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PHONE, DESK = 320, 1280
VIEWS = [(scheme, width) for scheme in ("light", "dark") for width in (PHONE, DESK)]
CODES = """
[...document.querySelectorAll('#portfolio tbody tr:not([hidden]) th')]
    .map(cell => cell.firstChild.textContent)
"""

UNFOLD = """
for (const kind of ['.lines', '.demand'])
    document.querySelector(kind + ' details')?.setAttribute('open', '')
"""


class Visit:
    """An open page, and what it says and asks for."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.page: Page = browser.new_page(**options)
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def elsewhere(self) -> list[str]:
        """Requests for anything but the page and what stands in it."""
        own = ("file:", "data:")
        return [url for url in self.requests if not url.startswith(own)]


def view(browser: Browser, url: str, scheme: str, width: int, pictures: Path | None) -> dict:
    size = {"width": width, "height": 800}
    visit = Visit(browser, url, color_scheme=scheme, viewport=size)
    page = visit.page
    if pictures:
        page.screenshot(path=pictures / f"{scheme}-{width}.png", full_page=True)
    # Of what is folded away, one of each kind is looked at too: all of it would take minutes.
    page.evaluate(UNFOLD)
    broken = Axe().run(page).response["violations"]
    facts = {
        "view": f"{scheme}, {width} pixels",
        "said": visit.said,
        "requests": visit.elsewhere(),
        "violations": [
            f"{rule['id']}: {node['html'][:200]}" for rule in broken for node in rule["nodes"]
        ],
        "too_wide": page.evaluate("document.documentElement.scrollWidth") - width,
    }
    page.close()
    return facts


def keyboard(browser: Browser, url: str) -> dict:
    """Sorts and filters the stocks without a mouse."""
    visit = Visit(browser, url, viewport={"width": DESK, "height": 800})
    page = visit.page
    focused = "document.activeElement.textContent"
    said = "document.getElementById('said').textContent"
    page.keyboard.press("Tab")
    facts: dict[str, Any] = {"first_stop": page.evaluate(focused)}
    page.keyboard.press("Enter")
    facts["skipped_to"] = page.evaluate("document.activeElement.id")
    facts["by_weight"] = page.evaluate(CODES)
    for _ in range(500):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "filter":
            break
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    facts["by_code"] = page.evaluate(CODES)
    facts["said_of_order"] = page.evaluate(said)
    facts["order"] = page.evaluate("document.activeElement.parentElement.ariaSort")
    page.keyboard.press("Space")
    facts["backwards"] = page.evaluate(CODES)
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("mineracao")
    facts["filtered"] = page.evaluate(CODES)
    facts["said_of_filter"] = page.evaluate(said)
    page.close()
    return facts


def without_script(browser: Browser, url: str) -> dict:
    visit = Visit(browser, url, java_script_enabled=False)
    page = visit.page
    facts = {
        "stocks": page.locator("#portfolio tbody tr").count(),
        "filter": page.locator("#filter").is_visible(),
        "buttons": page.locator("button").count(),
    }
    page.close()
    return facts


def main() -> None:
    url, chrome = Path(sys.argv[1]).absolute().as_uri(), sys.argv[2]
    pictures = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chrome)
        first = Visit(browser, url).page
        facts = {
            "title": first.title(),
            "text": first.inner_text("body"),
            "views": [view(browser, url, scheme, width, pictures) for scheme, width in VIEWS],
            "keyboard": keyboard(browser, url),
            "without_script": without_script(browser, url),
        }
        if pictures:
            first.emulate_media(color_scheme="dark")
            first.pdf(path=pictures / "print.pdf", format="A4", prefer_css_page_size=True)
        browser.close()
    json.dump(facts, sys.stdout, ensure_ascii=False)


main()
