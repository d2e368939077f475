// A line at the foot of the window that disappears by itself: why something was refused.

let noteTimer = 0;
export function note(text) {
  document.getElementById("note").textContent = text;
  document.getElementById("note").hidden = false;
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => { document.getElementById("note").hidden = true; }, 5000);
}
