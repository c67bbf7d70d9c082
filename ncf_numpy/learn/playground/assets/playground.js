// The playground: the stepper, and beside it what a step is made of, to be changed.

import { connect } from "./backend.js";
import { Code } from "./code.js";
import * as link from "./link.js";
import { escapeHtml } from "./numbers.js";
import { Exercises, Hunt, Progress } from "./practice.js";
import { Settings } from "./settings.js";
import { Stepper } from "./stepper.js";

const TABS = ["code", "settings", "exercises", "hunt"];

class Page {
  async start() {
    const [texts, story, own] = await Promise.all(["texts", "story", "playground"].map((name) =>
      fetch(`${name}.json`).then((response) => response.json())));
    this.texts = { ...texts, story, words: { ...texts.words, ...own } };
    this.main = document.querySelector("main");
    this.stepper = new Stepper(this.main, this.texts);
    this.say = (key, values) => this.stepper.words.say(key, values);
    this.progress = new Progress();
    this.state = link.read() ?? { step: {}, edits: {} };
    this.waiting = !link.isMine(this.state.edits); // code that came by a link waits for a click
    this.build();
    this.main.addEventListener("speak", () => this.speak());
    try {
      this.backend = await connect((progress) => this.showProgress(progress));
    } catch (reason) {
      this.status(this.say("failed", { why: reason.message }), "bad");
      return;
    }
    this.catalogue = await this.ask({ want: "catalogue" });
    if (this.catalogue.error) return;
    this.fill();
    await this.run({ clicked: false });
    document.body.dataset.ready = "";
  }

  build() {
    this.aside = document.querySelector("body > aside");
    this.aside.className = "workbench stepper";
    this.aside.innerHTML = `
      <div class="status"><span role="status"></span><progress hidden></progress><button type="button" name="stop" hidden></button></div>
      <div class="tabs" role="tablist">${TABS.map((name) =>
        `<button type="button" role="tab" id="tab-${name}" aria-controls="pane-${name}" data-tab="${name}"></button>`).join("")}</div>
      ${TABS.map((name) => `<section role="tabpanel" id="pane-${name}" aria-labelledby="tab-${name}"></section>`).join("")}
      <p class="about"></p>`;
    const pane = (name) => this.aside.querySelector(`#pane-${name}`);
    this.code = new Code(pane("code"), this);
    this.settings = new Settings(pane("settings"), (...of) => this.say(...of), (step) => this.change({ step, edits: this.state.edits }));
    this.exercises = new Exercises(pane("exercises"), this);
    this.hunt = new Hunt(pane("hunt"), this);
    this.aside.querySelector(".tabs").onclick = (event) => { if (event.target.dataset.tab) this.open(event.target.dataset.tab); };
    this.aside.querySelector(".tabs").onkeydown = (event) => this.moveTab(event);
    this.aside.querySelector('[name="stop"]').onclick = () => this.backend.stop();
    this.open("code");
    this.name();
  }

  // Words of the frame
  name() {
    for (const tab of this.aside.querySelectorAll("[data-tab]")) tab.textContent = this.say(`tab-${tab.dataset.tab}`);
    this.aside.querySelector('[name="stop"]').textContent = this.say("stop");
    const kind = document.querySelector('meta[name="backend"]').content;
    this.aside.querySelector(".about").textContent = this.say(`about-${kind}`);
    this.aside.lang = this.stepper.words.language;
  }

  fill() {
    this.code.build();
    this.exercises.show(this.catalogue.exercises ?? []);
    this.show();
  }

  speak() {
    this.name();
    if (this.catalogue) this.fill();
  }

  open(name) {
    this.tab = name;
    for (const tab of TABS) {
      const button = this.aside.querySelector(`#tab-${tab}`);
      button.setAttribute("aria-selected", tab === name);
      button.tabIndex = tab === name ? 0 : -1;
      this.aside.querySelector(`#pane-${tab}`).hidden = tab !== name;
    }
    if (name === "hunt" && this.catalogue) this.hunt.show();
  }

  moveTab(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.open(TABS[(TABS.indexOf(this.tab) + step + TABS.length) % TABS.length]);
    this.aside.querySelector(`#tab-${this.tab}`).focus();
  }

  // One request at a time; meanwhile the status says so, and Stop ends it
  async ask(request) {
    const mine = (this.turn = (this.turn ?? Promise.resolve()).then(async () => {
      this.status(this.say("running"), "busy");
      const reply = await this.backend.ask(request);
      if (this.aside.querySelector(".status").dataset.kind === "busy") {
        if (reply.error && !reply.error.function) this.status(reply.error.message, "bad");
        else this.status(this.say("ready"));
      }
      return reply;
    }));
    return mine;
  }

  status(text, kind = "") {
    const box = this.aside.querySelector(".status");
    box.dataset.kind = kind;
    box.querySelector("span").textContent = text;
    box.querySelector("progress").hidden = kind !== "loading";
    box.querySelector('[name="stop"]').hidden = kind !== "busy";
  }

  showProgress({ loaded, total, ready, failed }) {
    if (failed) this.status(this.say("failed", { why: failed }), "bad");
    else if (ready) { if (this.aside.querySelector(".status").dataset.kind === "loading") this.status(this.say("ready")); }
    else {
      this.status(this.say("loading", { loaded: (loaded / 1e6).toFixed(1), total: (total / 1e6).toFixed(1) }), "loading");
      Object.assign(this.aside.querySelector("progress"), { value: loaded, max: total });
    }
  }

  // Another state, which runs at once; code of a link that waits goes on waiting
  change({ step, edits }, how = { clicked: false }) {
    const { replaces, ...others } = step; // nothing is replaced without a layer
    this.state = { step: "layer" in edits ? step : others, edits };
    this.waiting &&= Object.keys(edits).length > 0;
    this.show();
    return this.run(how);
  }

  edit(name, text) {
    const edits = { ...this.state.edits };
    if (text === null) delete edits[name];
    else edits[name] = text;
    return this.change({ ...this.state, edits });
  }

  typed() {
    this.stale = true;
    link.write(this.state);
  }

  // What is asked of the step as it now is; without the code of a link that waits
  request(want) {
    const { step, edits } = structuredClone(this.state);
    if (!this.waiting) return { want, step, edits };
    delete step.replaces;
    return { want, step, edits: {} };
  }

  async run({ clicked = true } = {}) {
    if (clicked) this.waiting = false;
    if (!this.waiting) {
      link.remember(this.state.edits);
      link.write(this.state);
    }
    const turn = (this.last = (this.last ?? 0) + 1);
    const started = performance.now();
    const reply = await this.ask(this.request("trace"));
    if (turn !== this.last) return; // a later one comes
    this.reply = reply;
    this.stale = false;
    if (reply.view) {
      this.stepper.show(reply.view);
      const at = reply.first?.record;
      if (at !== undefined) this.stepper.goToRecord(at);
    }
    this.took = performance.now() - started;
    document.body.dataset.runs = Number(document.body.dataset.runs ?? 0) + 1;
    this.show();
  }

  show() {
    this.code.show();
    if (!this.aside.querySelector("#pane-settings").contains(document.activeElement) || this.reply) {
      this.settings.show(this.catalogue, this.state.step, this.reply?.view ?? this.settings.view);
    }
  }
}

const page = new Page();
document.querySelector("main").playground = page;
page.start();
