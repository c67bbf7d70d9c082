// Training on the one batch: its loss, where the embeddings go, and all weights as maps.

import { largest, sizes } from "./arrays.js";
import { drawMap, palettes } from "./colours.js";
import { escapeHtml, show } from "./numbers.js";

const NEXT_EVERY = 120; // milliseconds
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 410, 18, 228]; // of a chart of 420 by 260

export class Training {
  constructor(element, stepper) {
    this.element = element;
    this.stepper = stepper;
    this.at = 0;
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  build(view) {
    this.pause();
    this.view = view;
    this.data = view.data.training;
    this.element.replaceChildren();
    if (!this.data) return;
    const { words } = this.stepper;
    const say = (key) => escapeHtml(words.say(key));
    this.at = Math.min(this.at, this.data.taken.length - 1);
    this.element.innerHTML = `
      <div class="controls" role="group" aria-label="${say("training-steps")}">
        <button type="button" data-part="train-play">${say("play")}</button>
        <div class="slide"><input type="range" data-part="train-slider" min="0" aria-label="${say("training-step")}"></div>
        <output data-part="train-count"></output>
      </div>
      <p class="notice" data-part="train-bug" hidden></p>
      <div class="group into" data-part="into" role="group" aria-label="${say("look-into")}"></div>
      <div class="charts">
        <figure><figcaption>${say("loss-chart")}</figcaption>
          <svg data-part="loss-chart" viewBox="0 0 420 260" role="img"></svg></figure>
        <figure><figcaption>${say("points-chart")}</figcaption>
          <svg data-part="points" viewBox="0 0 420 260" role="img"></svg>
          <p class="legend"><span class="user-mark"></span> ${say("users")} <span class="item-mark"></span> ${say("items")}</p></figure>
      </div>
      <div class="weights" data-part="weights"></div>`;
    this.part("train-slider").max = this.data.taken.length - 1;
    this.part("train-slider").addEventListener("input", (event) => this.go(Number(event.target.value)));
    this.part("train-play").addEventListener("click", () => this.play());
    this.buildInto(words);
    this.buildWeights(words);
  }

  // The steps that can be looked into, number by number
  buildInto(words) {
    const label = document.createElement("span");
    label.textContent = words.say("look-into");
    const steps = [1, ...Object.keys(this.data.inside).map(Number)];
    this.part("into").replaceChildren(label, ...steps.map((step) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words.say("into-step", { n: step });
      button.dataset.step = step;
      button.addEventListener("click", () => {
        this.stepper.look("step");
        this.stepper.choose(step === 1 ? this.view.bug : "", step === 1 ? 0 : step);
        this.stepper.go(0);
        this.stepper.part("next").focus();
      });
      return button;
    }));
  }

  buildWeights(words) {
    const { shapes, runs, labels, n_users: users } = this.data;
    this.canvases = {};
    for (const [name, shape] of Object.entries(shapes)) {
      const figure = document.createElement("figure");
      const [rows, columns] = sizes({ s: shape });
      const line = parseFloat(getComputedStyle(this.element).fontSize);
      const cell = [Math.max(2, Math.min(18, 240 / columns)), Math.max(3, Math.min(1.15 * line, 220 / rows))];
      const names = { user: labels.slice(0, users), item: labels.slice(users) }[name.slice(0, 4)];
      const list = names && cell[1] >= line ? names.map((row) => `<span style="height:${cell[1]}px;line-height:${cell[1]}px">${escapeHtml(row)}</span>`) : [];
      figure.innerHTML = `<figcaption>${escapeHtml(name)} (${shape.join(", ")}${shape.length === 1 ? "," : ""})</figcaption>
        <div class="named"><span class="rows">${list.join("")}</span><canvas role="img"></canvas></div>`;
      const canvas = figure.querySelector("canvas");
      canvas.setAttribute("aria-label", words.say("map-of", { name }));
      const most = Math.max(...runs[""].weights[name].map((v) => largest({ v })));
      this.canvases[name] = { canvas, cell, shape, most };
      this.part("weights").append(figure);
    }
  }

  go(at) {
    this.at = at;
    this.render();
  }

  play() {
    if (this.timer) { this.pause(); return; }
    const last = this.data.taken.length - 1;
    if (this.at === last) this.at = 0;
    this.timer = setInterval(() => {
      if (this.at === last) this.pause();
      else this.go(this.at + 1);
    }, NEXT_EVERY);
    this.render();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    if (this.data) this.part("train-play").textContent = this.stepper.words.say("play");
  }

  render() {
    const { words } = this.stepper;
    const { taken, runs } = this.data;
    const { bug } = this.view;
    const run = runs[bug] ?? runs[""];
    const step = taken[this.at];
    const palette = palettes(this.stepper.root).value;
    this.part("train-slider").value = this.at;
    this.part("train-count").textContent = words.say("step-of", { n: step, total: run.losses.length });
    this.part("train-play").textContent = words.say(this.timer ? "pause" : "play");
    this.part("train-bug").hidden = !bug;
    if (bug) {
      this.part("train-bug").innerHTML = `<b>${escapeHtml(words.say("planted"))}</b> ${escapeHtml(words.bug(bug, this.view.data.bugs[bug].summary))}. ${escapeHtml(words.say("bug-curve"))}`;
    }
    for (const button of this.part("into").querySelectorAll("button")) button.hidden = Boolean(bug) && button.dataset.step !== "1";
    for (const [name, { canvas, cell, shape, most }] of Object.entries(this.canvases)) {
      drawMap(canvas, { s: shape, v: run.weights[name][this.at] }, palette, cell, most);
    }
    this.drawLosses(runs[""].losses, bug ? run.losses : null, step);
    this.drawPoints(run.points);
  }

  drawLosses(losses, wrong, step) {
    const top = Math.max(...losses, ...(wrong ?? []).filter((value) => value < 4 * losses[0])) * 1.05;
    const x = (k) => LEFT + (k * (RIGHT - LEFT)) / Math.max(1, losses.length - 1);
    const y = (value) => BOTTOM - (Math.min(value, top) * (BOTTOM - TOP)) / top;
    const line = (values) => values.map((value, k) => `${k ? "L" : "M"}${x(k).toFixed(1)},${y(value).toFixed(1)}`).join("");
    const now = Math.min(step, losses.length - 1);
    const ticks = [0, top / 2, top].map((v) => `<text x="${LEFT - 6}" y="${y(v) + 4}" text-anchor="end">${v.toFixed(2)}</text>`);
    const dot = (values, colour, above) => `<circle cx="${x(now)}" cy="${y(values[now])}" r="5" fill="${colour}"/>`
      + `<text x="${Math.min(365, x(now) + 9)}" y="${Math.max(14, y(values[now]) + (above ? -9 : 18))}" style="fill:${colour}">${show(values[now])}</text>`;
    this.part("loss-chart").innerHTML = `<path d="M${LEFT},${TOP}V${BOTTOM}H${RIGHT}" fill="none" stroke="var(--line)"/>${ticks.join("")}`
      + `<text x="${RIGHT}" y="246" text-anchor="end">${losses.length}</text><text x="${LEFT}" y="246">1</text>`
      + `<path d="${line(losses)}" fill="none" stroke="var(--loss)" stroke-width="2.5"/>${dot(losses, "var(--loss)", true)}`
      + (wrong ? `<path d="${line(wrong)}" fill="none" stroke="var(--wrong)" stroke-width="2.5" stroke-dasharray="6 4"/>${dot(wrong, "var(--wrong)", false)}` : "");
    const values = { n: now + 1, value: show((wrong ?? losses)[now]), first: show((wrong ?? losses)[0]) };
    this.part("loss-chart").setAttribute("aria-label", this.stepper.words.say("loss-at", values));
  }

  drawPoints(points) {
    const { labels, n_users: users } = this.data;
    const all = points.flat();
    const scale = (values, low, high) => {
      const [a, b] = [Math.min(...values), Math.max(...values)];
      return (v) => low + ((v - a) * (high - low)) / (b - a || 1);
    };
    const x = scale(all.filter((_, n) => n % 2 === 0), 14, 405);
    const y = scale(all.filter((_, n) => n % 2 === 1), 240, 16);
    const marks = labels.map((label, r) => {
      const [px, py] = [x(points[this.at][2 * r]), y(points[this.at][2 * r + 1])];
      return { label: label.slice(0, 24), r, px, py, left: px > 210 };
    });
    spread(marks);
    this.part("points").innerHTML = marks.map(({ label, r, px, py, left, line }) => {
      const trail = points.slice(0, this.at + 1).map((p, n) => `${n ? "L" : "M"}${x(p[2 * r]).toFixed(1)},${y(p[2 * r + 1]).toFixed(1)}`);
      const colour = r < users ? "var(--forward)" : "var(--backward)";
      const mark = r < users ? `<circle cx="${px}" cy="${py}" r="5" fill="${colour}"/>`
        : `<rect x="${px - 4.5}" y="${py - 4.5}" width="9" height="9" rx="1" fill="${colour}"/>`;
      return `<path d="${trail.join("")}" fill="none" stroke="${colour}" opacity=".45"/>${mark}`
        + `<text x="${px + (left ? -9 : 9)}" y="${line}"${left ? ' text-anchor="end"' : ""}>${escapeHtml(label)}</text>`;
    }).join("");
    this.part("points").setAttribute("aria-label", this.stepper.words.say("points-chart"));
  }
}

// Move each label down until it lies over no other label and no other point
function spread(marks) {
  const width = (mark) => 9 + 6 * mark.label.length;
  const from = (mark) => (mark.left ? mark.px - width(mark) : mark.px);
  const points = marks.map((mark) => ({ mark, left: mark.px - 5, right: mark.px + 5, line: mark.py + 4 }));
  const placed = [];
  for (const mark of [...marks].sort((a, b) => a.py - b.py)) {
    mark.line = mark.py + 4;
    const taken = [...points.filter((point) => point.mark !== mark), ...placed].sort((a, b) => a.line - b.line);
    for (const { left, right, line } of taken) {
      const beside = from(mark) < right && left < from(mark) + width(mark);
      if (beside && Math.abs(mark.line - line) < 11) mark.line = line + 11;
    }
    placed.push({ left: from(mark), right: from(mark) + width(mark), line: mark.line });
  }
}
