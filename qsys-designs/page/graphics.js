// Objects without a control: labels, boxes, headers, pictures.

import { pictureUrl, plain, still } from "./parts.js";

function drawLabel(object) { return still(plain("div", "label", object.text)); }

function drawHeader(object) { return still(plain("div", "header", object.text)); }

function drawBox(object) {
  // A caption sits at the box's upper edge, wherever the rest is aligned.
  object = Object.assign(object, { v_align: "Top" });
  return still(plain("div", "box", object.text));
}

function drawImage(object) {
  const element = plain("div", "picture");
  const image = document.createElement("img");
  image.className = "icon";
  image.alt = object.text;
  image.src = pictureUrl(object.image);
  element.append(image);
  return still(element);
}

export const GRAPHICS = { Label: drawLabel, Text: drawLabel, GroupBox: drawBox, Header: drawHeader, Image: drawImage, Svg: drawImage };
