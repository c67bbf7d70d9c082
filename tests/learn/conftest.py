"""A headless Chromium for the tests of pages: opened once, and its console must stay empty."""

import shutil

import pytest


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver_program = shutil.which("chromedriver")
    if not (program and driver_program):
        pytest.skip("no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --lang=en "
        "--disable-background-networking --disable-component-update --disable-sync "
        f"--window-size=1440,900 --user-data-dir={tmp_path_factory.mktemp('profile')}"
    )
    for flag in flags.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_program))
    driver.set_script_timeout(300)  # seconds; the machine may be busy
    yield driver
    driver.quit()


@pytest.fixture
def resize(browser):
    """resize(width, height, dark=False, zoom=1): the window, and the colours it asks for."""

    def set_size(width, height, dark=False, zoom=1):
        size = {"width": width // zoom, "height": height // zoom, "deviceScaleFactor": zoom}
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {**size, "mobile": width < 700}
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})

    return set_size


@pytest.fixture
def show(browser, resize, tmp_path):
    """show(page) opens it from disk; afterwards the console must be empty."""

    def open_page(page, width=1440, height=900, **options):
        resize(width, height, **options)
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        browser.get(path.as_uri())
        return browser

    yield open_page
    assert browser.get_log("browser") == []
