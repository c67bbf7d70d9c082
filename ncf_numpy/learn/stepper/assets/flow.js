// Lines from the rows of one table to those of another: which row of a batch reads or moves which
// row of an embedding.

// [[row of the first table, row of the second, row of the batch, how many meet], ...]
export function hits(record) {
  if (record.fn === "Embedding.backward") {
    return Object.entries(record.choices).flatMap(([r, batch]) => batch.map((b) => [b, Number(r), b, batch.length]));
  }
  const [, map] = Object.values(record.holes)[0].index[0];
  return map.map((row, b) => [row, b, b, map.filter((other) => other === row).length]);
}

export function drawFlow(svg, record, source, target) {
  const box = svg.getBoundingClientRect();
  const middle = (figure, row) => {
    const { top, height } = figure.table.tBodies[0].rows[row].getBoundingClientRect();
    return top + height / 2 - box.top;
  };
  svg.replaceChildren(...hits(record).map(([from, to, batch, times]) => {
    const [y0, y1] = [middle(source, from), middle(target, to)];
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M4,${y0} C${box.width / 2},${y0} ${box.width / 2},${y1} ${box.width - 4},${y1}`);
    Object.assign(path.dataset, { batch, target: to });
    path.classList.toggle("twice", times > 1);
    return path;
  }));
}

export function light(svg, entry) {
  for (const path of svg.children) path.classList.toggle("lit", Number(path.dataset.target) === entry[0]);
}
