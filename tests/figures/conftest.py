import pytest
from figure_samples import everything, page, textures

from featviz import figures


@pytest.fixture(scope="session")
def all_figures():
    return {figure.id: figure for figure in everything()}


@pytest.fixture(scope="session")
def address(all_figures, tmp_path_factory):
    file = tmp_path_factory.mktemp("a page") / "figures.html"
    strip = figures.picker("unit", textures(2), ["u:0", "u:1"], title="Follow:")
    whole = [strip, *all_figures.values()]
    file.write_text(page("".join(f._repr_html_() for f in whole)), "utf-8")
    return file.as_uri()


@pytest.fixture
def open_page(browser, address):
    """Open the page of all figures; a script error or a request beyond file: fails the test."""
    problems, contexts = [], []

    def go_to(state="", **options):
        # Elements start when they come near the view: a tall one starts them all.
        options = {"viewport": {"width": 1280, "height": 16000}} | options
        context = browser.new_context(offline=True, **options)
        context.set_default_timeout(20000)
        contexts.append(context)
        view = context.new_page()
        view.on("pageerror", lambda error: problems.append(str(error)))
        view.on("requestfailed", lambda request: problems.append(request.url))
        view.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else problems.append(r.url),
        )
        view.goto(address + state)
        if options["viewport"]["height"] > 5000 and options.get("java_script_enabled", True):
            view.wait_for_function("!document.querySelector('[data-fv=waiting]')")
        return view

    yield go_to
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def check_for_barriers():
    """Hold a page to axe's serious findings and to its width, in one of the theme's schemes."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")

    def check(view, scheme, width):
        view.evaluate(f"document.body.dataset.mdColorScheme = '{scheme}'")
        view.evaluate("document.body.style.background = 'var(--fv-surface)'")
        view.evaluate("document.body.style.color = 'var(--fv-ink)'")
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        violations = axe.Axe().run(view).response["violations"]
        assert [v["id"] for v in violations if v["impact"] in ("serious", "critical")] == []

    return check
