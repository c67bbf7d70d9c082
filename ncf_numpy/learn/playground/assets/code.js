// The code of the step: which function, its text, the difference to the original, the verdicts.

import { difference } from "./diff.js";
import { Editor } from "./editor.js";
import { escapeHtml } from "./numbers.js";
import { chart } from "./practice.js";

const WORST = ["wrong", "not judged", "right"]; // of the values of a line, the first of these counts

export class Code {
  constructor(element, page) {
    Object.assign(this, { element, page, function: "Dense.backward" });
  }

  build() {
    const { say } = this.page;
    this.element.innerHTML = `
      <div class="row"><label>${say("function")} <select name="function"></select></label>
        <label>${say("plant")} <select name="bug"></select></label></div>
      <p class="notice" data-part="linked" hidden>${escapeHtml(say("linked"))}</p>
      <div class="text"></div>
      <div class="row">
        <button type="button" name="run" class="main">${say("run")} <kbd>Ctrl</kbd> <kbd>Enter</kbd></button>
        <button type="button" name="reset">${say("reset")}</button>
        <button type="button" name="reset-all">${say("reset-all")}</button>
        <button type="button" name="curve">${say("curve")}</button></div>
      <div class="verdict" role="status"></div>
      <details class="difference"><summary>${say("difference")}</summary><pre></pre></details>
      <div class="curves"></div><pre class="output" hidden></pre>`;
    this.editor = new Editor(this.part(".text"), {
      label: say("function"),
      onInput: (text) => this.typed(text),
      onRun: () => this.page.run(),
    });
    const on = (name, action) => { this.part(`[name="${name}"]`).onclick = action; };
    on("run", () => this.page.run());
    on("reset", () => this.page.edit(this.function, null));
    on("reset-all", () => this.page.change({ step: this.page.state.step, edits: {} }));
    on("curve", () => this.curve());
    this.part('[name="function"]').onchange = (event) => { this.function = event.target.value; this.show(); };
    this.part('[name="bug"]').onchange = (event) => this.plant(event.target.value);
  }

  part(selector) { return this.element.querySelector(selector); }

  // The functions that run in this step, backward first: that is what most come for
  functions() {
    const { catalogue, state } = this.page;
    const now = { ...catalogue.defaults, ...state.step };
    const classes = [...catalogue.models[now.model], catalogue.losses[now.loss], catalogue.optimizers[now.optimizer],
      ...(now.loss === "bce" ? ["Sigmoid"] : [])];
    const order = { backward: 0, forward: 1, sum: 2, step: 3 };
    return Object.keys(catalogue.functions).filter((name) => classes.includes(name.split(".")[0]))
      .sort((a, b) => order[a.split(".")[1]] - order[b.split(".")[1]]);
  }

  show() {
    const { catalogue, state, say } = this.page;
    const functions = [...new Set([...this.functions(), ...Object.keys(state.edits)])];
    if (!functions.includes(this.function)) [this.function] = functions;
    const select = this.part('[name="function"]');
    select.innerHTML = functions.map((name) => `<option value="${name}">${state.edits[name] === undefined ? "" : "● "}${name}</option>`).join("");
    select.value = this.function;
    const model = state.step.model ?? catalogue.defaults.model;
    const bugs = Object.entries(catalogue.bugs).filter(([, bug]) => bug.models.includes(model));
    this.part('[name="bug"]').innerHTML = `<option value="">${say("none")}</option>`
      + bugs.map(([name, { summary }]) => `<option value="${name}" title="${escapeHtml(summary)}">${name}</option>`).join("");
    this.part('[name="bug"]').value = this.bug ?? "";
    const text = state.edits[this.function] ?? catalogue.functions[this.function];
    if (this.editor.text !== text) this.editor.text = text;
    this.showDifference();
    this.showVerdict();
  }

  typed(text) {
    const { catalogue, state } = this.page;
    if (text === catalogue.functions[this.function]) delete state.edits[this.function];
    else state.edits[this.function] = text;
    this.page.typed();
    this.part(`option[value="${this.function}"]`).textContent = `${state.edits[this.function] === undefined ? "" : "● "}${this.function}`;
    this.showDifference();
  }

  showDifference() {
    const { catalogue } = this.page;
    const lines = difference(catalogue.functions[this.function], this.editor.text);
    const changed = lines.some(([kind]) => kind !== "same");
    this.part(".difference").hidden = !changed;
    const tags = { old: ["del", "− "], new: ["ins", "+ "], same: ["span", "  "] };
    this.part(".difference pre").innerHTML = lines.map(([kind, line]) => {
      const [tag, sign] = tags[kind];
      return `<${tag}>${sign}${escapeHtml(line)}</${tag}>`;
    }).join("\n");
  }

  // A planted bug is an edit like any other: it can be read and mended
  plant(name) {
    const { catalogue, state } = this.page;
    const functions = this.functions();
    const edits = Object.entries(catalogue.bugs[name]?.edits ?? {}).filter(([place]) => functions.includes(place));
    this.bug = name;
    if (edits.length) [[this.function]] = edits;
    this.page.change({ step: state.step, edits: Object.fromEntries(edits) });
  }

  // What the reply says: in the margin of each line, and in a sentence
  showVerdict() {
    const { reply, say, state } = this.page;
    const box = this.part(".verdict");
    this.part('[data-part="linked"]').hidden = !this.page.waiting;
    if (!reply || this.page.waiting || this.page.stale) { box.textContent = ""; this.editor.mark({}); return; }
    const marks = {};
    for (const { function: name, line, verdict, name: value, of, file, follows } of reply.findings ?? []) {
      if (name !== this.function || follows || !file.startsWith("your ")) continue;
      const known = marks[line];
      if (known && WORST.indexOf(known[2]) <= WORST.indexOf(verdict)) continue;
      const kind = { wrong: "wrong", right: "right" }[verdict] ?? "open";
      marks[line] = [kind, `${value}: ${say(`is-${kind}`)}${of ? ` (${of})` : ""}`, verdict];
    }
    const { error, first } = reply;
    if (error?.line && error.function === this.function) marks[error.line] = ["error", error.message];
    if (first?.line && first.function === this.function && !first.message) marks[first.line] = ["first", say("first")];
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

  goTo({ function: name, line, record }) {
    if (name in this.page.catalogue.functions) {
      this.function = name;
      this.show();
      if (this.page.state.edits[name] !== undefined) this.editor.focusLine(line);
    }
    if (record !== undefined && this.page.reply.view) this.page.stepper.goToRecord(record);
  }

  async curve() {
    const { say, state } = this.page;
    const reply = await this.page.ask({ want: "curve", steps: 50, ...state });
    const box = this.part(".curves");
    if (reply.error) { box.textContent = reply.error.message; return; }
    const curves = [{ name: say("curve-right"), values: reply.original }];
    if (reply.edited) curves.push({ name: say("curve-yours"), values: reply.edited });
    box.innerHTML = chart(curves);
  }
}

function digits(number) {
  return typeof number === "number" ? String(Number(number.toPrecision(4))) : number;
}
