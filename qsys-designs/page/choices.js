// Combo boxes and list boxes: one of the plugin's choices.

import { send, states } from "./link.js";
import { isFixed, plain, spoken } from "./parts.js";

export function drawCombo(object, control) {
  const element = plain("select", "combo");
  element.addEventListener("change", () => send(control.name, { text: element.value }));
  return {
    element,
    update(state) {
      const choices = state.choices || [];
      const all = choices.includes(state.string) ? choices : [state.string, ...choices];
      if (JSON.stringify(all) !== element.dataset.all) {
        element.dataset.all = JSON.stringify(all);
        element.replaceChildren(...all.map((text) => new Option(text, text)));
      }
      element.value = state.string;
      element.disabled = Boolean(state.disabled) || isFixed(object, control);
    },
  };
}

export function drawList(object, control) {
  const element = plain("div", "list");
  element.role = "listbox";
  element.setAttribute("aria-label", spoken(object, control));
  element.tabIndex = 0;
  const choose = (text) => { if (text !== undefined && !isFixed(object, control)) send(control.name, { text }); };
  element.addEventListener("keydown", (event) => {
    const state = states[control.name] || {}, choices = state.choices || [];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = choices.indexOf(state.string);
    choose(choices[at < 0 ? 0 : Math.max(0, Math.min(choices.length - 1, at + step))]);
  });
  return {
    element,
    update(state) {
      const choices = state.choices || [];
      if (JSON.stringify(choices) !== element.dataset.all) {
        element.dataset.all = JSON.stringify(choices);
        const rows = choices.map((text) => {
          const row = document.createElement("div");
          row.role = "option";
          row.textContent = text;
          row.addEventListener("click", () => choose(text));
          return row;
        });
        if (rows.length === 0) rows.push(plain("div", "none", "nothing to choose from"));
        element.replaceChildren(...rows);
      }
      [...element.children].forEach((row, i) => row.setAttribute("aria-selected", choices[i] !== undefined && choices[i] === state.string));
      element.style.pointerEvents = state.disabled ? "none" : "";
    },
  };
}
