// Knobs and faders: what is dragged.

import { send, states } from "./link.js";
import { along, isFixed, plain, range, setText, setVar, spoken } from "./parts.js";

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
  element.setAttribute("aria-label", spoken(object, control));
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

export function drawKnob(object, control) {
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


export function drawFader(object, control) {
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
