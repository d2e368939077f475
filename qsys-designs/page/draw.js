// The layout's objects as elements of the page: which kind draws which style, and what all have in common.

import { drawButton } from "./buttons.js";
import { drawCombo, drawList } from "./choices.js";
import { GRAPHICS } from "./graphics.js";
import { drawLed, drawMedia, drawMeter } from "./lamps.js";
import { liveColor, setVar, spoken } from "./parts.js";
import { drawFader, drawKnob } from "./sliders.js";
import { drawText } from "./texts.js";

const STYLES = {
  Text: drawText, TextBox: drawText, TextDisplay: drawText, Indicator: drawText, Button: drawButton, Led: drawLed, LED: drawLed,
  ComboBox: drawCombo, ListBox: drawList, Knob: drawKnob, Fader: drawFader, Meter: drawMeter, Media: drawMedia,
};

const SIDES = { Left: "flex-start", Center: "center", Right: "flex-end", Top: "flex-start", Bottom: "flex-end" };

// Text has the layout's padding around it.
const PADDED = ["label", "readout", "status", "button", "input", "combo"];

// Styles of fonts are spelled as their makers did: "Semibold", "SemiBold", "ExtraLight Italic".
const WEIGHTS = [[/thin/i, 100], [/extra ?light/i, 200], [/light/i, 300], [/medium/i, 500], [/semi ?bold/i, 600],
  [/extra ?bold/i, 800], [/bold/i, 700], [/black/i, 900]];
const weight = (style) => (WEIGHTS.find(([named]) => named.test(style || "")) || [null, "normal"])[1];

// An element for an object of the layout, and what brings it up to date with its control's state, if it has one.
export function draw(object) {
  const control = object.control;
  const make = control ? (STYLES[object.style] || drawText) : (GRAPHICS[object.style] || GRAPHICS.Label);
  const { element, update } = make(object, control);
  dress(element, object);
  if (!control) return { element };
  element.dataset.control = control.name;
  const pretty = spoken(object, control);
  element.title = object.pretty_name.replaceAll("~", " › ") || control.name;
  if (!element.hasAttribute("aria-label") && !element.textContent) element.setAttribute("aria-label", pretty);
  const refresh = (state) => {
    element.hidden = Boolean(state.invisible);
    element.classList.toggle("dim", Boolean(state.disabled));
    element.classList.toggle("mixed", Boolean(state.indeterminate));
    if ("disabled" in element) element.disabled = Boolean(state.disabled);
    const color = liveColor(state.color);
    setVar(element, "--fill", color || object.fill);
    update(state, color);
  };
  return { element, refresh };
}

function dress(element, object) {
  const style = element.style;
  element.classList.add("object");
  Object.assign(style, {
    left: object.x + "px", top: object.y + "px", width: object.w + "px", height: object.h + "px",
    borderWidth: (object.stroke ? object.stroke_width : 0) + "px", borderRadius: object.radius + "px",
    fontSize: object.font_size + "px", fontWeight: object.bold ? "bold" : weight(object.font_style),
    fontStyle: /italic/i.test(object.font_style) ? "italic" : "normal",
    textAlign: object.h_align.toLowerCase(),
  });
  if (object.font) style.fontFamily = `"${object.font.replace(/["\\]/g, "")}", Roboto, Helvetica, Arial, sans-serif`;
  if (!element.classList.contains("list") && !element.classList.contains("knob") && !element.classList.contains("slide")) {
    style.justifyContent = SIDES[object.h_align] || "center";
    style.alignItems = SIDES[object.v_align] || "center";
  }
  if (PADDED.some((kind) => element.classList.contains(kind))) style.padding = object.padding + "px";
  if (object.gloss) element.classList.add("gloss");
  if (object.wrap) element.classList.add("wrap");
  setVar(element, "--fill", object.fill);
  setVar(element, "--ink", object.ink);
  setVar(element, "--stroke", object.stroke);
  setVar(element, "--lit", object.fill || "#3fa0c8");
}
