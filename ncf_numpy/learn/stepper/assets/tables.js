// An array as a table of numbers that the pointer and the arrow keys can reach.

import { largest, sizes, unravel } from "./arrays.js";
import { shade } from "./colours.js";
import { escapeHtml, pretty, show } from "./numbers.js";

const DENSITIES = ["roomy", "dense", "densest"];
const LEAST_ROWS = 6; // seen of a long table, however low the window

export class Figure {
  // role: "result" or "operand"; letter: of the first axis; right: the array without the bug
  constructor(view, words, { role, title, packed, letter, record, hole, palette, right = packed }) {
    Object.assign(this, { view, words, role, title, packed, record, hole, name: hole?.name ?? record.name });
    this.rows = view.rowsOf(letter, record, hole);
    this.element = document.createElement("figure");
    this.element.className = role === "result" ? "result" : `op${hole.tint}`;
    const shape = packed.s.length ? `(${packed.s.join(", ")}${packed.s.length === 1 ? "," : ""})` : "";
    this.element.innerHTML = `<figcaption>${pretty(title)} <small>${shape}</small></figcaption><div class="grid"></div>`;
    this.caption = this.element.querySelector("figcaption");
    this.grid = this.element.querySelector(".grid");
    this.table = document.createElement("table");
    this.table.tabIndex = 0;
    this.table.setAttribute("aria-label", words.say("table", { name: title }));
    this.fill(letter, palette, right);
    this.grid.append(this.table);
  }

  fill(letter, palette, right) {
    const { packed, table } = this;
    const [rows, columns] = sizes(packed);
    const most = largest(packed);
    const texts = packed.v.map(show);
    table.style.setProperty("--chars", Math.max(...texts.map((text) => text.length)));
    if (columns > 1) {
      const heads = [...Array(columns).keys()].map((c) => `<th scope="col">${c}</th>`);
      table.createTHead().innerHTML = `<tr><td class="corner"></td>${heads.join("")}</tr>`;
    }
    const cells = (r) => texts.slice(r * columns, (r + 1) * columns).map((text, c) => {
      const k = r * columns + c;
      const off = packed.v[k] !== right.v[k];
      const about = off ? ` class="off" title="${escapeHtml(this.words.say("without-bug", { value: show(right.v[k]) }))}"` : "";
      const ground = off ? "" : ` style="background:${shade(palette, packed.v[k], most)}"`;
      return `<td${ground}${about}>${text}</td>`;
    });
    table.createTBody().innerHTML = [...Array(rows).keys()]
      .map((r) => `<tr><th scope="row">${this.rowHead(letter, r)}</th>${cells(r).join("")}</tr>`).join("");
  }

  // Who or what a row is: a user or an item with the row of the table, a pair of the batch, a number
  rowHead(letter, r) {
    const { index, name, pair } = this.view.rowName(letter, this.record, this.hole, r);
    if (pair) return `<span title="${escapeHtml(pair)}">${escapeHtml(this.words.say("pair", { n: r }))}</span>${name ? ` ${escapeHtml(name)}` : ""}`;
    return name ? `${escapeHtml(name)} <small>[${index}]</small>` : String(index);
  }

  cell(entry) {
    const [r, c] = this.packed.s.length === 2 ? entry : [entry[0] ?? 0, 0];
    return this.table.tBodies[0].rows[r].cells[c + 1];
  }

  entryOf(cell) {
    if (cell.tagName !== "TD" || cell.className === "corner") return null;
    const [, columns] = sizes(this.packed);
    return unravel(cell.parentNode.sectionRowIndex * columns + cell.cellIndex - 1, this.packed.s);
  }

  // The entry that an arrow key leads to, if it is one
  moved(entry, key) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
    return step && this.packed.s.map((n, axis) => Math.max(0, Math.min(n - 1, entry[axis] + step[axis])));
  }

  // As many whole rows and columns as there is room for; a number cut in half is none
  trim(room) {
    const { grid, table } = this;
    grid.style.width = grid.style.maxHeight = "";
    const head = table.tBodies[0].rows[0].cells[0].offsetWidth;
    const top = table.tHead?.offsetHeight ?? 0;
    const cell = table.tBodies[0].rows[0].cells[1].getBoundingClientRect();
    grid.style.scrollPadding = `${top}px 0 0 ${head}px`;
    if (table.offsetWidth > room) {
      const columns = Math.max(1, Math.floor((room - head - 2) / cell.width));
      grid.style.width = `${head + columns * cell.width + 2}px`;
    }
    const rows = Math.max(LEAST_ROWS, Math.floor((0.6 * innerHeight - top) / cell.height));
    if (table.tBodies[0].rows.length > rows) grid.style.maxHeight = `${top + rows * cell.height + 2}px`;
  }

  // Scroll the table, not the page, so that an entry is seen
  reveal(entry) {
    const cell = this.cell(entry);
    const { grid } = this;
    const head = cell.parentNode.cells[0].offsetWidth;
    const top = this.table.tHead?.offsetHeight ?? 0;
    const { offsetLeft: left, offsetTop: above, offsetWidth: width, offsetHeight: height } = cell;
    if (left - head < grid.scrollLeft) grid.scrollLeft = left - head;
    else if (left + width > grid.scrollLeft + grid.clientWidth + 1) {
      const columns = Math.round((grid.clientWidth - head) / width);
      grid.scrollLeft = left - head - (columns - 1) * width;
    }
    if (above - top < grid.scrollTop) grid.scrollTop = above - top;
    else if (above + height > grid.scrollTop + grid.clientHeight + 1) {
      grid.scrollTop = above + height - grid.clientHeight;
    }
  }
}

// Choose the largest digits with which the figures stand side by side; else let them wrap
export function arrange(element, figures, between) {
  const gap = 20;
  const room = element.clientWidth - 8;
  const width = () => figures.reduce((sum, f) => sum + Math.max(f.table.offsetWidth + 2, f.caption.scrollWidth) + gap, between);
  figures.forEach((figure) => { figure.grid.style.width = ""; });
  const fits = DENSITIES.some((density) => {
    element.dataset.density = density;
    return width() <= room;
  });
  if (!fits) element.dataset.density = "dense";
  figures.forEach((figure) => figure.trim(room));
  return fits;
}
