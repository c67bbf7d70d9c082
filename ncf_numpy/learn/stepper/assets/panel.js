// The panel: one line of the active box, with its story, formula, numbers and arrays.

import { flatten, unravel } from "./arrays.js";
import { palettes } from "./colours.js";
import { checkOf, noteOf, numbersOf, operandNumbers, originOf, usesOf } from "./explain.js";
import { drawFlow, hits, light } from "./flow.js";
import { operandsOf } from "./formula.js";
import { escapeHtml, minus, pretty } from "./numbers.js";
import { arrange, Figure } from "./tables.js";

export class Panel {
  constructor(stepper) {
    this.stepper = stepper;
    this.part("numbers").addEventListener("click", (event) => {
      if (event.target.classList.contains("more")) this.showAll();
    });
  }

  part(name) {
    return this.stepper.part(name);
  }

  get view() { return this.stepper.view; }
  get words() { return this.stepper.words; }

  // Show the current line, and of it this entry, or the one the trace has chosen
  render(entry = null) {
    const hadFocus = this.part("step-view").contains(document.activeElement);
    const stop = this.view.stops[this.stepper.stop];
    this.number = this.stepper.number;
    this.record = this.view.record(this.number);
    this.all = false;
    this.part("math").style.minHeight = "";
    this.part("phase").textContent = this.words.say(stop.phase);
    this.part("box").textContent = stop.box;
    this.part("kind").textContent = stop.fn;
    this.part("place").textContent = `${this.record.file}:${this.record.line}`;
    this.part("formula").innerHTML = pretty(this.record.text);
    this.renderLines(stop.records);
    this.renderSource();
    this.renderStory();
    this.renderNotices();
    this.renderArrays();
    this.select(this.result, entry ?? this.record.entry);
    if (hadFocus && document.activeElement === document.body) this.result.table.focus();
  }

  // A button for each line of the box; those there are stay, so that the focus does
  renderLines(records) {
    const lines = this.part("lines");
    while (lines.children.length > records.length) lines.lastChild.remove();
    while (lines.children.length < records.length) {
      const button = document.createElement("button");
      const line = lines.children.length;
      button.type = "button";
      button.addEventListener("click", () => this.stepper.goToLine(line));
      lines.append(button);
    }
    records.forEach((number, line) => {
      const { code, name } = this.view.record(number);
      const operator = code.match(/^\S+ ([*+-]=)/)?.[1];
      const button = lines.children[line];
      button.innerHTML = pretty(name) + (operator ? ` ${minus(operator)}` : "");
      button.setAttribute("aria-pressed", line === this.stepper.line);
      button.title = this.words.say("line", { n: line + 1 });
    });
  }

  // The line of code; where a bug is planted in it, what the bug makes of it
  renderSource() {
    const { code, fn } = this.record;
    const edits = this.view.data.bugs[this.view.bug]?.edits ?? [];
    let html = escapeHtml(code);
    for (const [place, right, wrong] of edits) {
      const old = escapeHtml(right.trim());
      if (place === fn) html = html.replace(old, `<del>${old}</del> <ins>${escapeHtml(wrong.trim())}</ins>`);
    }
    this.part("source").innerHTML = html;
  }

  renderStory() {
    const { why, section, paper } = this.words.story(this.record);
    this.part("why").innerHTML = escapeHtml(why ?? "").replace(/`([^`]+)`/g, "<code>$1</code>");
    const { docs } = this.view.data;
    const links = [];
    if (section) {
      const text = escapeHtml(this.words.say("section", { n: section[0] }));
      links.push(docs ? `<a href="${escapeHtml(docs + section[1])}">${text}</a>` : text);
    }
    if (paper) links.push(`<a href="${paper[1]}">${escapeHtml(paper[0])}</a>`);
    this.part("links").innerHTML = links.join(" · ");
  }

  renderNotices() {
    const { bug, step, data } = this.view;
    const line = this.part("bugline");
    line.hidden = !bug;
    this.part("inside").hidden = !step;
    if (step) this.part("inside").textContent = this.words.say("inside", { n: step });
    if (!bug) return;
    const { summary, edits } = data.bugs[bug];
    const first = Math.min(...Object.keys(this.view.changes).map(Number));
    const here = this.view.changes[this.number] ? this.words.say("wrong-here")
      : this.words.say("wrong-from", { n: this.view.stopOf(first) + 1 });
    const lines = edits.map(([place, right, wrong]) => {
      const edited = `<del>${escapeHtml(right.trim())}</del> → <ins>${escapeHtml(wrong.trim() || this.words.say("nothing"))}</ins>`;
      return `<code>${escapeHtml(place)}: ${edited}</code>`;
    });
    line.innerHTML = `<b>${this.words.say("planted")}</b> ${escapeHtml(this.words.bug(bug, summary))}. ${here}<br>${lines.join("<br>")}`;
  }

  renderArrays() {
    const { view, words, record } = this;
    const base = view.base(this.number);
    const colours = palettes(this.stepper.root);
    const packed = view.array(record.v);
    this.result = new Figure(view, words, {
      role: "result", title: record.name, packed, letter: record.axes[0], record,
      palette: record.phase === "backward" ? colours.gradient : colours.value,
      right: record.expected !== undefined ? view.array(record.expected) : view.bug ? view.array(base.v) : packed,
    });
    this.operands = [];
    for (const [code, hole] of Object.entries(record.holes)) {
      if (!hole.index) continue;
      const same = this.operands.find((figure) => figure.hole.tint === hole.tint);
      if (same) { same.codes.push(code); continue; }
      const gradient = hole.name.startsWith("d") || hole.name === "g";
      const figure = new Figure(view, words, {
        role: "operand", record, hole, packed: view.array(hole.a), letter: hole.index[0]?.[0],
        title: hole.name === record.name ? words.say("before", { name: hole.name }) : hole.name,
        palette: gradient ? colours.gradient : colours.value,
        right: view.array(view.bug ? base.holes[code].a : hole.a),
      });
      figure.codes = [code];
      this.addOrigin(figure);
      this.operands.push(figure);
    }
    this.lay();
    for (const figure of [this.result, ...this.operands]) this.listen(figure);
  }

  addOrigin(figure) {
    const { text, record } = originOf(this.view, this.words, figure.hole);
    const origin = document.createElement(record === undefined ? "span" : "button");
    origin.className = "origin";
    origin.innerHTML = `= ${pretty(text)}`;
    if (record === undefined) origin.innerHTML = pretty(text);
    else {
      origin.type = "button";
      origin.addEventListener("click", () => this.stepper.goToRecord(record));
    }
    figure.caption.append(" ", origin);
  }

  // Side by side if they fit: of an embedding joined by lines, else the result before its operands
  lay() {
    const arrays = this.part("arrays");
    const { record, result, operands } = this;
    const scatter = record.fn.startsWith("Embedding.") && Boolean(record.term);
    const figures = scatter ? [...operands, result] : [result, ...operands];
    const between = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    between.classList.add("flow");
    between.setAttribute("aria-hidden", "true");
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.textContent = "←";
    const first = scatter ? between : sign;
    arrays.replaceChildren(figures[0].element, ...(operands.length ? [first] : []), ...figures.slice(1).map((f) => f.element));
    const fits = arrange(arrays, figures, scatter ? 40 : 30);
    arrays.classList.toggle("apart", !fits);
    this.flow = scatter && fits ? between : null;
    if (this.flow) drawFlow(between, record, operands[0], result);
    else if (scatter) {
      arrays.replaceChildren(result.element, ...operands.map((f) => f.element));
      this.nameHits();
    }
  }

  // Without room for lines, words: which rows each row of the result comes from
  nameHits() {
    const from = {};
    for (const [source, target] of hits(this.record)) (from[target] ??= []).push(source);
    for (const [target, sources] of Object.entries(from)) {
      const key = this.record.fn === "Embedding.backward" ? "from-pairs" : "from-row";
      const names = sources.map((k) => (key === "from-row" ? this.operands[0].rows[k] : k)).join(", ");
      const small = document.createElement("small");
      small.textContent = this.words.say(key, { names });
      this.result.table.tBodies[0].rows[target].cells[0].append(" ", small);
    }
    this.result.trim(this.part("arrays").clientWidth - 8);
  }

  listen(figure) {
    const { table } = figure;
    const entryAt = (event) => figure.entryOf(event.target);
    table.addEventListener("mouseover", (event) => { if (entryAt(event)) this.point(figure, entryAt(event), false); });
    table.addEventListener("mouseleave", () => this.point(...this.selected, false));
    table.addEventListener("click", (event) => { if (entryAt(event)) this.select(figure, entryAt(event)); });
    table.addEventListener("focus", () => {
      if (this.selected[0] !== figure) this.select(figure, figure.packed.s.map(() => 0));
    });
    table.addEventListener("keydown", (event) => {
      const entry = this.selected[0] === figure && figure.moved(this.selected[1], event.key);
      if (entry) {
        event.preventDefault();
        this.select(figure, entry);
      } else if (event.key === "Enter" && figure.hole) {
        this.trace(figure, this.selected[1]);
      }
    });
    table.addEventListener("dblclick", (event) => { if (figure.hole && entryAt(event)) this.trace(figure, entryAt(event)); });
  }

  // To where a number of an operand was computed: the same entry, if only its shape is another
  trace(figure, entry) {
    const { from } = figure.hole;
    if (typeof from !== "number") return;
    const { s } = this.view.array(this.view.record(from).v);
    this.stepper.goToRecord(from, unravel(flatten(entry, figure.packed.s), s));
  }

  select(figure, entry) {
    this.selected = [figure, entry];
    this.point(figure, entry, true);
    this.stepper.announce();
  }

  showAll() {
    this.all = true;
    this.point(...this.selected, false);
    this.result.table.focus();
  }

  // Light up a number and those it is made of, or acts in, and say what there is to say of it
  point(figure, entry, follow) {
    for (const cell of this.part("arrays").querySelectorAll(".here, .part")) cell.classList.remove("here", "part");
    figure.cell(entry).classList.add("here");
    if (follow) figure.reveal(entry);
    if (figure === this.result) this.pointResult(entry, follow);
    else this.pointOperand(figure, entry, follow);
    // what is said of the next number may be shorter: the tables must not move under the pointer
    this.part("math").style.minHeight = `${this.part("math").offsetHeight}px`;
  }

  pointResult(entry, follow) {
    const { view, words, record } = this;
    const revealed = new Set();
    for (const indices of operandsOf(record, entry)) {
      for (const [code, index] of Object.entries(indices)) {
        const operand = this.operands.find((figure) => figure.codes.includes(code));
        operand.cell(index).classList.add("part");
        if (follow && !revealed.has(operand)) operand.reveal(index);
        revealed.add(operand);
      }
    }
    this.part("numbers").innerHTML = numbersOf(view, words, record, entry, this.all);
    this.part("check").innerHTML = checkOf(view, words, record, entry);
    this.part("note").textContent = noteOf(view, words, record, entry);
    if (this.flow) light(this.flow, entry);
  }

  pointOperand(figure, entry, follow) {
    figure.uses ??= usesOf(this.view, this.record, figure);
    const uses = [...(figure.uses.get(flatten(entry, figure.packed.s)) ?? [])];
    uses.forEach((result) => this.result.cell(result).classList.add("part"));
    if (follow && uses.length) this.result.reveal(uses[0]);
    const { text, record } = originOf(this.view, this.words, figure.hole);
    this.part("numbers").innerHTML = operandNumbers(figure, entry);
    this.part("check").innerHTML = pretty(this.words.say(record === undefined ? "is-from" : "is-from-step", { origin: text }));
    this.part("note").textContent = this.words.say("acts-in", { n: uses.length, name: this.record.name });
  }
}
