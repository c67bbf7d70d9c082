// The computation graph: a box for each layer and section, with its arrays as maps of colour.
//
// Where the drawing does not fit, the boxes are buttons in rows, without maps.

import { sizes } from "./arrays.js";
import { drawMap, palettes } from "./colours.js";
import { escapeHtml, pretty } from "./numbers.js";

const ZOOMS = [1, 0.9, 0.8, 0.7, 0.6, 0.5]; // of the cells, until the graph fits
const LEAST_HEIGHT = 36; // of the window, in em, for the drawing
const MOST_OF_HEIGHT = 0.33; // of the window, for the drawing

export class Graph {
  constructor(element, stepper) {
    this.element = element;
    this.stepper = stepper;
    this.plane = element.querySelector(".plane");
    this.edges = element.querySelector(".edges");
    element.addEventListener("keydown", (event) => this.key(event));
  }

  build(view) {
    this.view = view;
    this.boxes = {};
    this.stop = 0;
    this.plane.replaceChildren(this.edges);
    for (const data of view.data.boxes) {
      const element = document.createElement("button");
      element.type = "button";
      element.className = "box";
      element.innerHTML = `<span class="name">${escapeHtml(data.name)}</span><span class="maps" aria-hidden="true"></span>`;
      element.title = data.kind;
      element.addEventListener("click", () => {
        this.stepper.go(view.stopOfBox(data.name, view.stops[this.stop].phase));
      });
      const box = { ...data, element, maps: element.querySelector(".maps"), canvases: [] };
      this.boxes[data.name] = box;
      this.fill(box);
      this.plane.append(element);
    }
  }

  fill(box) {
    for (const table of box.tables) {
      const cell = cellSize(this.view.array(table.before), table.names);
      if (table.names && cell[1] >= 9) box.maps.append(rowNames(table.names, cell[1]));
      this.addMap(box, cell, () => this.tableNow(table));
    }
    for (const number of box.values) {
      this.addMap(box, cellSize(this.view.array(this.view.base(number).v)), () => this.valueNow(box, number));
    }
  }

  addMap(box, cell, now) {
    const part = document.createElement("span");
    const canvas = document.createElement("canvas");
    const caption = document.createElement("span");
    caption.className = "cap";
    part.append(canvas, caption);
    box.maps.append(part);
    box.canvases.push({ canvas, caption, cell, now });
  }

  // [label, array, palette] of a weight at this stop: before, its gradient, after
  tableNow(table) {
    const { name } = table;
    if (table.updated !== null && this.stop >= table.updated) return [name, table.after, "value"];
    if (table.checked !== null && this.stop >= table.checked) return [`d${name}`, table.gradient, "gradient"];
    return [name, table.before, "value"];
  }

  valueNow(box, number) {
    const [stop, array, name] = box.gradients[number] ?? [Infinity];
    if (this.stop >= stop) return [name, array, "gradient"];
    const record = this.view.base(number);
    return [record.name, record.v, "value"];
  }

  // The array a variant has in the place of this one
  shown(number) {
    for (const [record, change] of Object.entries(this.view.changes)) {
      const base = this.view.base(record);
      if (base.v === number && change.v !== undefined) return change.v;
      for (const [code, hole] of Object.entries(change.holes ?? {})) {
        if (base.holes[code].a === number) return hole.a;
      }
    }
    return number;
  }

  layout() {
    const em = parseFloat(getComputedStyle(this.element).fontSize);
    this.element.classList.remove("names");
    const fits = innerHeight >= LEAST_HEIGHT * em && ZOOMS.some((zoom) => {
      this.zoom = zoom;
      this.drawMaps();
      const width = this.columns().reduce((sum, column) => sum + column.width + 18, 14);
      return width <= this.element.clientWidth && this.height() <= MOST_OF_HEIGHT * innerHeight;
    });
    this.element.classList.toggle("names", !fits);
    this.plane.style.width = this.plane.style.height = "";
    if (fits) this.place();
  }

  columns() {
    const columns = [];
    for (const box of Object.values(this.boxes)) (columns[box.column] ??= []).push(box);
    return columns.map((boxes) => ({ boxes, width: Math.max(...boxes.map((box) => box.element.offsetWidth)) }));
  }

  get laneHeight() {
    return Math.max(...Object.values(this.boxes).map((box) => box.element.offsetHeight)) + 10;
  }

  height() {
    return (1 + Math.max(...Object.values(this.boxes).map((box) => box.lane))) * this.laneHeight + 8;
  }

  place() {
    const columns = this.columns();
    const { laneHeight } = this;
    const room = this.element.clientWidth - 32 - columns.reduce((sum, { width }) => sum + width, 0);
    const gap = Math.max(18, Math.min(56, room / Math.max(1, columns.length - 1)));
    let x = 16;
    for (const { boxes: column, width } of columns) {
      for (const box of column) {
        box.x = x + (width - box.element.offsetWidth) / 2;
        box.y = 4 + box.lane * laneHeight + (laneHeight - box.element.offsetHeight) / 2;
        box.element.style.left = `${box.x}px`;
        box.element.style.top = `${box.y}px`;
      }
      x += width + gap;
    }
    this.plane.style.width = `${x - gap + 16}px`;
    this.plane.style.height = `${this.height()}px`;
    this.drawEdges();
  }

  drawEdges() {
    this.edges.replaceChildren();
    for (const box of Object.values(this.boxes)) {
      for (const name of box.from) {
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.setAttribute("d", curve(this.boxes[name], box));
        Object.assign(path.dataset, { from: name, to: box.name });
        this.edges.append(path);
      }
    }
  }

  drawMaps() {
    const colours = palettes(this.element);
    this.plane.classList.toggle("small", this.zoom < 1); // too low for the names of rows
    for (const box of Object.values(this.boxes)) {
      for (const { canvas, caption, cell, now } of box.canvases) {
        const [label, number, kind] = now();
        drawMap(canvas, this.view.array(this.shown(number)), colours[kind], [cell[0] * this.zoom, cell[1] * this.zoom]);
        caption.innerHTML = pretty(label);
      }
    }
  }

  render(stop) {
    this.stop = stop;
    this.drawMaps();
    const { phase, node } = this.view.stops[stop];
    const focused = this.plane.contains(document.activeElement);
    for (const box of Object.values(this.boxes)) {
      const active = box.name === node;
      const back = box.backward !== null && stop >= box.backward;
      const { element } = box;
      element.className = "box";
      element.classList.toggle("active", active);
      element.classList.toggle("ahead", stop < box.forward);
      element.classList.toggle("back", back);
      element.classList.toggle("wrong", this.view.isWrong(box.name, stop));
      if (active) element.setAttribute("aria-current", "step");
      else element.removeAttribute("aria-current");
      element.tabIndex = active ? 0 : -1;
    }
    for (const path of this.edges.children) {
      const into = path.dataset.to === node && phase !== "backward";
      const out = path.dataset.from === node && phase === "backward";
      path.classList.toggle("on", (into || out) && phase !== "update");
      path.classList.toggle("reverse", out);
    }
    if (focused) this.boxes[node].element.focus();
  }

  // Up and down move the focus among the boxes: the graph is one stop of the tab key
  key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const elements = Object.values(this.boxes).map((box) => box.element);
    const next = elements[elements.indexOf(document.activeElement) + step];
    if (!step) return;
    event.preventDefault();
    next?.focus();
  }
}

// Of a table whose rows have names, rows are as high as a line of them
function cellSize(packed, names) {
  const [rows, columns] = sizes(packed);
  const line = names ? 0.64 * parseFloat(getComputedStyle(document.documentElement).fontSize) : 10;
  return [Math.max(1.5, Math.min(10, 84 / columns)), Math.max(1.4, Math.min(line, (9.6 * line) / rows))];
}

function rowNames(names, height) {
  const rows = document.createElement("span");
  rows.className = "rows";
  for (const name of names) {
    const row = document.createElement("span");
    row.textContent = name;
    row.style.height = row.style.lineHeight = `${height}px`;
    rows.append(row);
  }
  return rows;
}

function curve(source, box) {
  const [x0, y0] = [source.x + source.element.offsetWidth, source.y + source.element.offsetHeight / 2];
  const [x1, y1] = [box.x, box.y + box.element.offsetHeight / 2];
  const bend = Math.max(14, (x1 - x0) / 2);
  const far = x1 - x0 > 160 && y0 !== y1 ? x1 - 60 : x0 + bend;
  return far > x0 + bend
    ? `M${x0},${y0} H${far - 20} C${far + 20},${y0} ${x1 - 40},${y1} ${x1},${y1}`
    : `M${x0},${y0} C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1},${y1}`;
}
