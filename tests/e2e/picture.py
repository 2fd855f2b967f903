"""Pictures of a running console, in light and dark, for the README.

python -m tests.e2e.picture "$(tidewright open --print)" docs/assets
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.e2e import webdriver


def main() -> None:
    link, folder = sys.argv[1], Path(sys.argv[2])
    with webdriver.Browser() as browser:
        browser.open(link)
        browser.until("document.getElementById('link').className === 'dot live'")
        time.sleep(5)
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.picture(folder / f"console-{scheme}.png", 1240)


if __name__ == "__main__":
    main()
