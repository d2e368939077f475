// Draws the panel that the server describes, keeps it live, and sends what fingers do.
"use strict";

// ---- The frame around the panel ----

const find = (id) => document.getElementById(id);
const stage = find("stage");
let panel = null; // what to draw, as the server said
let component = "";
let states = {}; // control name → its state
let shown = -1; // index of the page on the stage
let drawn = new Map(); // control name → functions that bring its objects up to date

function fit() {
  if (!panel) return;
  const room = find("room"), edge = 8;
  const scale = Math.max(0.5, Math.min((room.clientWidth - 2 * edge) / panel.width, (room.clientHeight - 2 * edge) / panel.height));
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
  stage.replaceChildren(...(page ? page.objects.map(draw) : []));
  for (const name of drawn.keys()) refresh(name);
}

function refresh(name) {
  const state = states[name] || { value: 0, string: "", position: 0 };
  for (const update of drawn.get(name) || []) update(state);
}

let noteTimer = 0;
function note(text) {
  find("note").textContent = text;
  find("note").hidden = false;
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => { find("note").hidden = true; }, 5000);
}

// ---- The link ----

let socket = null, wait = 250, silence = 0;

function setLink(state, words) {
  document.body.dataset.link = state;
  find("link-text").textContent = words;
  find("cut").hidden = state !== "cut";
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/live`);
  const mine = socket;
  const listen = () => {
    clearTimeout(silence);
    // The server says something every two seconds.
    silence = setTimeout(() => mine.close(), 5000);
  };
  listen();
  mine.onmessage = (message) => {
    listen();
    hear(JSON.parse(message.data));
    wait = 250;
    if (document.body.dataset.link !== "live") setLink("live", "live");
  };
  mine.onclose = () => {
    if (mine !== socket) return;
    clearTimeout(silence);
    setLink("cut", "no link");
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 2000);
  };
}

function hear(said) {
  if (said.panel) {
    const again = JSON.stringify(said.panel) === JSON.stringify(panel) && component === said.component;
    panel = said.panel;
    component = said.component;
    states = said.controls;
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

// What cannot be sent now is not sent later: a press belongs to its moment.
function send(control, act) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ control, act }));
}

// ---- What is drawn ----

const STATES = [
  ["OK", "#1f7a40", "#ffffff"], ["Compromised", "#f0a040", "#181c22"], ["Fault", "#c62f2f", "#ffffff"],
  ["Not Present", "#c3c8d0", "#181c22"], ["Missing", "#c62f2f", "#ffffff"], ["Initializing", "#2f6fc6", "#ffffff"],
];
const SIDES = { Left: "flex-start", Center: "center", Right: "flex-end", Top: "flex-start", Bottom: "flex-end" };

function draw(object) {
  const control = object.control;
  const make = control ? (STYLES[object.style] || drawText) : (GRAPHICS[object.style] || drawLabel);
  const { element, update } = make(object, control);
  dress(element, object);
  if (!control) return element;
  element.dataset.control = control.name;
  const pretty = object.pretty_name.split("~").pop() || control.name;
  element.title = object.pretty_name.replaceAll("~", " › ") || control.name;
  if (!element.hasAttribute("aria-label") && !element.textContent) element.setAttribute("aria-label", pretty);
  const all = drawn.get(control.name) || [];
  all.push((state) => {
    element.hidden = Boolean(state.invisible);
    element.classList.toggle("dim", Boolean(state.disabled));
    element.classList.toggle("mixed", Boolean(state.indeterminate));
    if ("disabled" in element) element.disabled = Boolean(state.disabled);
    const color = liveColor(state.color);
    const own = object.style === "Led" || object.style === "Button" ? object.fill : null;
    setVar(element, "--fill", color || own || object.fill);
    update(state, color);
  });
  drawn.set(control.name, all);
  return element;
}

function dress(element, object) {
  const style = element.style;
  element.classList.add("object");
  Object.assign(style, {
    left: object.x + "px", top: object.y + "px", width: object.w + "px", height: object.h + "px",
    borderWidth: (object.stroke ? object.stroke_width : 0) + "px", borderRadius: object.radius + "px",
    fontSize: object.font_size + "px", fontWeight: object.bold ? "bold" : "normal",
    textAlign: object.h_align.toLowerCase(),
  });
  if (object.font) style.fontFamily = `"${object.font.replace(/["\\]/g, "")}", Roboto, Helvetica, Arial, sans-serif`;
  if (!element.classList.contains("list") && !element.classList.contains("knob") && !element.classList.contains("slide")) {
    style.justifyContent = SIDES[object.h_align] || "center";
    style.alignItems = SIDES[object.v_align] || "center";
  }
  if (object.wrap) element.classList.add("wrap");
  setVar(element, "--fill", object.fill);
  setVar(element, "--ink", object.ink);
  setVar(element, "--stroke", object.stroke);
  setVar(element, "--lit", object.fill || "#3fa0c8");
}

function setVar(element, name, value) {
  if (value) element.style.setProperty(name, value);
  else element.style.removeProperty(name);
}

// The Core's colours: as CSS, but alpha comes first, and "!HHSSVV" is hue, saturation, value.
function liveColor(text) {
  if (!text) return null;
  const argb = /^#([0-9a-f]{2})([0-9a-f]{6})$/i.exec(text);
  if (argb) return `#${argb[2]}${argb[1]}`;
  const hsv = /^!([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (hsv) {
    const [h, s, v] = hsv.slice(1).map((part) => parseInt(part, 16) / 255);
    const channel = (n) => { const k = (n + h * 6) % 6; return Math.round(255 * (v - v * s * Math.max(0, Math.min(k, 4 - k, 1)))); };
    return `rgb(${channel(5)} ${channel(3)} ${channel(1)})`;
  }
  return CSS.supports("color", text) ? text : null;
}

function plain(tag, classes, text) {
  const element = document.createElement(tag);
  element.className = classes;
  if (tag === "button") element.type = "button";
  if (text !== undefined) {
    const words = document.createElement("span");
    words.className = "words";
    words.textContent = text;
    element.append(words);
  }
  return element;
}
const still = (element) => ({ element, update() {} });
const setText = (element, text) => { const words = element.querySelector(".words"); if (words.textContent !== text) words.textContent = text; };
const range = (control) => Math.max(0, control.max - control.min);

// ---- Graphics ----

function drawLabel(object) { return still(plain("div", "label", object.text)); }

function drawHeader(object) { return still(plain("div", "header", object.text)); }

function drawBox(object) {
  // A caption sits at the box's upper edge, wherever the rest is aligned.
  object = Object.assign(object, { v_align: "Top" });
  return still(plain("div", "box", object.text));
}

function drawImage(object) {
  const element = plain("div", "picture");
  const data = object.image.replace(/\s+/g, "");
  const kinds = [["iVBOR", "image/png"], ["/9j/", "image/jpeg"], ["R0lGOD", "image/gif"]];
  const kind = (kinds.find(([head]) => data.startsWith(head)) || ["", "image/svg+xml"])[1];
  const image = document.createElement("img");
  image.className = "icon";
  image.alt = object.text;
  image.src = object.image.trimStart().startsWith("<") ? "data:image/svg+xml," + encodeURIComponent(object.image) : `data:${kind};base64,${data}`;
  element.append(image);
  return still(element);
}

const GRAPHICS = { Label: drawLabel, Text: drawLabel, GroupBox: drawBox, Header: drawHeader, Image: drawImage, Svg: drawImage };

// ---- Controls ----

const isFixed = (object, control) => object.read_only || control.kind === "Indicator";

function drawText(object, control) {
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
    // What the plugin makes of it comes back; if it leaves it as it was, so does the field.
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

function drawLed(object, control) {
  const element = plain("div", "led");
  element.role = "img";
  const pretty = object.pretty_name.split("~").pop() || control.name;
  return {
    element,
    update(state, color) {
      const on = state.value > 0.5 || (control.variant !== "Led" && state.position > 0.5);
      const fill = color || object.fill || "#3fbf6f";
      element.classList.toggle("lit", on);
      element.dataset.state = on ? "on" : "off";
      element.setAttribute("aria-label", `${pretty}: ${on ? "on" : "off"}`);
      setVar(element, "--fill", on ? fill : object.off || `color-mix(in srgb, ${fill} 30%, #181c22)`);
    },
  };
}

function drawButton(object, control) {
  const element = plain("button", "button", object.text);
  const style = object.button_style || control.variant || "Trigger";
  const stays = style === "Toggle" || style === "On" || style === "Off" || (style === "StateTrigger" && range(control) === 1);
  const value = () => (states[control.name] || { value: 0 }).value;
  if (isFixed(object, control)) {
    element.disabled = true;
    element.style.cursor = "default";
  } else if (style === "Momentary" || style === "Custom") {
    hold(element, (down) => {
      if (style === "Momentary") send(control.name, { value: down ? 1 : 0 });
      else if (object.custom) send(control.name, custom(control, object.custom[down ? 0 : 1]));
    });
  } else {
    element.addEventListener("click", () => {
      if (style === "On" || style === "Off") send(control.name, { value: style === "On" ? 1 : 0 });
      else if (style === "StateTrigger") send(control.name, { value: value() >= control.max ? control.min : value() + 1 });
      else send(control.name, "press");
    });
    hold(element, () => {});
  }
  return {
    element,
    update(state, color) {
      const legend = state.legend || object.text;
      setText(element, legend);
      if (legend) element.removeAttribute("aria-label");
      if (isFixed(object, control)) element.disabled = true;
      if (style === "Trigger") return;
      const on = state.value > 0.5;
      const fill = color || object.fill || "#6fb7d6";
      element.classList.toggle("lit", on);
      element.dataset.state = on ? "on" : "off";
      if (stays) element.setAttribute("aria-pressed", on);
      setVar(element, "--fill", on ? fill : object.off || `color-mix(in srgb, ${fill} 45%, #6a7078)`);
    },
  };
}

function custom(control, text) {
  if (control.kind === "Text") return { text };
  return { value: Number.isFinite(parseFloat(text)) ? parseFloat(text) : 0 };
}

// Calls back once when a finger or a key goes down, and once when it is gone, however it goes.
function hold(element, act) {
  let down = false;
  const set = (now) => {
    if (now === down || (now && element.disabled)) return;
    down = now;
    element.classList.toggle("down", down);
    act(down);
  };
  const isKey = (event) => event.key === " " || event.key === "Enter";
  element.addEventListener("pointerdown", (event) => { if (event.button === 0) { element.setPointerCapture(event.pointerId); set(true); } });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) element.addEventListener(end, () => set(false));
  element.addEventListener("keydown", (event) => { if (isKey(event) && !event.repeat) set(true); });
  element.addEventListener("keyup", (event) => { if (isKey(event)) set(false); });
  element.addEventListener("contextmenu", (event) => event.preventDefault());
}

function drawCombo(object, control) {
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

function drawList(object, control) {
  const element = plain("div", "list");
  element.role = "listbox";
  element.setAttribute("aria-label", object.pretty_name.split("~").pop() || control.name);
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

// Sends no more than one position per drawn frame.
function positions(control) {
  let next = null;
  return (position) => {
    if (next === null) requestAnimationFrame(() => { send(control.name, { position: next }); next = null; });
    next = Math.max(0, Math.min(1, position));
  };
}

// Drag, wheel and arrow keys on a knob or fader. `place` turns a pointer into a position.
function slide(element, object, control, paint, place) {
  const push = positions(control);
  let position = 0, dragging = false, start = null;
  element.role = "slider";
  element.setAttribute("aria-label", object.pretty_name.split("~").pop() || control.name);
  element.setAttribute("aria-valuemin", control.min);
  element.setAttribute("aria-valuemax", control.max);
  const off = () => (states[control.name] || {}).disabled;
  const move = (to) => { position = Math.max(0, Math.min(1, to)); paint(position); push(position); };
  if (isFixed(object, control)) {
    element.classList.add("still");
  } else {
    element.tabIndex = 0;
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || off()) return;
      element.setPointerCapture(event.pointerId);
      element.classList.add("down");
      dragging = true;
      start = { x: event.clientX, y: event.clientY, position };
    });
    element.addEventListener("pointermove", (event) => { if (dragging) move(place(event, start, element.getBoundingClientRect())); });
    const end = () => { dragging = false; element.classList.remove("down"); };
    for (const way of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(way, end);
    const step = control.variant === "Integer" && range(control) <= 100 ? 1 / Math.max(1, range(control)) : 0.01;
    element.addEventListener("keydown", (event) => {
      const by = { ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step, PageUp: 10 * step, PageDown: -10 * step, Home: -1, End: 1 }[event.key];
      if (by && !off()) { event.preventDefault(); move(position + by); }
    });
    element.addEventListener("wheel", (event) => { if (!off()) { event.preventDefault(); move(position - Math.sign(event.deltaY) * step * 2); } }, { passive: false });
  }
  return (state, color) => {
    if (color) setVar(element, "--lit", color);
    element.setAttribute("aria-valuenow", state.value);
    element.setAttribute("aria-valuetext", state.string);
    if (element.querySelector(".words")) setText(element, state.string);
    if (!dragging) paint(position = state.position);
  };
}

function drawKnob(object, control) {
  const element = plain("div", "slide knob");
  const dial = plain("div", "dial");
  element.append(dial);
  if (object.show_text && object.h >= object.font_size * 3) {
    const value = plain("div", "value", "");
    element.append(value);
  }
  const paint = (position) => dial.style.setProperty("--at", position);
  // The full range is 200 pixels of hand, wherever on the knob it began.
  const place = (event, start) => start.position + (start.y - event.clientY + event.clientX - start.x) / 200;
  const update = slide(element, object, control, paint, place);
  return { element, update(state, color) { setVar(element, "--fill", null); update(state, color); } };
}

// The position of faders and meters along their longer side.
function along(element, object) {
  const upright = object.h >= object.w;
  element.classList.add(upright ? "upright" : "flat");
  return upright;
}

function drawFader(object, control) {
  const element = plain("div", "slide fader");
  const upright = along(element, object);
  const length = upright ? object.h : object.w, breadth = upright ? object.w : object.h;
  const grip = Math.max(12, Math.min(44, length / 6)), travel = length - grip;
  const track = plain("div", "track"), bar = plain("div", "bar"), thumb = plain("div", "thumb");
  element.append(track, bar, thumb);
  if (object.show_text) element.append(plain("div", "value", ""));
  const put = (part, from, size, inset) => {
    const box = upright ? { bottom: from, height: size, left: inset, right: inset } : { left: from, width: size, top: inset, bottom: inset };
    for (const [side, at] of Object.entries(box)) part.style[side] = at + "px";
  };
  put(track, grip / 2, travel, breadth * 0.42);
  const paint = (position) => { put(bar, grip / 2, travel * position, breadth * 0.42); put(thumb, travel * position, grip, breadth * 0.12); };
  const place = (event, start, box) => {
    const scale = upright ? box.height / object.h : box.width / object.w;
    const moved = upright ? start.y - event.clientY : event.clientX - start.x;
    return start.position + moved / (travel * scale);
  };
  const update = slide(element, object, control, paint, place);
  return { element, update(state, color) { setVar(element, "--fill", object.background); update(state, color); } };
}

function drawMeter(object) {
  const element = plain("div", "meter");
  const upright = along(element, object);
  const bar = plain("div", "bar");
  element.append(bar);
  element.role = "meter";
  return {
    element,
    update(state, color) {
      setVar(element, "--fill", object.background || "#14181d");
      if (color) setVar(element, "--lit", color);
      element.setAttribute("aria-valuetext", state.string);
      const size = state.position * 100 + "%";
      Object.assign(bar.style, upright ? { left: 0, right: 0, bottom: 0, height: size } : { top: 0, bottom: 0, left: 0, width: size });
    },
  };
}

function drawMedia() { return still(plain("div", "label", "Media is not shown here")); }

const STYLES = {
  Text: drawText, TextBox: drawText, TextDisplay: drawText, Indicator: drawText, Button: drawButton, Led: drawLed, LED: drawLed,
  ComboBox: drawCombo, ListBox: drawList, Knob: drawKnob, Fader: drawFader, Meter: drawMeter, Media: drawMedia,
};

connect();
