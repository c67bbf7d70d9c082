"use strict";

// The page of one training step. All numbers come rounded from Python; nothing is computed here
// but which of them belong to a cell, so that what is shown is what NumPy has.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const state = { stop: 0, record: 0, entry: null, bug: "", timer: null };

const PHASES = { forward: "Forward", loss: "Loss", backward: "Backward", update: "Update" };

// ---- numbers and formulas

function show(number) {
  if (number === null) return "–";
  if (Number.isInteger(number) && Math.abs(number) < 1e4) return String(number).replace("-", "−");
  const size = Math.abs(number);
  const text = size >= 1e-3 && size < 1e4 ? number.toPrecision(4) : number.toExponential(3);
  return text.replace("e+", "e").replace(/-/g, "−");
}

function operandText(text) {
  return text.startsWith("−") || text.startsWith("-") ? `(${text})` : text;
}

function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
}

function pretty(text) {
  return escapeHtml(text)
    .replace(/sum over b of /g, "Σ<sub>b</sub> ")
    .replace(/sum of (\w+)_b over all b with ids_b = r/, "Σ $1<sub>b</sub> over all b with ids<sub>b</sub> = r")
    .replace(/alpha/g, "α").replace(/beta(\d)/g, "β<sub>$1</sub>")
    .replace(/phi/g, "φ")
    .replace(/\^(-\|\w\||-?\w)/g, "<sup>$1</sup>")
    .replace(/_(pos|neg|\w)/g, "<sub>$1</sub>")
    .replace(/sqrt/g, "√")
    .replace(/ \* /g, " · ")
    .replace(/ - /g, " − ").replace(/-(?=[\w|])/g, "−");
}

function prettyNumbers(text) {
  return text.replace(/ \* /g, " × ").replace(/sqrt/g, "√").replace(/ - /g, " − ");
}

function array(number) {
  return data.arrays[number];
}

function at(packed, index) {
  let flat = 0;
  index.forEach((k, axis) => { flat = flat * packed.s[axis] + k; });
  return packed.v[flat];
}

// The terms of one entry: [[template, {hole: index}], ...]
function termsOf(record, entry) {
  const letters = {};
  record.axes.forEach((letter, axis) => { letters[letter] = entry[axis]; });
  let template = record.term;
  let [letter, n] = record.sum;
  let values = [...Array(n).keys()];
  if (record.otherwise) {
    if (!record.choices[entry[entry.length - 1]]) template = record.otherwise;
  } else if (record.choices) {
    values = record.choices[entry[0]];
  }
  return values.map((value) => {
    if (letter) letters[letter] = value;
    return [template, indices(record, template, letters)];
  });
}

function indices(record, template, letters) {
  const found = {};
  for (const [, code] of template.matchAll(/\{([^{}]+)\}/g)) {
    const hole = record.holes[code];
    if (hole.index) {
      found[code] = hole.index.map(([letter, map]) => {
        if (!letter) return map[0];
        return map ? map[letters[letter]] : letters[letter];
      });
    }
  }
  return found;
}

function fill(record, template, index) {
  let html = prettyNumbers(escapeHtml(template));
  for (const code of Object.keys(record.holes)) {
    const hole = record.holes[code];
    const key = prettyNumbers(escapeHtml(`{${code}}`));
    if (!html.includes(key)) continue;
    const text = hole.index ? show(at(array(hole.a), index[code])) : hole.text;
    html = html.split(key).join(`<span class="op${hole.colour ?? 9}">${operandText(text)}</span>`);
  }
  return html;
}

function worked(record, entry) {
  let terms = termsOf(record, entry);
  if (record.whole === "SUM" && !record.sum[0] && /^\{[^{}]+\}$/.test(terms[0][0])) {
    return copiedFrom(record, terms[0][1]);
  }
  let more = terms.length > 4 ? terms.length - 3 : 0;
  if (more) {
    const zero = ([, index]) => Object.entries(index).some(([code, k]) => at(array(record.holes[code].a), k) === 0);
    terms = [...terms.filter((t) => !zero(t)), ...terms.filter(zero)].slice(0, 3);
  }
  const sum = (terms.map(([t, index]) => fill(record, t, index)).join(" + ") || "0")
    + (more ? ` + … ${more} more` : "");
  const letters = {};
  record.axes.forEach((letter, axis) => { letters[letter] = entry[axis]; });
  return fill(record, record.whole, indices(record, record.whole, letters)).replace("SUM", sum);
}

function copiedFrom(record, index) {
  const [[code, k]] = Object.entries(index);
  const { rows, colour } = record.holes[code];
  const place = rows ? [rows[k[0]], ...k.slice(1)] : k;
  return `<span class="op${colour ?? 9}">${escapeHtml(holeName(code))}[${place.join(", ")}]</span>`;
}

function entryName(record, entry) {
  if (!entry.length) return record.name;
  const names = record.rows ? [record.rows[entry[0]], ...entry.slice(1)] : entry;
  return `${record.name}[${names.join(", ")}]`;
}

// ---- colours of the maps

function colours() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => style.getPropertyValue(name).split(",").map(Number);
  return {
    value: [rgb("--minus"), rgb("--zero"), rgb("--plus")],
    gradient: [rgb("--gminus"), rgb("--zero"), rgb("--gplus")],
  };
}

function mix(palette, share) {
  const [minus, zero, plus] = palette;
  const end = share < 0 ? minus : plus;
  const part = Math.min(1, Math.abs(share)) ** 0.7;
  return zero.map((z, k) => Math.round(z + (end[k] - z) * part));
}

function largest(packed) {
  return packed.v.reduce((most, x) => Math.max(most, Math.abs(x ?? 0)), 0) || 1;
}

function sizes(packed) {
  return packed.s.length === 2 ? packed.s : packed.s.length === 1 ? [packed.s[0], 1] : [1, 1];
}

function drawMap(canvas, packed, palette, cell, most = largest(packed)) {
  const [rows, columns] = sizes(packed);
  canvas.width = columns; canvas.height = rows;
  canvas.style.width = `${Math.max(columns * cell[0], 6)}px`;
  canvas.style.height = `${rows * cell[1]}px`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  packed.v.forEach((x, k) => image.data.set([...mix(palette, (x ?? 0) / most), 255], 4 * k));
  context.putImageData(image, 0, 0);
  canvas.onmousemove = (event) => {
    const r = Math.min(rows - 1, Math.floor(event.offsetY / cell[1]));
    const c = Math.min(columns - 1, Math.floor(event.offsetX / cell[0]));
    canvas.title = `[${packed.s.length === 1 ? r : `${r}, ${c}`}]  ${show(packed.v[r * columns + c])}`;
  };
}

// ---- the graph

const boxes = {};
let zoom = 1; // of the width of the maps' cells: narrower where the graph would not fit

function cellSize(packed) {
  const [rows, columns] = sizes(packed);
  return [Math.max(1.5, Math.min(10, 84 / columns)), Math.max(1.4, Math.min(10, 96 / rows))];
}

function buildGraph() {
  for (const box of data.boxes) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "box";
    element.innerHTML = `<span class="name">${escapeHtml(box.name)}</span><span class="maps"></span>`;
    element.onclick = () => go(stopOfBox(box.name));
    boxes[box.name] = { ...box, element, maps: element.querySelector(".maps"), canvases: [] };
    fillBox(boxes[box.name]);
    $("canvas").append(element);
  }
  layout();
}

function fillBox(box) {
  for (const table of box.tables) {
    const part = document.createElement("span");
    const cell = cellSize(array(table.before));
    if (table.names) {
      const rows = document.createElement("span");
      rows.className = "rows";
      for (const name of table.names) {
        const row = document.createElement("span");
        row.textContent = name;
        row.style.height = row.style.lineHeight = `${cell[1]}px`;
        rows.append(row);
      }
      if (cell[1] >= 9) box.maps.append(rows);
    }
    addCanvas(box, part, cell, () => tableNow(table));
  }
  for (const value of box.values) {
    const cell = cellSize(array(data.records[value].v));
    addCanvas(box, document.createElement("span"), cell, () => valueNow(box, value));
  }
}

function addCanvas(box, part, cell, now) {
  const canvas = document.createElement("canvas");
  const caption = document.createElement("span");
  caption.className = "cap";
  part.append(canvas, caption);
  box.maps.append(part);
  box.canvases.push({ canvas, caption, cell, now });
}

// [label, array, palette] of a weight at this stop: before, its gradient, after
function tableNow(table) {
  if (table.updated !== null && state.stop >= table.updated) return [table.name, table.after, "value"];
  if (table.checked !== null && state.stop >= table.checked) return [`d${table.name}`, table.gradient, "gradient"];
  return [table.name, table.before, "value"];
}

function valueNow(box, value) {
  const record = data.records[value];
  const back = box.backward !== null && state.stop >= box.backward && box.gradient !== null;
  if (back && value === box.values[box.values.length - 1]) return [box.gradient_name, box.gradient, "gradient"];
  return [record.name, record.v, "value"];
}

function layout() {
  const columns = [];
  for (const box of Object.values(boxes)) (columns[box.column] ??= []).push(box);
  const width = () => columns.reduce((sum, column) => sum + Math.max(...column.map((box) => box.element.offsetWidth)), 0);
  for (zoom of [1, 0.9, 0.8, 0.7, 0.6]) {
    refreshMaps();
    if (width() + 18 * columns.length + 14 <= $("graph").clientWidth) break;
  }
  const lanes = 1 + Math.max(...Object.values(boxes).map((box) => box.lane));
  const tallest = Math.max(...Object.values(boxes).map((box) => box.element.offsetHeight));
  const laneHeight = tallest + 10;
  const widths = columns.map((column) => Math.max(...column.map((box) => box.element.offsetWidth)));
  const total = widths.reduce((a, b) => a + b, 0);
  const room = $("graph").clientWidth - 32 - total;
  const gap = Math.max(18, Math.min(56, room / Math.max(1, columns.length - 1)));
  const height = lanes * laneHeight + 8;
  let x = 16;
  columns.forEach((column, k) => {
    for (const box of column) {
      box.x = x + (widths[k] - box.element.offsetWidth) / 2;
      box.y = 4 + box.lane * laneHeight + (laneHeight - box.element.offsetHeight) / 2;
      box.element.style.left = `${box.x}px`;
      box.element.style.top = `${box.y}px`;
    }
    x += widths[k] + gap;
  });
  $("canvas").style.width = `${x - gap + 16}px`;
  $("canvas").style.height = `${height}px`;
  drawEdges();
}

function drawEdges() {
  const svg = $("edges");
  svg.replaceChildren();
  for (const box of Object.values(boxes)) {
    for (const name of box.from) {
      const source = boxes[name];
      const [x0, y0] = [source.x + source.element.offsetWidth, source.y + source.element.offsetHeight / 2];
      const [x1, y1] = [box.x, box.y + box.element.offsetHeight / 2];
      const bend = Math.max(14, (x1 - x0) / 2);
      const far = x1 - x0 > 160 && y0 !== y1 ? x1 - 60 : x0 + bend;
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const curve = far > x0 + bend
        ? `M${x0},${y0} H${far - 20} C${far + 20},${y0} ${x1 - 40},${y1} ${x1},${y1}`
        : `M${x0},${y0} C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1},${y1}`;
      path.setAttribute("d", curve);
      path.dataset.from = name;
      path.dataset.to = box.name;
      svg.append(path);
    }
  }
}

function refreshMaps() {
  const palettes = colours();
  for (const box of Object.values(boxes)) {
    for (const { canvas, caption, cell, now } of box.canvases) {
      const [label, number, kind] = now();
      drawMap(canvas, array(shownArray(number)), palettes[kind], [cell[0] * zoom, cell[1]]);
      caption.innerHTML = pretty(label);
    }
  }
}

// With a planted bug, the array the bug gives instead of this one
function shownArray(number) {
  if (!state.bug) return number;
  const values = data.bugs[state.bug].values;
  for (const [record, wrong] of Object.entries(values)) {
    if (data.records[record].v === number) return wrong;
  }
  return number;
}

function stopOfBox(name) {
  const phase = data.stops[state.stop][0];
  const mine = data.stops.map(([p, box], k) => [p, box, k]).filter(([, box]) => box.split(".")[0] === name);
  return (mine.find(([p]) => p === phase) ?? mine[0])[2];
}

function boxOfStop([, box]) {
  return box.split(".")[0];
}

function renderGraph() {
  refreshMaps();
  const [phase] = data.stops[state.stop];
  const name = boxOfStop(data.stops[state.stop]);
  for (const box of Object.values(boxes)) {
    const wrong = state.bug && Object.keys(data.bugs[state.bug].values)
      .some((k) => data.records[k].box.split(".")[0] === box.name && stopOf(Number(k)) <= state.stop);
    box.element.className = "box";
    box.element.classList.toggle("active", box.name === name);
    box.element.classList.toggle("ahead", state.stop < box.forward);
    box.element.classList.toggle("back", box.backward !== null && state.stop >= box.backward);
    box.element.classList.toggle("wrong", Boolean(wrong));
    box.element.setAttribute("aria-label", `${box.name}, ${box.kind}${box.name === name ? ", active" : ""}`);
  }
  for (const path of $("edges").children) {
    const into = path.dataset.to === name && phase !== "backward";
    const out = path.dataset.from === name && phase === "backward";
    path.classList.toggle("on", (into || out) && phase !== "update");
    path.classList.toggle("reverse", out);
  }
  const active = boxes[name];
  if (active) {
    const middle = active.x + active.element.offsetWidth / 2;
    $("graph").scrollLeft = middle - $("graph").clientWidth / 2;
  }
}

const stopsOfRecords = [];
data.stops.forEach(([, , , records], k) => records.forEach((r) => { stopsOfRecords[r] = k; }));
function stopOf(record) { return stopsOfRecords[record]; }

// ---- the panel

function current() {
  return data.stops[state.stop][3][state.record];
}

function rowLabel(letter, hole, record, k) {
  if (hole?.rows) return data.names[record.box.startsWith("user") ? "user" : "item"][hole.rows[k]];
  if (letter === "r" && record.rows && record.table) return data.names[record.table][record.rows[k]];
  if (letter === "b") {
    const name = record.fn === "Embedding.forward" ? data.batch[k][record.box.startsWith("user") ? 3 : 4] : "";
    return `row ${k} ${name}`.trim();
  }
  return String(k);
}

function makeTable(packed, letter, record, hole, palette) {
  const [rows, columns] = sizes(packed);
  const most = largest(packed);
  const table = document.createElement("table");
  if (columns > 1) {
    const head = table.createTHead().insertRow();
    head.append(document.createElement("th"));
    for (let c = 0; c < columns; c++) {
      const th = document.createElement("th");
      th.scope = "col";
      th.textContent = c;
      head.append(th);
    }
  }
  const body = table.createTBody();
  for (let r = 0; r < rows; r++) {
    const row = body.insertRow();
    const th = document.createElement("th");
    th.scope = "row";
    th.textContent = rowLabel(letter, hole, record, r);
    if (letter === "b" && data.batch[r]) th.title = data.batch[r].slice(3).join(", ");
    row.append(th);
    for (let c = 0; c < columns; c++) {
      const cell = row.insertCell();
      const x = packed.v[r * columns + c];
      cell.textContent = show(x);
      cell.style.background = `rgba(${mix(palette, x > 0 ? 1 : -1).join(",")},${x ? 0.38 * Math.min(1, Math.abs(x) / most) : 0})`;
    }
  }
  return table;
}

function cellAt(table, packed, index) {
  const [r, c] = packed.s.length === 2 ? index : [index[0] ?? 0, 0];
  return table.tBodies[0].rows[r].cells[c + 1];
}

function figure(title, packed, table, css) {
  const element = document.createElement("figure");
  element.className = css;
  const shape = packed.s.length ? ` <small>(${packed.s.join(", ")}${packed.s.length === 1 ? "," : ""})</small>` : "";
  element.innerHTML = `<figcaption>${escapeHtml(title)}${shape}</figcaption><div class="grid"></div>`;
  element.querySelector(".grid").append(table);
  return element;
}

function holeName(code) {
  return code.replace(/\[[^[\]]*(\[[^\]]*\])?[^[\]]*\]$/, "").replace("self.", "").replace("[rows]", "");
}

let shownTables = null;

function renderPanel() {
  const [phase, box, fn, records] = data.stops[state.stop];
  const number = current();
  const record = data.records[number];
  document.documentElement.style.setProperty("--now", `var(--${phase})`);
  $("phase").textContent = PHASES[phase];
  $("box").textContent = box;
  $("kind").textContent = fn;
  $("lines").replaceChildren(...records.map((r, k) => {
    const button = document.createElement("button");
    button.type = "button";
    const operator = data.records[r].code.match(/^\S+ ([*+-]=)/)?.[1];
    button.textContent = operator ? `${data.records[r].name} ${operator}` : data.records[r].name;
    button.setAttribute("aria-pressed", k === state.record);
    button.setAttribute("aria-label", `Line ${k + 1}: ${data.records[r].name}`);
    button.onclick = () => { state.record = k; state.entry = null; renderPanel(); announce(); };
    return button;
  }));
  $("source").textContent = record.code;
  $("place").textContent = `${record.file}:${record.line}`;
  $("formula").innerHTML = pretty(record.text);
  renderBug(number);

  const palettes = colours();
  const colour = record.phase === "backward" ? palettes.gradient : palettes.value;
  const arrays = $("arrays");
  arrays.replaceChildren();
  const operands = {};
  const figures = [];
  let next = 0;
  for (const [code, hole] of Object.entries(record.holes)) {
    if (!hole.index) continue;
    const title = holeName(code);
    const twin = Object.values(operands).find((o) => o.hole.a === hole.a && o.title === title);
    if (twin) { hole.colour = twin.hole.colour; operands[code] = { ...twin, hole }; continue; }
    hole.colour = next++ % 4;
    const packed = array(hole.a);
    const own = title.startsWith("d") || title === "g" ? palettes.gradient : palettes.value;
    const table = makeTable(packed, hole.index[0]?.[0], record, hole, own);
    operands[code] = { hole, title, table, packed, element: figure(title === record.name ? `${title} before` : title, packed, table, `op${hole.colour}`) };
    if (packed.s.length) figures.push(operands[code].element);
  }
  const wrong = state.bug ? data.bugs[state.bug].values[number] : undefined;
  const packed = array(wrong ?? record.v);
  const table = makeTable(packed, record.axes[0], record, null, colour);
  table.classList.add("result-table");
  const result = figure(record.name, packed, table, "result");
  const scatter = record.fn.startsWith("Embedding.");
  arrays.classList.toggle("scatter", scatter);
  const flow = scatter ? document.createElementNS("http://www.w3.org/2000/svg", "svg") : null;
  if (scatter) {
    flow.classList.add("flow");
    flow.setAttribute("aria-hidden", "true");
    arrays.append(...figures, flow, result);
  } else {
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.textContent = "←";
    sign.title = "computed from";
    arrays.append(result, ...(figures.length ? [sign] : []), ...figures);
  }
  if (wrong !== undefined) markWrong(table, packed, array(record.v));
  shownTables = { record, number, operands, table, packed, flow };
  if (flow) drawFlow();
  table.tabIndex = 0;
  table.setAttribute("aria-label", `${record.name}; arrow keys move, the formula follows`);
  table.onkeydown = moveEntry;
  table.onmouseover = (event) => {
    const index = indexOf(event.target);
    if (index) point(index, false);
  };
  table.onmouseleave = () => point(state.entry ?? record.entry, false);
  table.onclick = (event) => {
    const index = indexOf(event.target);
    if (index) { state.entry = index; point(index); announce(); }
  };
  point(state.entry ?? record.entry);
}

function indexOf(cell) {
  if (cell.tagName !== "TD") return null;
  const { packed } = shownTables;
  const index = [cell.parentNode.sectionRowIndex, cell.cellIndex - 1];
  return packed.s.length === 2 ? index : packed.s.length === 1 ? [index[0]] : [];
}

function moveEntry(event) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const { packed, record } = shownTables;
  if (!step || !packed.s.length) return;
  event.preventDefault();
  event.stopPropagation();
  const from = state.entry ?? record.entry;
  state.entry = packed.s.map((n, axis) => Math.max(0, Math.min(n - 1, from[axis] + step[axis])));
  point(state.entry);
  announce();
}

// Light up where an entry comes from, and write its formula with the numbers
function point(entry, follow = true) {
  const { record, number, operands, table, packed, flow } = shownTables;
  document.querySelectorAll("#arrays td.here, #arrays td.part").forEach((c) => c.classList.remove("here", "part"));
  const cell = cellAt(table, packed, entry);
  cell.classList.add("here");
  if (follow) reveal(cell);
  const lit = new Set();
  const letters = {};
  record.axes.forEach((letter, axis) => { letters[letter] = entry[axis]; });
  const all = termsOf(record, entry).map(([, index]) => index);
  all.push(indices(record, record.whole, letters));
  for (const index of all) {
    for (const [code, k] of Object.entries(index)) {
      const operand = operands[code];
      if (!operand.packed.s.length) continue;
      const part = cellAt(operand.table, operand.packed, k);
      part.classList.add("part");
      if (follow && !lit.size) reveal(part);
      lit.add(code);
    }
  }
  const right = at(array(record.v), entry);
  const shown = at(packed, entry);
  let html = `${escapeHtml(entryName(record, entry))} = ${worked(record, entry)} = <span class="result">${show(right)}</span>`;
  if (shown !== right) html += ` <span class="bad">with the bug ${show(shown)}</span>`;
  $("numbers").innerHTML = html;
  renderCheck(record, number, entry, shown);
  renderNote(record, entry);
  if (flow) {
    flow.querySelectorAll("path").forEach((path) => path.classList.toggle("lit", record.phase === "backward"
      ? Number(path.dataset.table) === entry[0] : Number(path.dataset.batch) === entry[0]));
  }
}

// Scroll the table, not the page, so that a cell is seen
function reveal(cell) {
  const grid = cell.closest(".grid");
  const names = cell.parentNode.cells[0].offsetWidth;
  if (cell.offsetLeft - names < grid.scrollLeft) grid.scrollLeft = cell.offsetLeft - names;
  const right = cell.offsetLeft + cell.offsetWidth - grid.clientWidth;
  if (right > grid.scrollLeft) { // to the edge of a column: half a number is no number
    const cells = [...cell.parentNode.cells].slice(1);
    const first = cells.find((c) => c.offsetLeft - names >= right) ?? cell;
    grid.scrollLeft = Math.min(first.offsetLeft, cell.offsetLeft) - names;
  }
  if (cell.offsetTop < grid.scrollTop) grid.scrollTop = cell.offsetTop - 20;
  const below = cell.offsetTop + cell.offsetHeight - grid.clientHeight;
  if (below > grid.scrollTop) grid.scrollTop = below + 20;
}

function renderCheck(record, number, entry, shown) {
  if (record.num === undefined) { $("check").textContent = ""; return; }
  if (!record.checked) {
    $("check").textContent = "numerical gradient: every step crosses a ReLU kink, where there is no slope";
    return;
  }
  const numerical = at(array(record.num), entry);
  const failing = state.bug && data.bugs[state.bug].failing.includes(number);
  const right = failing ? numerical === null || shown === numerical : record.right;
  const mark = right ? '<span class="right">✓</span>' : '<span class="bad">✗</span>';
  const value = numerical === null ? "not taken here" : show(numerical);
  const total = array(record.num).v.length;
  const kinks = record.kinks ? `, ${record.kinks} more at a ReLU kink` : "";
  const all = failing
    ? '<span class="bad">the check fails</span>'
    : `${record.checked} of ${total} entries compared${kinks}, worst relative error ${record.error}`;
  $("check").innerHTML = `numerical gradient <b>${value}</b> ${mark} · ${all}`;
}

function renderNote(record, entry) {
  const note = $("note");
  note.textContent = "";
  if (record.fn === "Embedding.backward") {
    const terms = termsOf(record, entry).map(([, index]) => show(at(array(record.holes["dy[b,k]"].a), index["dy[b,k]"])));
    const name = data.names[record.table][record.rows[entry[0]]];
    note.textContent = terms.length > 1
      ? `${name} is in the batch ${terms.length} times: ${terms.map(operandText).join(" + ")} = ${show(at(array(record.v), entry))}; the naive dW[ids] += dy would keep ${terms[terms.length - 1]}.`
      : `${name} is in the batch once: its row gets that one gradient.`;
  } else if (record.phase === "update" && record.table) {
    note.textContent = "Rows outside the batch have gradient 0: in this first step they stand still.";
  }
}

function markWrong(table, packed, right) {
  packed.v.forEach((x, k) => {
    if (x === right.v[k]) return;
    const columns = sizes(packed)[1];
    const cell = table.tBodies[0].rows[Math.floor(k / columns)].cells[(k % columns) + 1];
    cell.classList.add("off");
    cell.title = `right: ${show(right.v[k])}`;
  });
}

function renderBug(number) {
  const line = $("bugline");
  line.hidden = !state.bug;
  if (!state.bug) return;
  const bug = data.bugs[state.bug];
  const edits = bug.edits.map(([place, right, wrong]) =>
    `<code>${escapeHtml(place)}: <del>${escapeHtml(right.trim())}</del> → <ins>${escapeHtml(wrong.trim() || "(nothing)")}</ins></code>`);
  const first = Math.min(...Object.keys(bug.values).map(Number));
  const here = bug.values[number] !== undefined ? "Red numbers are what it gives here."
    : `Nothing is wrong here; it begins at step ${stopOf(first) + 1}.`;
  line.innerHTML = `<b>Planted:</b> ${escapeHtml(bug.summary)}. ${here}<br>${edits.join("<br>")}`;
}

// Rows of a table to rows of the batch, or back
function drawFlow() {
  const { record, operands, table, flow } = shownTables;
  const source = Object.values(operands)[0].table;
  const box = flow.getBoundingClientRect();
  const [x0, x1] = box.width > 80 ? [18, box.width - 18] : [3, box.width - 3];
  const middle = (row) => {
    const r = row.getBoundingClientRect();
    return r.top + r.height / 2 - box.top;
  };
  flow.replaceChildren();
  const back = record.phase === "backward";
  const pairs = [];
  if (back) {
    for (const [r, batch] of Object.entries(record.choices)) for (const b of batch) pairs.push([b, Number(r), b, batch.length]);
  } else {
    const [, map] = Object.values(record.holes)[0].index[0];
    map.forEach((row, b) => pairs.push([row, b, b, map.filter((other) => other === row).length]));
  }
  for (const [from, to, batch, times] of pairs) {
    const [y0, y1] = [middle(source.tBodies[0].rows[from]), middle(table.tBodies[0].rows[to])];
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${x0},${y0} C${box.width / 2},${y0} ${box.width / 2},${y1} ${x1},${y1}`);
    path.dataset.batch = batch;
    path.dataset.table = back ? to : from;
    if (times > 1) path.classList.add("twice");
    flow.append(path);
  }
}

function announce() {
  const [phase, box] = data.stops[state.stop];
  const record = data.records[current()];
  $("said").textContent = `Step ${state.stop + 1} of ${data.stops.length}. ${PHASES[phase]}, ${box}: ${record.text}. `
    + `${$("numbers").textContent}. ${$("check").textContent} ${$("note").textContent}`;
}

// ---- stepping

function go(stop) {
  state.stop = Math.max(0, Math.min(data.stops.length - 1, stop));
  const records = data.stops[state.stop][3];
  const main = data.stops[state.stop][0] === "update" ? records.length - 1 : 0;
  state.record = main;
  state.entry = null;
  render();
}

function render() {
  $("slider").value = state.stop;
  $("slider").setAttribute("aria-valuetext", `${state.stop + 1} of ${data.stops.length}: ${data.stops[state.stop][0]}, ${data.stops[state.stop][1]}`);
  $("count").textContent = `${state.stop + 1} / ${data.stops.length}`;
  $("back").disabled = state.stop === 0;
  $("next").disabled = state.stop === data.stops.length - 1;
  renderPanel();
  renderGraph();
  announce();
}

function firstOf(phase) {
  return data.stops.findIndex(([p]) => p === phase);
}

function play() {
  if (state.timer) { stopPlaying(); return; }
  if (state.stop === data.stops.length - 1) go(0);
  $("play").textContent = "Pause";
  state.timer = setInterval(() => {
    if (state.stop === data.stops.length - 1) stopPlaying();
    else go(state.stop + 1);
  }, 1600);
}

function stopPlaying() {
  clearInterval(state.timer);
  state.timer = null;
  $("play").textContent = "Play";
}

function wire() {
  $("next").onclick = () => go(state.stop + 1);
  $("back").onclick = () => go(state.stop - 1);
  $("play").onclick = play;
  $("to-forward").onclick = () => go(0);
  $("to-backward").onclick = () => go(firstOf("backward"));
  $("slider").max = data.stops.length - 1;
  $("slider").oninput = (event) => go(Number(event.target.value));
  $("bug").onchange = (event) => { state.bug = event.target.value; render(); };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("select, input");
    if (field || event.ctrlKey || event.metaKey || event.altKey || !$("training-view").hidden) return;
    const onButton = event.target.closest("button");
    const keys = {
      ArrowRight: () => go(state.stop + 1), ArrowLeft: () => go(state.stop - 1),
      Home: () => go(0), End: () => go(data.stops.length - 1),
      f: () => go(0), r: () => go(firstOf("backward")),
    };
    if (event.key === " " && !onButton) { event.preventDefault(); play(); }
    else if (/^[1-9]$/.test(event.key)) {
      $("lines").children[Number(event.key) - 1]?.click();
    } else if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { render(); });
  addEventListener("resize", () => { layout(); render(); });
}

function start() {
  $("title").innerHTML = `${escapeHtml(data.model)}<span>, one training step, number by number</span>`;
  $("subtitle").textContent = `${data.batch.length} pairs of ${data.source || "interactions"} · ${data.loss}, ${data.optimizer}`;
  for (const [name, bug] of Object.entries(data.bugs)) {
    const option = new Option(name, name);
    option.title = bug.summary;
    $("bug").add(option);
  }
  for (const [phase] of data.stops) {
    const part = document.createElement("span");
    part.style.cssText = `flex:1;background:var(--${phase})`;
    $("phases").append(part);
  }
  wire();
  buildGraph();
  go(0);
  if (data.training) startTraining();
}

// ---- training

function startTraining() {
  const training = data.training;
  $("views").hidden = false;
  $("view-training").textContent = `Training, ${training.losses.length} steps`;
  const view = (training_) => {
    $("training-view").hidden = !training_;
    $("step-view").hidden = training_;
    $("bugs").hidden = training_;
    $("view-training").setAttribute("aria-pressed", training_);
    $("view-step").setAttribute("aria-pressed", !training_);
    stopPlaying();
    if (training_) renderTraining();
    else { layout(); render(); }
  };
  $("view-step").onclick = () => view(false);
  $("view-training").onclick = () => view(true);
  $("train-slider").max = training.taken.length - 1;
  $("train-slider").oninput = renderTraining;
  let timer = null;
  $("train-play").onclick = () => {
    if (timer) { clearInterval(timer); timer = null; $("train-play").textContent = "Play"; return; }
    if (Number($("train-slider").value) === training.taken.length - 1) $("train-slider").value = 0;
    $("train-play").textContent = "Pause";
    timer = setInterval(() => {
      $("train-slider").value = Number($("train-slider").value) + 1;
      renderTraining();
      if (Number($("train-slider").value) === training.taken.length - 1) $("train-play").click();
    }, 120);
  };
  for (const [name, weight] of Object.entries(training.weights)) {
    const element = document.createElement("figure");
    const rows = name.startsWith("user") ? training.labels.slice(0, training.n_users)
      : name.startsWith("item") ? training.labels.slice(training.n_users) : null;
    element.innerHTML = `<figcaption>${name} (${weight.s.join(", ")})</figcaption><div class="named"><span class="rows"></span><canvas></canvas></div>`;
    const cell = [Math.max(2, Math.min(18, 240 / sizes(weight)[1])), Math.max(3, Math.min(18, 220 / sizes(weight)[0]))];
    if (rows && cell[1] >= 12) {
      element.querySelector(".rows").innerHTML = rows.map((row) => `<span style="height:${cell[1]}px;line-height:${cell[1]}px">${escapeHtml(row)}</span>`).join("");
    }
    weight.canvas = element.querySelector("canvas");
    weight.canvas.setAttribute("role", "img");
    weight.canvas.setAttribute("aria-label", `${name} as a map of colours`);
    weight.cell = cell;
    weight.most = Math.max(...weight.v.map((v) => largest({ v })));
    $("weights").append(element);
  }
}

function renderTraining() {
  const training = data.training;
  const k = Number($("train-slider").value);
  const step = training.taken[k];
  const palette = colours().value;
  $("train-count").textContent = `step ${step} / ${training.losses.length}`;
  for (const weight of Object.values(training.weights)) {
    drawMap(weight.canvas, { s: weight.s, v: weight.v[k] }, palette, weight.cell, weight.most);
  }
  drawLoss(training.losses, step);
  drawPoints(training, k);
}

function drawLoss(losses, step) {
  const top = Math.max(...losses) * 1.05;
  const x = (k) => 40 + (k * 365) / Math.max(1, losses.length - 1);
  const y = (value) => 228 - (value * 210) / top;
  const line = losses.map((value, k) => `${k ? "L" : "M"}${x(k)},${y(value)}`).join("");
  const at_ = Math.min(step, losses.length - 1);
  const ticks = [0, top / 2, top].map((v) => `<text x="34" y="${y(v) + 4}" text-anchor="end">${v.toFixed(2)}</text>`).join("");
  $("loss-chart").innerHTML = `<path d="M40,18V228H410" fill="none" stroke="var(--line)"/>${ticks}`
    + `<text x="405" y="246" text-anchor="end">step ${losses.length}</text><text x="40" y="246">1</text>`
    + `<path d="${line}" fill="none" stroke="var(--loss)" stroke-width="2.5"/>`
    + `<circle cx="${x(at_)}" cy="${y(losses[at_])}" r="5" fill="var(--loss)"/>`
    + `<text x="${Math.min(370, x(at_) + 9)}" y="${Math.max(14, y(losses[at_]) - 9)}">${show(losses[at_])}</text>`;
}

function drawPoints(training, k) {
  const all = training.points.flat();
  const xs = all.filter((_, n) => n % 2 === 0), ys = all.filter((_, n) => n % 2 === 1);
  const scale = (values, low, high) => {
    const [a, b] = [Math.min(...values), Math.max(...values)];
    return (v) => low + ((v - a) * (high - low)) / (b - a || 1);
  };
  const [x, y] = [scale(xs, 14, 405), scale(ys, 240, 16)];
  const parts = training.labels.map((label, r) => {
    const trail = training.points.slice(0, k + 1).map((p, n) => `${n ? "L" : "M"}${x(p[2 * r]).toFixed(1)},${y(p[2 * r + 1]).toFixed(1)}`).join("");
    const [px, py] = [x(training.points[k][2 * r]), y(training.points[k][2 * r + 1])];
    const user = r < training.n_users;
    const left = user ? px > 90 : px > 280;
    const colour = user ? "var(--forward)" : "var(--backward)";
    const mark = user ? `<circle cx="${px}" cy="${py}" r="5" fill="${colour}"/>` : `<rect x="${px - 4.5}" y="${py - 4.5}" width="9" height="9" rx="1" fill="${colour}"/>`;
    return `<path d="${trail}" fill="none" stroke="${colour}" opacity=".45"/>${mark}<text x="${px + (left ? -9 : 9)}" y="${py + 4}"${left ? ' text-anchor="end"' : ""}>${escapeHtml(label.slice(0, 24))}</text>`;
  });
  $("points").innerHTML = parts.join("");
}

start();
