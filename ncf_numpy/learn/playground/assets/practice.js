// Exercises and the hunt. What is solved is kept in this browser.

import { Editor } from "./editor.js";
import { escapeHtml } from "./numbers.js";

const KEY = "ncf_numpy.progress";

export class Progress {
  constructor() {
    try {
      this.found = JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch { // no storage, or not ours
      this.found = {};
    }
  }

  has(kind, number) { return Boolean(this.found[`${kind} ${number}`]?.solved); }

  text(kind, number) { return this.found[`${kind} ${number}`]?.text; }

  keep(kind, number, what) {
    this.found[`${kind} ${number}`] = { ...this.found[`${kind} ${number}`], ...what };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.found));
    } catch { // full or forbidden: it lasts as long as the page
    }
  }
}

const option = (progress, kind, number, title) =>
  `<option value="${number}">${progress.has(kind, number) ? "✓ " : ""}${number}. ${escapeHtml(title)}</option>`;

// Each hint says more than the one before, and is read when it is opened
const hintList = (hints, say) => hints.map((hint, k) =>
  `<details><summary>${say("hint", { n: k + 1 })}</summary>${escapeHtml(hint)}</details>`).join("");

export class Exercises {
  constructor(element, page) {
    Object.assign(this, { element, page, progress: page.progress, number: 1 });
  }

  show(list) {
    this.list = list.map((one) => ({ ...one, title: one.title.replace(/^Exercise \d+: /, "") }));
    if (!list.length) return;
    const { say } = this.page;
    this.element.innerHTML = `
      <div class="row"><label>${say("exercise")} <select name="number"></select></label>
        <button type="button" name="check">${say("check")} <kbd>Ctrl</kbd> <kbd>Enter</kbd></button>
        <button type="button" name="reset">${say("reset")}</button></div>
      <div class="text"></div><div class="verdict" role="status"></div>`;
    this.editor = new Editor(this.element.querySelector(".text"), {
      label: say("exercise"),
      onInput: (text) => this.progress.keep("exercise", this.number, { text }),
      onRun: () => this.check(),
    });
    const part = (name) => this.element.querySelector(`[name="${name}"]`);
    part("number").onchange = (event) => this.choose(Number(event.target.value));
    part("check").onclick = () => this.check();
    part("reset").onclick = () => { this.editor.text = this.current.text; this.progress.keep("exercise", this.number, { text: undefined }); };
    this.choose(this.number);
  }

  get current() { return this.list.find(({ number }) => number === this.number); }

  choose(number) {
    this.number = number;
    const select = this.element.querySelector('[name="number"]');
    select.innerHTML = this.list.map(({ number: n, title }) => option(this.progress, "exercise", n, title)).join("");
    select.value = number;
    this.editor.text = this.progress.text("exercise", number) ?? this.current.text;
    this.element.querySelector(".verdict").textContent = "";
  }

  async check() {
    const { say } = this.page;
    const reply = await this.page.ask({ want: "exercise", number: this.number, source: this.editor.text });
    const box = this.element.querySelector(".verdict");
    if (reply.error) { box.innerHTML = `<p class="bad">${escapeHtml(reply.error.message)}</p>`; return; }
    const right = reply.right.map((name) => `<li class="good">✓ ${escapeHtml(name)}</li>`).join("");
    const said = [reply.fault, reply.cause].filter(Boolean).map((text) => `<p>${escapeHtml(text)}</p>`).join("");
    const wrong = reply.solved ? "" : `<li class="bad">✗ ${escapeHtml(reply.name)}</li>`;
    const end = reply.solved ? `<p class="good">${say("solved")}</p>` : `${said}${hintList(reply.hints, say)}`;
    box.innerHTML = `<ul>${right}${wrong}</ul>${end}${reply.output ? `<pre>${escapeHtml(reply.output)}</pre>` : ""}`;
    this.editor.mark(reply.solved || !reply.line ? {} : { [reply.line]: ["wrong", reply.fault] });
    if (reply.solved) {
      this.progress.keep("exercise", this.number, { solved: true });
      const select = this.element.querySelector('[name="number"]');
      select.innerHTML = this.list.map(({ number: n, title }) => option(this.progress, "exercise", n, title)).join("");
      select.value = this.number;
    }
  }
}

export class Hunt {
  constructor(element, page) {
    Object.assign(this, { element, page, progress: page.progress, number: 1 });
  }

  async show(number = this.number) {
    this.number = number;
    const { say } = this.page;
    const { hunts } = this.page.catalogue;
    const options = [...Array(hunts).keys()].map((k) => option(this.progress, "hunt", k + 1, say("hunt-name")));
    this.element.innerHTML = `
      <div class="row"><label>${say("hunt")} <select name="number">${options.join("")}</select></label></div>
      <p>${say("hunt-text")}</p><div class="symptoms"></div><div class="hints"></div><div class="verdict" role="status"></div>
      <div class="suspects"></div>`;
    const select = this.element.querySelector("select");
    select.value = number;
    select.onchange = () => this.show(Number(select.value));
    const reply = await this.page.ask({ want: "hunt", number });
    if (this.number !== number) return;
    if (reply.error) { this.element.querySelector(".symptoms").textContent = reply.error.message; return; }
    this.showSymptoms(reply);
    this.element.querySelector(".hints").innerHTML = hintList(reply.hints, say);
    const suspects = this.element.querySelector(".suspects");
    suspects.innerHTML = reply.code.map(({ function: name, lines }) => `<h3>${escapeHtml(name)}</h3><ol>${lines.map(({ place, text }) =>
      `<li><button type="button" data-place="${place}">${escapeHtml(text)}</button></li>`).join("")}</ol>`).join("");
    suspects.onclick = (event) => { if (event.target.dataset.place) this.guess(event.target); };
  }

  showSymptoms({ right, wrong, arrays }) {
    const { say } = this.page;
    const rows = arrays.map(({ name, right: good }) =>
      `<li class="${good ? "good" : "bad"}">${good ? "✓" : "✗"} ${escapeHtml(name)}</li>`);
    this.element.querySelector(".symptoms").innerHTML =
      `${chart([{ name: say("curve-right"), values: right }, { name: say("curve-wrong"), values: wrong }])}<ul class="arrays-checked">${rows.join("")}</ul>`;
  }

  async guess(button) {
    const { say } = this.page;
    const reply = await this.page.ask({ want: "hunt", number: this.number, guess: button.dataset.place });
    const box = this.element.querySelector(".verdict");
    if (reply.error) { box.textContent = reply.error.message; return; }
    button.classList.add(reply.found ? "good" : "bad");
    box.innerHTML = `<p class="${reply.found ? "good" : "bad"}">${escapeHtml(reply.said)}</p>${reply.found ? `<pre>${escapeHtml(reply.explanation)}</pre>` : ""}`;
    box.scrollIntoView({ block: "nearest" });
    if (reply.found) {
      this.progress.keep("hunt", this.number, { solved: true });
      this.element.querySelector(`option[value="${this.number}"]`).textContent = `✓ ${this.number}. ${say("hunt-name")}`;
    }
  }
}

// Curves of the loss as a small picture with its legend: [{name, values}, ...]
export function chart(curves) {
  const all = curves.flatMap(({ values }) => values).filter((value) => value !== null);
  const top = Math.max(...all) * 1.05 || 1;
  const n = Math.max(...curves.map(({ values }) => values.length));
  const x = (k) => 44 + (k * 330) / Math.max(1, n - 1);
  const y = (value) => 132 - (value * 122) / top;
  const lines = curves.map(({ values }, k) => {
    const points = values.flatMap((value, step) => (value === null ? [] : [`${x(step).toFixed(1)},${y(value).toFixed(1)}`]));
    return `<polyline class="curve${k}" points="${points.join(" ")}"/>`;
  });
  const ticks = [0, top / 2, top].map((value) => `<text x="38" y="${y(value) + 4}" text-anchor="end">${value.toFixed(2)}</text>`);
  const legend = curves.map(({ name }, k) => `<span class="curve${k}">${escapeHtml(name)}</span>`).join(" ");
  const label = curves.map(({ name, values }) => `${name}: ${values[0]?.toFixed(3)} → ${values.findLast((value) => value !== null)?.toFixed(3)}`).join("; ");
  return `<figure class="chart"><svg viewBox="0 0 384 146" role="img" aria-label="${escapeHtml(label)}"><path d="M44,10V132H376"/>${ticks.join("")}${lines.join("")}</svg><figcaption>${legend}</figcaption></figure>`;
}
