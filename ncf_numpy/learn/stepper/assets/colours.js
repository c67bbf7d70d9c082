// Numbers as colours: 0 is the ground, the largest entry of the array has the full colour.

import { largest, sizes } from "./arrays.js";
import { show } from "./numbers.js";

// {value: [minus, zero, plus], gradient: ...}, as the style sheet has them for light or dark
export function palettes(root) {
  const style = getComputedStyle(root);
  const rgb = (name) => style.getPropertyValue(name).split(",").map(Number);
  return {
    value: [rgb("--minus"), rgb("--zero"), rgb("--plus")],
    gradient: [rgb("--gminus"), rgb("--zero"), rgb("--gplus")],
  };
}

function mix([minus, zero, plus], share) {
  const end = share < 0 ? minus : plus;
  const part = Math.min(1, Math.abs(share)) ** 0.7;
  return zero.map((z, k) => Math.round(z + (end[k] - z) * part));
}

// The ground of a cell of a table: pale, so that the number on it can be read
export function shade([minus, , plus], x, most) {
  const strength = x ? 0.38 * Math.min(1, Math.abs(x) / most) : 0;
  return `rgba(${(x < 0 ? minus : plus).join(",")},${strength.toFixed(3)})`;
}

// An array as a map: one rectangle for each entry, `cell` [width, height] in pixels
export function drawMap(canvas, packed, palette, cell, most = largest(packed)) {
  const [rows, columns] = sizes(packed);
  canvas.width = columns;
  canvas.height = rows;
  canvas.style.width = `${Math.max(columns * cell[0], 6)}px`;
  canvas.style.height = `${rows * cell[1]}px`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  packed.v.forEach((x, k) => image.data.set([...mix(palette, (x ?? 0) / most), 255], 4 * k));
  context.putImageData(image, 0, 0);
  canvas.onmousemove = (event) => {
    const r = Math.min(rows - 1, Math.floor((event.offsetY * rows) / canvas.offsetHeight));
    const c = Math.min(columns - 1, Math.floor((event.offsetX * columns) / canvas.offsetWidth));
    canvas.title = `[${packed.s.length === 1 ? r : `${r}, ${c}`}]  ${show(packed.v[r * columns + c])}`;
  };
}
