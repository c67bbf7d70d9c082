// What test_page_drive.py asks of a stepper in the browser: each function returns its complaints.

const frameOf = (element) => element.getBoundingClientRect();

// What is cut, sticks out of the window, or is to be scrolled for, of what is shown now
function misfits(stepper) {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page is too wide");
  for (const grid of stepper.root.querySelectorAll(".grid")) {
    const frame = frameOf(grid);
    const left = frame.left + grid.querySelector("tbody th").offsetWidth;
    for (const cell of grid.querySelectorAll("tbody td")) {
      const { left: from, right: to, width } = frameOf(cell);
      const seen = Math.min(to, frame.right) - Math.max(from, left);
      const half = seen > 3 && seen < width - 3;
      if (half || cell.scrollWidth > cell.clientWidth + 1) found.push(`${cell.textContent} is cut`);
    }
  }
  const all = "button, select, h1, h2, p, .formula, .numbers, .check, th";
  for (const element of stepper.root.querySelectorAll(all)) {
    const { left, right, width } = frameOf(element);
    if (!width || element.matches(".unseen") || element.closest(".grid")) continue;
    const cut = element.clientWidth && element.scrollWidth > element.clientWidth + 2;
    if (left < -1 || right > innerWidth + 1 || cut) {
      found.push(`${element.textContent.slice(0, 40)} is cut`);
    }
  }
  return found;
}

// What is to be scrolled for: the formula, and the number that is explained
function unseen(stepper) {
  const controls = stepper.part("controls");
  const sticky = getComputedStyle(controls).position === "sticky";
  const low = sticky ? frameOf(controls).top : innerHeight;
  return [".formula", ".numbers", ".result td.here"].filter((name) => {
    const { top, bottom } = frameOf(stepper.root.querySelector(name));
    return top < 0 || bottom > low + 1;
  });
}

// Boxes of the graph and names in them that lie over one another
function overlaps(stepper) {
  const elements = [...stepper.root.querySelectorAll(".box, .box .rows span")];
  const frames = elements.map(frameOf).filter(({ width }) => width);
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1
    || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1
    && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  return frames.flatMap((a, k) => frames.slice(k + 1)
    .filter((b) => !apart(a, b) && !inside(a, b) && !inside(b, a)));
}

// The numbers that do not answer to the pointer: outlined, and written out with their formula
function silent(stepper) {
  const found = [];
  const { result, operands } = stepper.panel;
  for (const figure of [result, ...operands]) {
    for (const cell of figure.table.querySelectorAll("tbody td")) {
      cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
      const here = [...stepper.root.querySelectorAll(".here")];
      const said = stepper.part("numbers").textContent;
      if (here.length !== 1 || here[0] !== cell || !said.endsWith(cell.textContent)) {
        found.push(`${figure.name} ${cell.textContent}: ${said}`);
      }
    }
  }
  return found;
}

// What axe-core finds
function violations(done) {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  axe.run(document, { runOnly: rules }).then((result) => done(result.violations.map(
    ({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 100)}: ${nodes[0].failureSummary}`,
  )));
}
