"""What axe says of a page."""
import pathlib

import axe_playwright_python

AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page):
    """What is serious or critical."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [f"{one['id']} ({one['impact']}): {[node['html'][:160] for node in one['nodes']][:4]}" for one in found
            if one["impact"] in ("serious", "critical")]
