// Text controls: readouts, the Status control, fields to type into.

import { send, states } from "./link.js";
import { note } from "./note.js";
import { isFixed, plain, setText, setVar } from "./parts.js";

const STATES = [
  ["OK", "#1f7a40", "#ffffff"], ["Compromised", "#f0a040", "#181c22"], ["Fault", "#c62f2f", "#ffffff"],
  ["Not Present", "#c3c8d0", "#181c22"], ["Missing", "#c62f2f", "#ffffff"], ["Initializing", "#2f6fc6", "#ffffff"],
];

export function drawText(object, control) {
  if (control.variant === "Status" && control.kind === "Indicator") return drawStatus(object);
  if (isFixed(object, control) || control.kind === "Button") {
    const element = plain("div", "readout", "");
    return { element, update(state) { setText(element, state.string); } };
  }
  return drawInput(object, control);
}

function drawStatus() {
  const element = plain("div", "status wrap", "");
  element.role = "status";
  return {
    element,
    update(state, color) {
      const [word, fill, ink] = STATES[Math.max(0, Math.min(5, Math.round(state.value)))];
      setVar(element, "--fill", color || fill);
      setVar(element, "--ink", ink);
      element.dataset.state = word;
      setText(element, state.string && state.string !== word ? `${word} - ${state.string}` : word);
    },
  };
}

// A field keeps what is being typed until Enter or until it is left; Escape drops it.
function drawInput(object, control) {
  const lines = object.wrap && object.h > object.font_size * 3;
  const element = plain(lines ? "textarea" : "input", "input");
  element.autocomplete = "off";
  element.spellcheck = false;
  element.maxLength = 60000;
  let draft = false;
  const now = () => (states[control.name] || { string: "" }).string;
  const commit = () => {
    if (!draft) return;
    draft = false;
    element.classList.remove("draft");
    const number = parseFloat(element.value);
    if (control.kind === "Text") send(control.name, { text: element.value });
    else if (Number.isFinite(number)) send(control.name, { value: number * (/[0-9]\s*k/i.test(element.value) ? 1000 : 1) });
    else note(`"${element.value}" is no number: expected ${control.min} to ${control.max}`);
    // The plugin's own text comes back; where it keeps the old one, so does the field.
    setTimeout(() => { if (!draft) element.value = now(); }, 400);
  };
  element.addEventListener("input", () => { draft = true; element.classList.add("draft"); });
  element.addEventListener("change", commit);
  element.addEventListener("blur", commit);
  element.addEventListener("focus", () => element.select());
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !(lines && event.shiftKey)) { event.preventDefault(); commit(); }
    if (event.key === "Escape") { draft = false; element.classList.remove("draft"); element.value = now(); }
  });
  return { element, update(state) { if (!draft && element.value !== state.string) element.value = state.string; } };
}
