// The live connection: states come in, acts go out.

let socket = null, wait = 250, silence = 0;
let hear = () => {};

// Control name → its state, as last heard. Always the same object, so that others may keep it.
export const states = {};

function setLink(state, words) {
  document.body.dataset.link = state;
  document.getElementById("link-text").textContent = words;
  document.getElementById("cut").hidden = state !== "cut";
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/live`);
  const mine = socket;
  const heard = () => {
    clearTimeout(silence);
    // The server says something every two seconds.
    silence = setTimeout(() => mine.close(), 5000);
  };
  heard();
  mine.onmessage = (message) => {
    heard();
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

// Keeps a connection to the server, and calls back with all it says.
export function listen(callback) {
  hear = callback;
  connect();
}

// What cannot be sent now is not sent later: a late press would come as a surprise.
export function send(control, act) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ control, act }));
}
