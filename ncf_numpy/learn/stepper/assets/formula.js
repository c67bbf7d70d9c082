// The formula of one entry: which numbers it is made of, and the line with these numbers in it.

import { at } from "./arrays.js";
import { escapeHtml, minus, operand, pretty, prettySigns, show } from "./numbers.js";

const TERMS_SHOWN = 3;

// The terms of one entry: [[template, {hole: index}], ...]
export function termsOf(record, entry) {
  const letters = lettersOf(record, entry);
  let template = record.term;
  const [letter, n] = record.sum;
  let values = [...Array(n).keys()];
  if (record.otherwise) {
    if (!record.choices[entry[entry.length - 1]]) template = record.otherwise;
  } else if (record.choices) {
    values = record.choices[entry[0]];
  }
  return values.map((value) => {
    if (letter) letters[letter] = value;
    return [template, indicesIn(record, template, letters)];
  });
}

function lettersOf(record, entry) {
  return Object.fromEntries(record.axes.map((letter, axis) => [letter, entry[axis]]));
}

function indicesIn(record, template, letters) {
  const found = {};
  for (const code of holesIn(template)) {
    const hole = record.holes[code];
    if (hole.index) {
      found[code] = hole.index.map(([letter, map]) => {
        if (!letter) return map[0];
        return map ? map[letters[letter]] : letters[letter];
      });
    }
  }
  return found;
}

const holesOfTemplates = new Map();

function holesIn(template) {
  if (!holesOfTemplates.has(template)) {
    holesOfTemplates.set(template, [...template.matchAll(/\{([^{}]+)\}/g)].map(([, code]) => code));
  }
  return holesOfTemplates.get(template);
}

// All operands of one entry: [{hole: index}, ...]
export function operandsOf(record, entry) {
  const whole = indicesIn(record, record.whole, lettersOf(record, entry));
  return [...termsOf(record, entry).map(([, index]) => index), whole];
}

// The formula with its numbers, as HTML; of a long sum the first terms and a button for the rest
export function worked(view, record, entry, { all, more }) {
  let terms = termsOf(record, entry);
  if (record.whole === "SUM" && !record.sum[0] && /^\{[^{}]+\}$/.test(terms[0][0])) {
    return copiedFrom(record, terms[0][1]);
  }
  const hidden = all || terms.length <= TERMS_SHOWN + 1 ? 0 : terms.length - TERMS_SHOWN;
  if (hidden) {
    const zero = ([, index]) => Object.entries(index).some(([code, k]) => at(view.array(record.holes[code].a), k) === 0);
    terms = [...terms.filter((t) => !zero(t)), ...terms.filter(zero)].slice(0, TERMS_SHOWN);
  }
  const sum = (terms.map(([template, index]) => fill(view, record, template, index)).join(" + ") || "0")
    + (hidden ? ` + <button type="button" class="more">${more(hidden)}</button>` : "");
  const whole = indicesIn(record, record.whole, lettersOf(record, entry));
  return fill(view, record, record.whole, whole).replace("SUM", sum);
}

function fill(view, record, template, index) {
  let html = prettySigns(escapeHtml(template));
  for (const code of holesIn(template)) {
    const hole = record.holes[code];
    const text = hole.index ? show(at(view.array(hole.a), index[code])) : minus(hole.text);
    html = html.split(prettySigns(escapeHtml(`{${code}}`)))
      .join(`<span class="op${hole.tint ?? 9}">${operand(text)}</span>`);
  }
  return html.replace(/\*\*(<span[^>]*>[^<]*<\/span>)/g, "<sup>$1</sup>");
}

// An entry that was only copied: its place instead of its number
function copiedFrom(record, index) {
  const [[code, k]] = Object.entries(index);
  const hole = record.holes[code];
  return `<span class="op${hole.tint ?? 9}">${entryName(hole.name, k, hole.rows)}</span>`;
}

// "dW[391, 1]" as HTML: of a table, with the number of its row
export function entryName(name, entry, rows) {
  if (!entry.length) return pretty(name);
  return `${pretty(name)}[${(rows ? [rows[entry[0]], ...entry.slice(1)] : entry).join(", ")}]`;
}
