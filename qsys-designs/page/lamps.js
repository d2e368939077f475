// Objects that only show: LEDs, meters, media.

import { along, plain, range, setText, setVar, spoken } from "./parts.js";

export function drawLed(object, control) {
  const element = plain("div", "led");
  element.role = "img";
  const pretty = spoken(object, control);
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

// Where a meter's bar begins: a level at the bottom, a reduction at the top, a gain at 0.
function foot(object, control) {
  if (object.meter === "Reduction") return 1;
  if (object.meter !== "Gain") return 0;
  return range(control) ? Math.max(0, Math.min(1, -control.min / range(control))) : 0.5;
}

export function drawMeter(object, control) {
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
      const [from, to] = [foot(object, control), state.position].sort((a, b) => a - b);
      const start = from * 100 + "%", size = (to - from) * 100 + "%";
      Object.assign(bar.style, upright ? { left: 0, right: 0, bottom: start, height: size } : { top: 0, bottom: 0, left: start, width: size });
    },
  };
}

// A stream is not fetched, since the page talks to its own server only: the frame says what Designer would show.
export function drawMedia() {
  const element = plain("div", "media wrap", "");
  return { element, update(state) { setText(element, state.string ? "Media: " + state.string : "Media"); } };
}
