// The stepper: one training step in one element of a page, which may be given another at any time.
//
//   const stepper = new Stepper(element, texts);   // fills the element
//   stepper.show(data);                            // view_of(...) of Python, as JSON
//   stepper.show(other);                           // stays at the same stop if the model is the same
//   stepper.remove();                              // leaves nothing behind
//
// It needs no id and no global name, and hears keys only if the focus is in it or on no element.

import { FRAME } from "./frame.js";
import { Graph } from "./graph.js";
import { escapeHtml } from "./numbers.js";
import { Panel } from "./panel.js";
import { Training } from "./training.js";
import { View } from "./view.js";
import { Words } from "./words.js";

const PLAY_EVERY = 1600; // milliseconds

export class Stepper {
  constructor(root, texts, language = navigator.language.slice(0, 2)) {
    this.root = root;
    this.texts = texts;
    this.words = new Words(texts, language);
    this.ending = new AbortController();
    root.classList.add("stepper");
    root.innerHTML = FRAME;
    this.graph = new Graph(this.part("graph"), this);
    this.panel = new Panel(this);
    this.training = new Training(this.part("training-view"), this);
    this.wire();
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  // Show a step. `stop` is where to begin; else the one shown now, if there is such a stop
  show(data, stop = null) {
    this.pause();
    const same = this.view?.data.model === data.model && this.view.stops.length === data.stops.length;
    this.view = new View(data);
    this.view.choose("", 0);
    this.moveTo(stop ?? (same ? this.stop : 0));
    this.fillIn();
    this.graph.build(this.view);
    this.training.build(this.view);
    this.look("step");
  }

  remove() {
    this.pause();
    this.training.pause();
    this.ending.abort();
    this.root.replaceChildren();
    this.root.classList.remove("stepper");
  }

  // All that is words
  fillIn() {
    const { data } = this.view;
    const words = this.words;
    words.fillIn(this.root);
    this.part("title").innerHTML = `${escapeHtml(data.model)} <span>${words.say("subtitle")}</span>`;
    this.part("subtitle").textContent = words.say("batch", {
      n: data.batch.length, source: data.source || words.say("interactions"), loss: data.loss, optimizer: data.optimizer,
    });
    this.part("keys").innerHTML = words.say("keys").replace(/\[([^\]]+)\]/g, "<kbd>$1</kbd>");
    this.part("bug").replaceChildren(
      new Option(words.say("no-bug"), ""), ...Object.keys(data.bugs).map((name) => new Option(name, name)),
    );
    this.part("bug").value = this.view.bug;
    this.part("bug").closest("label").hidden = !Object.keys(data.bugs).length;
    this.part("views").hidden = !data.training;
    if (data.training) this.part("to-training").textContent = words.say("training", { n: data.training.runs[""].losses.length });
    for (const button of this.part("languages").children) {
      button.setAttribute("aria-pressed", button.lang === words.language);
    }
    this.part("phases").replaceChildren(...data.stops.map(({ phase }) => {
      const part = document.createElement("span");
      part.style.background = `var(--${phase})`;
      return part;
    }));
    this.part("slider").max = data.stops.length - 1;
  }

  // Another language: the same stop in other words
  speak(language) {
    this.words = new Words(this.texts, language);
    this.fillIn();
    this.training.build(this.view);
    this.look(this.looking);
    this.root.dispatchEvent(new Event("speak"));
  }

  // A planted bug (or ""), or a later step of training (or 0)
  choose(bug, step = 0) {
    this.view.choose(bug, step);
    this.part("bug").value = bug;
    this.look(step ? "step" : this.looking);
  }

  look(which) {
    this.looking = which;
    this.part("step-view").hidden = which !== "step";
    this.part("training-view").hidden = which !== "training";
    for (const button of this.part("views").children) {
      button.setAttribute("aria-pressed", button.dataset.view === which);
    }
    if (which === "training") {
      this.pause();
      this.training.render();
    } else {
      this.training.pause();
      this.graph.layout();
      this.render();
    }
  }

  go(stop) {
    this.moveTo(stop);
    this.render();
    if (!this.inView()) this.part("panel").scrollIntoView({ block: "start" });
  }

  // Whether the head of the panel and the number that is explained are seen together
  inView() {
    const controls = this.part("controls");
    const sticky = getComputedStyle(controls).position === "sticky";
    const bottom = sticky ? controls.getBoundingClientRect().top : innerHeight;
    const number = this.root.querySelector(".here").getBoundingClientRect();
    return this.part("panel").getBoundingClientRect().top >= 0 && number.bottom <= bottom;
  }

  // Of an update the last line, which writes the weight; else the first
  moveTo(stop) {
    this.stop = Math.max(0, Math.min(this.view.stops.length - 1, stop));
    const { phase, records } = this.view.stops[this.stop];
    this.line = phase === "update" ? records.length - 1 : 0;
  }

  // Line k of the box that is shown, at an entry if one is named
  goToLine(line, entry = null) {
    this.line = line;
    this.panel.render(entry);
  }

  // The stop at which a record was computed, with an entry of it
  goToRecord(number, entry) {
    this.go(this.view.stopOf(number));
    this.goToLine(this.view.stops[this.stop].records.indexOf(number), entry);
  }

  get number() {
    return this.view.stops[this.stop].records[this.line];
  }

  render() {
    const { stops } = this.view;
    const { phase, box } = stops[this.stop];
    const words = this.words;
    const place = words.say("step-of", { n: this.stop + 1, total: stops.length });
    this.root.style.setProperty("--now", `var(--${phase})`);
    this.part("slider").value = this.stop;
    this.part("slider").setAttribute("aria-valuetext", `${place}: ${words.say(phase)}, ${box}`);
    this.part("count").textContent = `${this.stop + 1} / ${stops.length}`;
    this.part("back").setAttribute("aria-disabled", this.stop === 0);
    this.part("next").setAttribute("aria-disabled", this.stop === stops.length - 1);
    this.part("play").textContent = words.say(this.timer ? "pause" : "play");
    this.graph.render(this.stop);
    this.panel.render();
  }

  // For who listens: the whole panel as text
  announce() {
    const text = (name) => this.part(name).textContent.trim();
    const place = this.words.say("step-of", { n: this.stop + 1, total: this.view.stops.length });
    const parts = [place, `${text("phase")}, ${text("box")}`, this.view.record(this.number).text,
      text("numbers"), text("check"), text("note"), text("why")];
    this.part("said").textContent = parts.filter(Boolean).join(". ");
  }

  play() {
    if (this.timer) { this.pause(); return; }
    const last = () => this.stop === this.view.stops.length - 1;
    this.timer = setInterval(() => {
      if (last()) this.pause();
      else this.go(this.stop + 1);
    }, PLAY_EVERY);
    this.go(last() ? 0 : this.stop);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    if (this.view) this.part("play").textContent = this.words.say("play");
  }

  wire() {
    const on = (name, type, action) => this.part(name).addEventListener(type, action);
    on("next", "click", () => this.go(this.stop + 1));
    on("back", "click", () => this.go(this.stop - 1));
    on("play", "click", () => this.play());
    on("to-forward", "click", () => this.go(0));
    on("to-backward", "click", () => this.go(this.view.firstOf("backward")));
    on("slider", "input", (event) => this.go(Number(event.target.value)));
    on("bug", "change", (event) => this.choose(event.target.value));
    on("views", "click", (event) => { if (event.target.dataset.view) this.look(event.target.dataset.view); });
    for (const [language, name] of Object.entries(this.texts.languages)) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", lang: language, textContent: name });
      button.addEventListener("click", () => this.speak(language));
      this.part("languages").append(button);
    }
    const signal = this.ending.signal;
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    addEventListener("resize", () => { if (this.view) this.look(this.looking); }, { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.view && this.look(this.looking), { signal });
  }

  key(event) {
    const mine = event.target === document.body || this.root.contains(event.target);
    const field = event.target.closest("select, input, textarea");
    if (!mine || field || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!this.view || this.looking !== "step") return;
    const keys = {
      ArrowRight: () => this.go(this.stop + 1),
      ArrowLeft: () => this.go(this.stop - 1),
      Home: () => this.go(0),
      End: () => this.go(this.view.stops.length - 1),
      f: () => this.go(0),
      r: () => this.go(this.view.firstOf("backward")),
      " ": event.target.closest("button") ? null : () => this.play(),
    };
    const line = Number(event.key) - 1;
    if (keys[event.key]) keys[event.key]();
    else if (event.key !== " " && this.view.stops[this.stop].records[line] !== undefined) this.goToLine(line);
    else return;
    event.preventDefault();
  }
}
