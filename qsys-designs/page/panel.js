// The frame around the panel: its pages, their size in the window, and the state of the link.

import { draw } from "./draw.js";
import { listen, states } from "./link.js";
import { note } from "./note.js";

const find = (id) => document.getElementById(id);
const stage = find("stage");
let panel = null; // what to draw, as the server said
let component = "";
let shown = -1; // index of the page on the stage
let drawn = new Map(); // control name → functions that bring its objects up to date

function fit() {
  if (!panel) return;
  const room = find("room"), edge = 8;
  const scale = Math.max(0.3, Math.min((room.clientWidth - 2 * edge) / panel.width, (room.clientHeight - 2 * edge) / panel.height));
  stage.style.width = panel.width + "px";
  stage.style.height = panel.height + "px";
  stage.style.transform = `scale(${scale})`;
  stage.style.left = Math.max(edge, (room.clientWidth - panel.width * scale) / 2) + "px";
  stage.style.top = Math.max(edge, (room.clientHeight - panel.height * scale) / 2) + "px";
}
addEventListener("resize", fit);

function chosenPage() {
  let name = "";
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* not a name of ours */ }
  const index = panel.pages.findIndex((page) => page.name === name);
  return index < 0 ? 0 : index;
}
addEventListener("hashchange", () => panel && show(chosenPage()));

function drawTabs() {
  const tabs = panel.pages.map((page, index) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.role = "tab";
    tab.textContent = page.name;
    tab.addEventListener("click", () => { location.hash = encodeURIComponent(page.name); show(index); });
    return tab;
  });
  find("tabs").replaceChildren(...tabs);
  find("plugin").textContent = panel.plugin.split("~").pop() + " " + panel.plugin_version;
  find("component").textContent = "Code Name " + component;
}

function show(index) {
  if (index === shown) return;
  shown = index;
  [...find("tabs").children].forEach((tab, i) => tab.setAttribute("aria-selected", i === index));
  drawn = new Map();
  const page = panel.pages[index];
  stage.setAttribute("aria-label", page ? page.name : "");
  document.title = page ? `${panel.plugin.split("~").pop()}: ${page.name}` : "Panel";
  stage.replaceChildren(...(page ? page.objects.map(place) : []));
  for (const name of drawn.keys()) refresh(name);
}

// Draws an object and remembers what brings it up to date.
function place(object) {
  const { element, refresh: update } = draw(object);
  if (update) drawn.set(object.control.name, [...(drawn.get(object.control.name) || []), update]);
  return element;
}

function refresh(name) {
  const state = states[name] || { value: 0, string: "", position: 0 };
  for (const update of drawn.get(name) || []) update(state);
}

function hear(said) {
  if (said.panel) {
    const again = JSON.stringify(said.panel) === JSON.stringify(panel) && component === said.component;
    panel = said.panel;
    component = said.component;
    for (const name of Object.keys(states)) delete states[name];
    Object.assign(states, said.controls);
    if (!again) {
      shown = -1;
      drawTabs();
      fit();
      show(chosenPage());
    } else {
      for (const name of drawn.keys()) refresh(name);
    }
    return;
  }
  for (const [name, state] of Object.entries(said.controls || {})) {
    states[name] = state;
    refresh(name);
  }
  if (said.refused) {
    note(said.refused.why);
    refresh(said.refused.control);
  }
}

listen(hear);
