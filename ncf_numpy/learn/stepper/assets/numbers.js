// Numbers and formulas as text. All numbers come rounded from Python; none is computed here.

export function show(number) {
  if (number === null) return "–";
  if (Number.isInteger(number) && Math.abs(number) < 1e4) return minus(String(number));
  const size = Math.abs(number);
  const text = size >= 1e-3 && size < 1e4 ? number.toPrecision(4) : number.toExponential(3);
  return minus(text.replace("e+", "e"));
}

export function minus(text) {
  return text.replace(/-/g, "−");
}

// A number inside a formula: a negative one in parentheses
export function operand(text) {
  return /^[−-]/.test(text) ? `(${text})` : text;
}

export function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
}

// "dphi_G = alpha * x^T" as the paper writes it
export function pretty(text) {
  return escapeHtml(text)
    .replace(/sum over (\w) of /g, "Σ<sub>$1</sub> ")
    .replace(/sum of (\w+)_b over all b with ids_b = r/, "Σ<sub>b: ids[b] = r</sub> $1<sub>b</sub>")
    .replace(/alpha/g, "α").replace(/beta(\d)/g, "β<sub>$1</sub>")
    .replace(/phi/g, "φ")
    .replace(/\^(-\|\w\||-?\w)/g, "<sup>$1</sup>")
    .replace(/_(pos|neg|[A-Za-z])(?![A-Za-z])/g, "<sub>$1</sub>")
    .replace(/sqrt/g, "√")
    .replace(/ \* /g, " · ")
    .replace(/ - /g, " − ").replace(/-(?=[\w|])/g, "−");
}

// The signs of a line of Python, for reading
export function prettySigns(text) {
  return text.replace(/ \* /g, " × ").replace(/sqrt/g, "√").replace(/-/g, "−");
}
