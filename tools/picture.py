"""The moving picture of the stepper: python tools/picture.py docs/images/stepper.gif

Opens the page of `python -m ncf_numpy step` in a headless Chromium, takes a picture at some of its
stops, and joins them. Needs the extra "browser": selenium with chromium and its chromedriver, and
pillow. A name that ends in .png gives one picture, of the stop where rows add up.
"""

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from ncf_numpy.__main__ import main as ncf_numpy

WINDOW = (1440, 880)
SECONDS = 2.2  # a picture
COLOURS = 192
STEPPER = "const stepper = document.querySelector('main').stepper; const { view } = stepper;"
STOP = "stepper.go(view.stops.findIndex((s) => s.phase === '{phase}' && s.box === '{box}'));"
SCATTER = STOP.format(phase="backward", box="item_embedding")
SCRIPTS = [  # what is done before each picture
    STOP.format(phase="forward", box="user_embedding"),
    STOP.format(phase="forward", box="GMF branch, eq. 8"),
    STOP.format(phase="forward", box="dense1"),
    STOP.format(phase="forward", box="output"),
    STOP.format(phase="backward", box="loss"),
    STOP.format(phase="backward", box="output"),
    STOP.format(phase="backward", box="relu1"),
    STOP.format(phase="backward", box="dense1"),
    STOP.format(phase="backward", box="GMF branch, eq. 8"),
    SCATTER,
    "stepper.choose('dropped-repeats');",
    "stepper.choose('');" + STOP.format(phase="update", box="user_embedding.W"),
    "stepper.look('training'); stepper.training.go(0);",
    "stepper.training.go(8);",
    "stepper.training.go(view.data.training.taken.length - 1);",
]


def open_page(folder):
    """A browser with the page of the default model and 50 steps of training."""
    from selenium import webdriver

    page = Path(folder) / "page.html"
    ncf_numpy(["step", "--html", str(page), "--steps", "50"])
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--lang=en"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    size = {"width": WINDOW[0], "height": WINDOW[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = [{"name": "prefers-color-scheme", "value": "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.get(page.as_uri())
    return browser


def pictures(scripts):
    """The page after each of these scripts, as an RGB image each."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        browser = open_page(folder)
        try:
            for script in scripts:
                browser.execute_script(STEPPER + script)
                yield Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
        finally:
            browser.quit()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path, help="a .gif or a .png")
    path = parser.parse_args(argv).path
    from PIL import Image

    if path.suffix == ".png":
        (picture,) = pictures([SCATTER])
        picture.save(path, optimize=True)
    else:
        first, *others = (
            picture.quantize(COLOURS, dither=Image.Dither.NONE) for picture in pictures(SCRIPTS)
        )
        duration = int(1000 * SECONDS)
        first.save(
            path, save_all=True, append_images=others, duration=duration, loop=0, optimize=True
        )
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
