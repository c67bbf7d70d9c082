// A text of Python with numbered lines, each of which can be marked.

const INDENT = "    ";

export class Editor {
  // onInput(text) on each change; onRun() on Ctrl-Enter
  constructor(element, { label, onInput, onRun }) {
    element.classList.add("editor");
    this.gutter = document.createElement("ol");
    this.gutter.className = "gutter";
    this.gutter.setAttribute("aria-hidden", "true");
    this.area = document.createElement("textarea");
    Object.assign(this.area, { spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off" });
    this.area.setAttribute("aria-label", label);
    element.replaceChildren(this.gutter, this.area);
    this.area.addEventListener("input", () => { this.marks = {}; this.number(); onInput(this.text); });
    this.area.addEventListener("scroll", () => { this.gutter.scrollTop = this.area.scrollTop; });
    this.area.addEventListener("keydown", (event) => this.key(event, onRun));
    this.marks = {};
  }

  get text() { return this.area.value; }

  set text(text) {
    this.area.value = text;
    this.marks = {};
    this.number();
  }

  // {line: ["wrong" | "right" | "open" | "error", what to say]}
  mark(marks) {
    this.marks = marks;
    this.number();
  }

  number() {
    const lines = this.text.split("\n");
    this.gutter.replaceChildren(...lines.map((_, k) => {
      const item = document.createElement("li");
      const [kind, title] = this.marks[k + 1] ?? [];
      item.textContent = k + 1;
      if (kind) { item.className = kind; item.title = title; }
      return item;
    }));
    this.area.rows = Math.max(8, Math.min(26, lines.length + 1));
  }

  // Tab indents, and after Escape leaves the field, as it does elsewhere
  key(event, onRun) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onRun();
    } else if (event.key === "Escape") {
      this.leaving = true;
    } else if (event.key === "Tab" && !this.leaving) {
      event.preventDefault();
      if (event.shiftKey) this.outdent();
      else this.insert(INDENT);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const before = this.text.slice(0, this.area.selectionStart).split("\n").pop();
      this.insert(`\n${before.match(/^ */)[0]}${before.trimEnd().endsWith(":") ? INDENT : ""}`);
    }
    if (event.key !== "Escape" && event.key !== "Shift") this.leaving = false;
  }

  insert(text) {
    // so that undo still works; where that is not supported, without
    if (!document.execCommand("insertText", false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.dispatchEvent(new Event("input"));
    }
  }

  outdent() {
    const { selectionStart: place } = this.area;
    const start = this.text.lastIndexOf("\n", place - 1) + 1;
    const spaces = Math.min(INDENT.length, this.text.slice(start).match(/^ */)[0].length);
    if (!spaces) return;
    this.area.setSelectionRange(start, start + spaces);
    document.execCommand("delete");
    this.area.setSelectionRange(Math.max(start, place - spaces), Math.max(start, place - spaces));
  }

  focusLine(line) {
    const lines = this.text.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.area.focus();
    this.area.setSelectionRange(start, start + lines[line - 1].length);
  }
}
