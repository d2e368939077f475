// Buttons of every style.

import { send, states } from "./link.js";
import { isFixed, pictureUrl, plain, range, setText, setVar } from "./parts.js";

// A plugin's own picture, in its colour where it has one. Designer's own icons are not ours to carry: a diamond
// holds their place, and pointing at it tells which one.
function drawIcon(icon, color) {
  const element = document.createElement("span");
  element.className = "button-icon";
  if (icon.kind === "Icon") {
    element.textContent = "\u25c6";
    element.title = icon.data;
    setVar(element, "color", color);
  } else if (color && icon.kind === "SVG") {
    element.style.maskImage = `url("${pictureUrl(icon.data)}")`;
    element.style.backgroundColor = color;
    element.classList.add("mask");
  } else {
    const image = document.createElement("img");
    image.className = "icon";
    image.alt = "";
    image.src = pictureUrl(icon.data);
    element.append(image);
  }
  return element;
}

export function drawButton(object, control) {
  const element = plain("button", "button", object.text);
  if (object.icon) element.prepend(drawIcon(object.icon, object.icon_color));
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

// Calls back once when a finger or a key goes down, and once when it goes up or is lost.
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
