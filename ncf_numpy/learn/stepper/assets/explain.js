// What is said about one number: the formula with its numbers, the check, and where it comes from.

import { at, flatten } from "./arrays.js";
import { entryName, operandsOf, termsOf, worked } from "./formula.js";
import { escapeHtml, minus, operand, show } from "./numbers.js";

// "dW[3, 2] = 0.1 × 0.2 + ... = 0.03", as HTML
export function numbersOf(view, words, record, entry, all) {
  const value = at(view.array(record.v), entry);
  if (!record.term) return `${entryName(record.name, entry, record.rows)} = <span class="equals">${show(value)}</span>`;
  const made = worked(view, record, entry, { all, more: (n) => words.say("more", { n }) });
  const name = entryName(record.name, entry, record.rows);
  const right = record.right === undefined ? value : at(view.array(record.right), entry);
  const html = `${name} = ${made} = <span class="equals">${show(right)}</span>`;
  if (right === value) return html;
  return `${html} <span class="bad">${escapeHtml(words.say("bug-gives", { value: show(value) }))}</span>`;
}

// Of an operand: "x[2, 3] = 0.1"
export function operandNumbers(figure, entry) {
  const name = entryName(figure.name, entry, figure.rows);
  return `${name} = <span class="equals op${figure.hole.tint}">${show(at(figure.packed, entry))}</span>`;
}

// Of a line that a learner has written: what was found out about its value, and by which measure
function verdictOf(view, words, record, entry) {
  if (record.verdict === "not judged") return escapeHtml(words.say("not-judged"));
  const measure = escapeHtml(words.say(record.by.includes("derivative") ? "by-derivative" : "by-original", { of: record.of }));
  if (record.verdict === "right") return `<span class="right">✓</span> ${measure}`;
  const [value, right] = [record.v, record.expected ?? record.v].map((number) => at(view.array(number), entry));
  const text = value === right ? words.say("right-here") : words.say("would-be", { value: show(right) });
  const why = record.follows ? escapeHtml(words.say("follows")) : measure;
  return `<span class="bad">✗ ${escapeHtml(text)}</span> · ${why}`;
}

// The numerical gradient of an entry beside the analytic one
export function checkOf(view, words, record, entry) {
  if (record.file.startsWith("your ")) return record.verdict ? verdictOf(view, words, record, entry) : "";
  if (record.num === undefined) return "";
  if (!record.checked) return escapeHtml(words.say("all-kinks"));
  const numerical = view.array(record.num);
  const value = at(numerical, entry);
  const failing = new Set(record.failing);
  const mark = value === null ? "" : failing.has(flatten(entry, numerical.s))
    ? '<span class="bad">✗</span>' : '<span class="right">✓</span>';
  const counts = { n: record.checked, total: numerical.v.length, bad: failing.size, error: minus(record.error) };
  const kinks = record.kinks ? words.say("kinks", { n: record.kinks }) : "";
  const verdict = escapeHtml(words.say(failing.size ? "fails" : "passes", counts) + kinks);
  const text = value === null ? words.say("not-taken") : show(value);
  return `${escapeHtml(words.say("numerical"))} <b>${escapeHtml(text)}</b> ${mark} · `
    + (failing.size ? `<span class="bad">${verdict}</span>` : verdict);
}

// What a reader should know of this entry, where there is something
export function noteOf(view, words, record, entry) {
  if (record.fn === "Embedding.backward" && record.term) {
    const hole = record.holes["dy[b,k]"];
    const terms = termsOf(record, entry).map(([, index]) => show(at(view.array(hole.a), index["dy[b,k]"])));
    const name = view.data.names[record.table][record.rows[entry[0]]];
    if (terms.length === 1) return words.say("once", { name });
    const last = terms[terms.length - 1];
    const sum = show(at(view.array(record.right ?? record.v), entry));
    return words.say("often", { name, n: terms.length, terms: terms.map(operand).join(" + "), sum, last });
  }
  if (record.phase === "update" && record.table) return words.say(view.step ? "outside-later" : "outside");
  return "";
}

// Where an operand comes from: {text, record} or a text alone
export function originOf(view, words, hole) {
  if (typeof hole.from !== "number") return { text: words.say(`origin-${hole.from}`) };
  const record = view.base(hole.from);
  const stop = view.stopOf(hole.from);
  const values = { name: record.name, n: stop + 1, box: record.box };
  return { text: words.say("origin", values), record: hole.from };
}

// For each entry of an operand, flat, the entries of the result it acts in
export function usesOf(view, record, figure) {
  const uses = new Map();
  const entries = entriesOf(view.array(record.v).s);
  for (const entry of entries) {
    for (const indices of operandsOf(record, entry)) {
      for (const code of figure.codes) {
        if (!indices[code]) continue;
        const flat = flatten(indices[code], figure.packed.s);
        if (!uses.has(flat)) uses.set(flat, new Set());
        uses.get(flat).add(entry);
      }
    }
  }
  return uses;
}

function entriesOf(shape) {
  return shape.reduce((list, n) => list.flatMap((entry) => [...Array(n).keys()].map((k) => [...entry, k])), [[]]);
}
