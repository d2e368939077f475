// What all objects are made of: elements, words, colours.

export function plain(tag, classes, text) {
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

export const still = (element) => ({ element, update() {} });
export const setText = (element, text) => { const words = element.querySelector(".words"); if (words.textContent !== text) words.textContent = text; };
export const range = (control) => Math.max(0, control.max - control.min);

export function setVar(element, name, value) {
  if (value) element.style.setProperty(name, value);
  else element.style.removeProperty(name);
}

export const isFixed = (object, control) => object.read_only || control.kind === "Indicator";

// The last folder of a control's pretty name; what a screen reader says.
export const spoken = (object, control) => object.pretty_name.split("~").pop() || control.name;

// The Core's colours: as CSS, but alpha comes first, and "!HHSSVV" is hue, saturation, value.
export function liveColor(text) {
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

// The address of a picture that a plugin carries with it: base64 as the layout has it, or plain SVG.
export function pictureUrl(picture) {
  if (picture.trimStart().startsWith("<")) return "data:image/svg+xml," + encodeURIComponent(picture);
  const data = picture.replace(/\s+/g, "");
  const kinds = [["iVBOR", "image/png"], ["/9j/", "image/jpeg"], ["R0lGOD", "image/gif"]];
  const kind = (kinds.find(([head]) => data.startsWith(head)) || ["", "image/svg+xml"])[1];
  return `data:${kind};base64,${data}`;
}

// The position of faders and meters along their longer side.
export function along(element, object) {
  const upright = object.h >= object.w;
  element.classList.add(upright ? "upright" : "flat");
  return upright;
}
