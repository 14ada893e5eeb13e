"""Pages of one test, each in a context of its own, and what their policy for content forbade."""

WATCH = """addEventListener('securitypolicyviolation', (event) => {
  const {violatedDirective, blockedURI, sourceFile, lineNumber} = event;
  (window.violations ??= []).push(`${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
});"""


class Pages:
    def __init__(self, browser, console):
        self.browser, self.console = browser, console
        self.contexts = []

    def context(self, width, height, scheme, **options):
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                           reduced_motion="reduce", locale="en-GB", **options)
        self.contexts.append(context)
        context.add_init_script(WATCH)
        return context

    def page(self, context):
        page = context.new_page()
        self.console.listen(page)
        return page

    def close(self):
        """Closes all, and tells what was forbidden."""
        violations = []
        for context in self.contexts:
            for page in context.pages:
                violations += page.evaluate("window.violations ?? []")
            context.close()
        return violations


def log_in(context, url, token):
    """Whoever opens pages in a context has shown a token."""
    answer = context.request.post(f"{url}/login", data={"token": token})
    assert answer.ok, f"the login was refused: {answer.status}"
