"""Formulas as pictures that grow with the text, seen without a script, a font or a network.

arithmatex marks them, ziamath draws them. A glyph is drawn once a page and then referred to.
"""

import html
import re
from functools import cache

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError
from ziamath import Latex

MARKED = re.compile(r'<(span|div) class="arithmatex">\s*\\[([](.*?)\\[)\]]\s*</\1>', re.DOTALL)
SYMBOL = re.compile(r"<symbol id=\"(.+?)\".*?</symbol>")
BOX = re.compile(r'width="(\S+)" height="(\S+)" viewBox="\S+ (\S+) \S+ \S+"')
EM = 18  # of the drawing; the page's own size scales it


def on_page_content(content, page, config, files):
    glyphs = {}

    def place(match):
        tag, tex = match[1], html.unescape(match[2]).strip()
        try:
            picture, used = draw(tex, tag == "span")
        except Exception as error:
            raise PluginError(f"{page.file.src_uri}: {tex}: {error!r}") from error
        glyphs.update(used)
        return (
            f'<{tag} class="formula" role="math" aria-label="{html.escape(tex)}">{picture}</{tag}>'
        )

    content = MARKED.sub(place, content)
    if glyphs:
        content += f'<svg class="glyphs" aria-hidden="true">{"".join(glyphs.values())}</svg>'
    return content


@cache
def draw(tex, inline):
    """-> an <svg> that stands on the line of the text, {name of a glyph: its <symbol>}."""
    unknown = re.search(r"\\\w+", convert(tex))
    if unknown:
        raise ValueError(f"{unknown[0]} is not known")
    svg = Latex(tex, size=EM, inline=inline, color="currentColor").svg()
    glyphs = {match[1]: match[0] for match in SYMBOL.finditer(svg)}
    width, height, top = map(float, BOX.search(svg).groups())
    style = f"width:{width / EM:.3f}em;height:{height / EM:.3f}em"
    style += f";vertical-align:{-(top + height) / EM:.3f}em"
    svg = SYMBOL.sub("", svg).replace("<svg ", f'<svg style="{style}" ', 1)
    return svg, glyphs
