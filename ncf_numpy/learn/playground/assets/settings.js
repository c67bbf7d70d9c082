// What the step is made of: model, sizes, loss, optimizer, the pairs with their labels, weights.

import { escapeHtml } from "./numbers.js";

const isBpr = ({ loss }) => loss === "bpr";

export class Settings {
  // onChange(step) whenever a setting has another value
  constructor(element, say, onChange) {
    Object.assign(this, { element, say, onChange });
    element.addEventListener("change", (event) => this.change(event.target));
    element.addEventListener("click", (event) => this.click(event.target));
  }

  // catalogue: what there is; step: what differs from its defaults; view: the step that is shown
  show(catalogue, step, view) {
    Object.assign(this, { catalogue, step, view });
    const { name, dataset } = this.element.contains(document.activeElement) ? document.activeElement : {};
    const focused = name && `[name="${name}"]${dataset.row ? `[data-row="${dataset.row}"]` : ""}`;
    const now = { ...catalogue.defaults, ...step };
    const rate = now.rate ?? catalogue.rates[now.optimizer];
    const option = (chosen) => ([value, text]) =>
      `<option value="${escapeHtml(String(value))}"${String(value) === String(chosen) ? " selected" : ""}>${escapeHtml(text)}</option>`;
    const choice = (name, options) =>
      `<label>${this.say(name)} <select name="${name}">${options.map(option(now[name])).join("")}</select></label>`;
    const number = (name, value, more) =>
      `<label>${this.say(name)} <input name="${name}" type="number" value="${value}" ${more}></label>`;
    const names = (list) => list.map((name, k) => [k, name]);
    const person = (kind, k, chosen) =>
      `<td><select name="${kind}" data-row="${k}" aria-label="${this.say(`column-${kind}`)} ${k}">${names(catalogue[kind]).map(option(chosen)).join("")}</select></td>`;
    const rows = (view?.batch ?? []).map(([user, item, label], k) =>
      `<tr><th scope="row">${k}</th>${person("users", k, user)}${person("items", k, item)}
       <td><input name="labels" data-row="${k}" type="number" min="0" max="1" step="any" value="${label}" aria-label="${this.say("column-labels")} ${k}"></td></tr>`);
    this.element.innerHTML = `
      <div class="fields">
        ${choice("model", Object.keys(catalogue.models).map((name) => [name, catalogue.models[name][0]]))}
        ${choice("loss", Object.entries(catalogue.losses))}
        ${choice("optimizer", Object.entries(catalogue.optimizers))}
        ${number("rate", rate, 'min="0" step="any"')}
        ${number("factors", now.factors, `min="1" max="${catalogue.limits.factors}"`)}
        <label>${this.say("layers")} <input name="layers" value="${now.layers.join(", ")}" pattern="[0-9, ]+"></label>
        ${number("seed", now.seed, 'min="0"')}
        ${number("size", now.size, `min="3" max="${catalogue.limits.pairs}"`)}
      </div>
      <table class="pairs"><caption>${this.say("pairs")}</caption>
        <thead><tr><td></td><th scope="col">${this.say("column-users")}</th><th scope="col">${this.say("column-items")}</th><th scope="col">${this.say("column-labels")}</th></tr></thead>
        <tbody>${rows.join("")}</tbody></table>
      <div class="weights"></div>
      <button type="button" name="as-at-first">${this.say("as-at-first")}</button>`;
    this.showWeights(this.array ?? "output.b");
    if (focused) this.element.querySelector(focused)?.focus();
  }

  // The weights of the step as it began: they stand in the boxes of the graph
  arrays() {
    return (this.view?.boxes ?? []).flatMap((box) => box.tables.map((table) => ({ ...table, full: `${box.name}.${table.name}` })));
  }

  showWeights(name) {
    const arrays = this.arrays();
    const table = arrays.find(({ full }) => full === name) ?? arrays[0];
    if (!table) return;
    this.array = table.full;
    const { s, v } = this.view.arrays[table.before];
    const columns = s.length === 2 ? s[1] : s[0];
    const lines = [];
    for (let k = 0; k < v.length; k += columns) lines.push(v.slice(k, k + columns).join(", "));
    this.element.querySelector(".weights").innerHTML = `
      <label>${this.say("weights")} <select name="array">${arrays.map(({ full }) =>
        `<option${full === table.full ? " selected" : ""}>${full}</option>`).join("")}</select></label>
      <textarea name="weights" rows="${Math.min(6, lines.length)}" spellcheck="false" aria-label="${this.say("weights")}">${lines.join("\n")}</textarea>
      <small>${table.names ? escapeHtml(this.say("rows", { names: table.names.join(", ") })) : this.say("rounded")}</small>`;
  }

  change(field) {
    const { name, value } = field;
    if (name === "array") { this.showWeights(value); return; }
    const step = structuredClone(this.step);
    if (["users", "items", "labels"].includes(name)) {
      step[name] = this.view.batch.map((row) => Number(row[{ users: 0, items: 1, labels: 2 }[name]]));
      step[name][field.dataset.row] = Number(value);
    } else if (name === "layers") step.layers = value.split(/[ ,]+/).filter(Boolean).map(Number);
    else if (name === "weights") step.weights = { ...step.weights, [this.array]: this.weightsOf(value) };
    else if (["rate", "factors", "seed", "size"].includes(name)) step[name] = Number(value);
    else step[name] = value;
    if (name === "optimizer") delete step.rate;
    // other sizes have other weights; another seed or number, or a loss on pairs, has other pairs
    if (["model", "factors", "layers"].includes(name)) delete step.weights;
    if (["seed", "size"].includes(name) || isBpr(step) !== isBpr(this.step)) for (const column of ["users", "items", "labels"]) delete step[column];
    this.onChange(step);
  }

  // Of a table, the rows that are shown: {row: numbers}
  weightsOf(text) {
    const lines = text.trim().split("\n").map((line) => line.split(/[ ,;]+/).filter(Boolean).map(Number));
    const table = this.arrays().find(({ full }) => full === this.array);
    if (!table.names) return this.view.arrays[table.before].s.length === 2 ? lines : lines.flat();
    const side = this.array.startsWith("user") ? 0 : 1;
    const rows = [...new Set(this.view.batch.map((pair) => pair[side]))].sort((a, b) => a - b);
    return Object.fromEntries(lines.map((line, k) => [rows[k] ?? "?", line]));
  }

  click(button) {
    const { replaces } = this.step; // it belongs to the code
    if (button.name === "as-at-first") this.onChange(replaces ? { replaces } : {});
  }
}
