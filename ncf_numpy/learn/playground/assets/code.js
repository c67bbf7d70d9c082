// The code of the step: which function, its text, the difference to the original, the verdicts.

import { difference } from "./diff.js";
import { Editor } from "./editor.js";
import { escapeHtml, minus } from "./numbers.js";
import { chart } from "./practice.js";

const WORST = ["wrong", "not judged", "right"]; // of the values of a line, the first of these counts
const LAYER = "layer"; // among the edits, the text of a layer of one's own

export class Code {
  constructor(element, page) {
    Object.assign(this, { element, page, function: "Dense.backward" });
  }

  build() {
    const { say } = this.page;
    this.element.innerHTML = `
      <div class="row"><label>${say("function")} <select name="function"></select></label>
        <label>${say("plant")} <select name="bug"></select></label>
        <label>${say("replaces")} <select name="replaces"></select></label></div>
      <p class="notice" data-part="linked" hidden>${escapeHtml(say("linked"))}</p>
      <div class="text"></div>
      <div class="row">
        <button type="button" name="run" class="main">${say("run")} <kbd>Ctrl</kbd> <kbd>Enter</kbd></button>
        <button type="button" name="reset">${say("reset")}</button>
        <button type="button" name="reset-all">${say("reset-all")}</button>
        <button type="button" name="check">${say("check-gradients")}</button>
        <button type="button" name="curve">${say("curve")}</button></div>
      <div class="verdict" role="status"></div>
      <details class="difference"><summary>${say("difference")}</summary><pre></pre></details>
      <div class="more"></div><pre class="output" hidden></pre>`;
    this.editor = new Editor(this.part(".text"), {
      label: say("function"),
      onInput: (text) => this.typed(text),
      onRun: () => this.run(),
    });
    const on = (name, action) => { this.part(`[name="${name}"]`).onclick = action; };
    on("run", () => this.run());
    on("reset", () => this.page.edit(this.function, null));
    on("reset-all", () => this.page.change({ step: this.page.state.step, edits: {} }));
    on("check", () => this.check());
    on("curve", () => this.curve());
    this.part('[name="function"]').onchange = (event) => { this.function = event.target.value; this.show(); };
    this.part('[name="bug"]').onchange = (event) => this.plant(event.target.value);
    this.part('[name="replaces"]').onchange = (event) => this.replace(event.target.value);
  }

  part(selector) { return this.element.querySelector(selector); }

  // The functions that run in this step, backward first: that is what most come for
  functions() {
    const { catalogue, state } = this.page;
    const now = { ...catalogue.defaults, ...state.step };
    const classes = [...catalogue.models[now.model], catalogue.losses[now.loss], catalogue.optimizers[now.optimizer],
      ...(now.loss === "bce" ? ["Sigmoid"] : [])];
    const order = { backward: 0, forward: 1, sum: 2, step: 3, __init__: 4 };
    return Object.keys(catalogue.functions).filter((name) => classes.includes(name.split(".")[0]))
      .sort((a, b) => order[a.split(".")[1]] - order[b.split(".")[1]]);
  }

  // What stands in the core; of a layer of one's own, what it begins with
  get original() {
    const { functions, layer } = this.page.catalogue;
    return this.function === LAYER ? layer.text : functions[this.function];
  }

  nameOf(name) {
    const { say, state } = this.page;
    return `${state.edits[name] === undefined ? "" : "● "}${name === LAYER ? say("own-layer") : name}`;
  }

  show() {
    const { catalogue, state, say } = this.page;
    const functions = [...new Set([...this.functions(), LAYER, ...Object.keys(state.edits)])];
    if (!functions.includes(this.function)) [this.function] = functions;
    const select = this.part('[name="function"]');
    select.innerHTML = functions.map((name) => `<option value="${name}">${this.nameOf(name)}</option>`).join("");
    select.value = this.function;
    this.showReplaced();
    const model = state.step.model ?? catalogue.defaults.model;
    const bugs = Object.entries(catalogue.bugs).filter(([, bug]) => bug.models.includes(model));
    this.part('[name="bug"]').innerHTML = `<option value="">${say("none")}</option>`
      + bugs.map(([name, { summary }]) => `<option value="${name}" title="${escapeHtml(summary)}">${name}</option>`).join("");
    this.part('[name="bug"]').value = this.bug ?? "";
    const text = state.edits[this.function] ?? this.original;
    if (this.editor.text !== text) this.editor.text = text;
    this.showDifference();
    this.showVerdict();
  }

  // Beside a layer of one's own: in the place of which layers of the model it stands
  showReplaced() {
    const { catalogue, state, say } = this.page;
    const select = this.part('[name="replaces"]');
    const classes = catalogue.layer.replaces.filter((name) => this.functions().includes(`${name}.backward`));
    select.innerHTML = ["", ...classes].map((name) => `<option value="${name}">${name || say("none")}</option>`).join("");
    select.value = state.step.replaces ?? "";
    select.closest("label").hidden = this.function !== LAYER;
  }

  replace(name) {
    const { state } = this.page;
    const step = { ...state.step, replaces: name };
    if (!name) delete step.replaces;
    this.page.change({ step, edits: { ...state.edits, [LAYER]: this.editor.text } });
  }

  run() {
    if (this.function === LAYER) this.page.state.edits[LAYER] = this.editor.text;
    this.page.run();
  }

  typed(text) {
    const { state } = this.page;
    if (text === this.original && this.function !== LAYER) delete state.edits[this.function];
    else state.edits[this.function] = text;
    this.page.typed();
    this.part(`option[value="${this.function}"]`).textContent = this.nameOf(this.function);
    this.showDifference();
  }

  showDifference() {
    const lines = difference(this.original, this.editor.text);
    const changed = lines.some(([kind]) => kind !== "same");
    this.part(".difference").hidden = !changed;
    const tags = { old: ["del", "− "], new: ["ins", "+ "], same: ["span", "  "] };
    this.part(".difference pre").innerHTML = lines.map(([kind, line]) => {
      const [tag, sign] = tags[kind];
      return `<${tag}>${sign}${escapeHtml(line)}</${tag}>`;
    }).join("\n");
  }

  // A planted bug is an edit like any other: it can be read and fixed
  plant(name) {
    const { catalogue, state } = this.page;
    const functions = this.functions();
    const edits = Object.entries(catalogue.bugs[name]?.edits ?? {}).filter(([place]) => functions.includes(place));
    this.bug = name;
    if (edits.length) [[this.function]] = edits;
    this.page.change({ step: state.step, edits: Object.fromEntries(edits) }, { clicked: true });
  }

  // What the reply says: in the margin of each line, and in words
  showVerdict() {
    const { reply, say, state } = this.page;
    const box = this.part(".verdict");
    this.part('[data-part="linked"]').hidden = !this.page.waiting;
    if (!reply || this.page.waiting || this.page.stale) { box.textContent = ""; this.editor.mark({}); return; }
    const marks = {};
    for (const { line, verdict, name: value, of, file, follows } of reply.findings ?? []) {
      if (file !== `your ${this.function}` || follows) continue;
      const known = marks[line];
      if (known && WORST.indexOf(known[2]) <= WORST.indexOf(verdict)) continue;
      const kind = { wrong: "wrong", right: "right" }[verdict] ?? "open";
      marks[line] = [kind, `${value}: ${say(`is-${kind}`)}${of ? ` (${of})` : ""}`, verdict];
    }
    const { error, first } = reply;
    if (error?.line && error.function === this.function) marks[error.line] = ["error", error.message];
    if (first?.line && first.file === `your ${this.function}` && !first.message) marks[first.line] = ["first", say("first")];
    this.editor.mark(marks);
    box.innerHTML = this.sentence(reply, Object.keys(state.edits).length);
    const go = box.querySelector("button");
    if (go) go.onclick = () => this.goTo(first ?? error);
    const output = this.part(".output");
    output.hidden = !reply.output;
    output.textContent = reply.output ?? "";
  }

  sentence({ error, first }, edited) {
    const { say } = this.page;
    const place = (found) => `<button type="button">${escapeHtml(say("place", { function: found.function, line: found.line }))}</button>`;
    const said = [];
    if (first && !first.message) {
      const index = first.index?.length ? `[${first.index.join(", ")}]` : "";
      const values = first.index ? say("is-would-be", { is: digits(first.is), would: digits(first.would_be) })
        : say("shape-would-be", { is: `(${first.shape.join(", ")})`, would: `(${first.expected_shape.join(", ")})` });
      const measure = say(first.by.includes("derivative") ? "by-derivative" : "by-original", { of: first.of });
      said.push(`<p class="bad"><b>${say("first")}:</b> ${place(first)} </p>
        <p><code>${escapeHtml(first.code)}</code></p>
        <p><code>${escapeHtml(first.name + index)}</code> ${escapeHtml(values)}<br><small>${escapeHtml(measure)}</small></p>`);
    }
    if (error) said.push(`<p class="bad">${error.line ? place(error) : ""} ${escapeHtml(error.message)}</p>`);
    if (!said.length) said.push(`<p class="good">${escapeHtml(say(edited ? "all-right" : "as-it-is"))}</p>`);
    return said.join("");
  }

  goTo({ function: name, file = `your ${name}`, line, record }) {
    const text = file.startsWith("your ") ? file.slice(5) : name;
    if (text === LAYER || text in this.page.catalogue.functions) {
      this.function = text;
      this.show();
      if (this.page.state.edits[text] !== undefined) this.editor.focusLine(line);
    }
    if (record !== undefined && this.page.reply.view) this.page.stepper.goToRecord(record);
  }

  // Each gradient beside the numerical derivative of the loss
  async check() {
    const { say } = this.page;
    const reply = await this.page.ask(this.page.request("check"));
    const box = this.part(".more");
    if (reply.error) { box.textContent = reply.error.message; return; }
    const rows = reply.arrays.map(({ array, right, entries, kinks, rel_error: error, index, analytic, numerical, rows: of, analytic_shape: shape }) => {
      const at = index && [of ? of.indexOf(index[0]) : index[0], ...index.slice(1)];
      const entry = (values) => (at ? digits(at.reduce((part, k) => part[k], values)) : "");
      const worst = at ? `<td>[${index.join(", ")}]</td><td>${entry(analytic)}</td><td>${entry(numerical)}</td>`
        : `<td colspan="3">${shape ? `(${shape.join(", ")})` : ""}</td>`;
      return `<tr class="${right ? "good" : "bad"}"><th scope="row">${right ? "✓" : "✗"} ${escapeHtml(array)}</th>
        <td>${entries}${kinks ? ` + ${kinks}` : ""}</td>${worst}<td>${error === null ? "" : minus(error.toPrecision(1))}</td></tr>`;
    });
    const columns = ["array", "entries", "worst", "analytic", "numerical", "error"];
    box.innerHTML = `<table class="checked"><caption>${say("check-caption")}</caption>
      <thead><tr>${columns.map((name) => `<th scope="col">${say(`check-${name}`)}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
  }

  async curve() {
    const { say } = this.page;
    const reply = await this.page.ask({ ...this.page.request("curve"), steps: 50 });
    const box = this.part(".more");
    if (reply.error) { box.textContent = reply.error.message; return; }
    const curves = [{ name: say("curve-right"), values: reply.original }];
    if (reply.edited) curves.push({ name: say("curve-yours"), values: reply.edited });
    box.innerHTML = chart(curves);
  }
}

function digits(number) {
  return typeof number === "number" ? minus(String(Number(number.toPrecision(4)))) : number;
}
