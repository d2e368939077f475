//! A real browser: headless Chromium, driven over its own debugging protocol with real mouse and keys.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::stage::until;

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(40);

/// Asks the page how its link to the server is: `live` or `cut`.
pub(crate) const LIVE: &str = "document.body?.dataset.link";

/// One window of a browser of its own, which does not outlive its test.
pub(crate) struct Browser {
    chromium: Child,
    profile: TempDir,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    asked: u64,
    /// What the page's scripts threw, and what the browser itself complained of.
    complaints: Vec<String>,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let profile = TempDir::new().unwrap();
        let chromium = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("needs the program chromium: apt-get install chromium");
        // Two lines: the port, and the path of the debugging socket.
        let note = profile.path().join("DevToolsActivePort");
        let (port, path) = until("the browser", || {
            let text = std::fs::read_to_string(&note).ok()?;
            let (port, path) = text.split_once('\n')?;
            (!path.is_empty()).then(|| (port.to_owned(), path.trim().to_owned()))
        });
        let address = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        let mut browser = Self {
            chromium,
            profile,
            socket,
            session: None,
            asked: 0,
            complaints: Vec::new(),
        };
        let blank = json!({"url": "about:blank"});
        let target = browser.ask("Target.createTarget", blank).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.ask("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.ask(domain, json!({})).await;
        }
        browser
    }

    /// One command of the protocol and its result.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut command = json!({"id": self.asked, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let sent = Message::text(command.to_string());
        self.socket.send(sent).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answer(self.asked)).await;
        answer.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {method}"))
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.socket.next().await.expect("the browser ended");
            let Message::Text(text) = message.unwrap() else {
                continue;
            };
            let mut said: Value = serde_json::from_str(&text).unwrap();
            if said["id"] == id {
                assert!(said.get("error").is_none(), "{said}");
                return said["result"].take();
            }
            let complaint = match said["method"].as_str() {
                Some("Runtime.exceptionThrown") => &said["params"]["exceptionDetails"],
                Some("Log.entryAdded") => &said["params"]["entry"],
                _ => continue,
            };
            self.complaints.push(complaint.to_string());
        }
    }

    pub(crate) async fn size(&mut self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    pub(crate) async fn open(&mut self, url: &str) {
        self.ask("Page.navigate", json!({ "url": url })).await;
    }

    /// Goes to another page of the panel, by its tab.
    pub(crate) async fn page(&mut self, name: &str) {
        let tabs = "[...document.querySelectorAll('#tabs button')].map((tab) => tab.textContent)";
        let tabs = self.until(tabs, |said| said[0].is_string()).await;
        let at = tabs.as_array().unwrap().iter().position(|tab| tab == name);
        let at = at.unwrap_or_else(|| panic!("no page {name} in {tabs}")) + 1;
        self.click(&format!("#tabs button:nth-child({at})")).await;
    }

    /// What an expression says in the page.
    pub(crate) async fn eval(&mut self, script: &str) -> Value {
        let script = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let mut result = self.ask("Runtime.evaluate", script).await;
        assert!(result.get("exceptionDetails").is_none(), "{result}");
        result["result"]["value"].take()
    }

    /// Asks the page until it says what is wanted.
    pub(crate) async fn until(&mut self, script: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.eval(script).await;
            if wanted(&said) {
                return said;
            }
            assert!(Instant::now() < deadline, "{script} says {said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the control's object reads so.
    pub(crate) async fn until_reads(
        &mut self,
        control: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let script =
            format!("document.querySelector('[data-control=\"{control}\"]')?.innerText ?? ''");
        let text = self.until(&script, |said| said.as_str().is_some_and(&wanted));
        text.await.as_str().unwrap_or_default().to_owned()
    }

    /// From now on keeps everything that the control's object reads, each with the browser's time in milliseconds.
    pub(crate) async fn watch(&mut self, control: &str) {
        let script = format!(
            "(() => {{ const e = document.querySelector('[data-control=\"{control}\"]'), seen = []; \
             const look = () => {{ if (seen.at(-1)?.[0] !== e.innerText) seen.push([e.innerText, performance.now()]); }}; \
             look(); new MutationObserver(look).observe(e, {{subtree: true, childList: true, characterData: true}}); \
             (window.watched ??= {{}})[\"{control}\"] = seen; }})()"
        );
        self.eval(&script).await;
    }

    /// What a watched control's object has read, oldest first.
    pub(crate) async fn watched(&mut self, control: &str) -> Vec<(String, f64)> {
        let seen = self.eval(&format!("window.watched[\"{control}\"]")).await;
        serde_json::from_value(seen).unwrap()
    }

    /// The browser's own clock, in milliseconds.
    pub(crate) async fn now(&mut self) -> f64 {
        self.eval("performance.now()").await.as_f64().unwrap()
    }

    /// A click with the mouse on an object of the panel.
    pub(crate) async fn press(&mut self, control: &str) {
        self.click(&format!("[data-control={control}]")).await;
    }

    /// A click with the mouse, in the middle of the first element that matches, if it can be seen.
    pub(crate) async fn click(&mut self, selector: &str) {
        let script = format!(
            "(() => {{ const e = document.querySelector({selector:?}); if (!e) return null; \
             const b = e.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2; \
             const top = document.elementFromPoint(x, y); \
             return !e.disabled && (e === top || e.contains(top)) ? [x, y] : null; }})()"
        );
        let at = self.until(&script, Value::is_array).await;
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({"type": kind, "x": at[0], "y": at[1], "button": "left",
                "buttons": buttons, "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Draws the first element that matches by a part of its own width and height.
    pub(crate) async fn drag(&mut self, selector: &str, right: f64, down: f64) {
        let script = format!(
            "(() => {{ const b = document.querySelector({selector:?}).getBoundingClientRect(); \
             return [b.x + b.width / 2, b.y + b.height / 2, b.width, b.height]; }})()"
        );
        let at = self.eval(&script).await;
        let [x, y, width, height] = [0, 1, 2, 3].map(|i| at[i].as_f64().unwrap());
        let (far_x, far_y) = (x + right * width, y + down * height);
        for (kind, x, y, buttons) in [
            ("mouseMoved", x, y, 0),
            ("mousePressed", x, y, 1),
            ("mouseMoved", (x + far_x) / 2.0, (y + far_y) / 2.0, 1),
            ("mouseMoved", far_x, far_y, 1),
            ("mouseReleased", far_x, far_y, 0),
        ] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left",
                "buttons": buttons, "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types into what has the focus, and presses Enter.
    pub(crate) async fn type_line(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text })).await;
        for kind in ["keyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Enter", "code": "Enter",
                "windowsVirtualKeyCode": 13, "text": "\r"});
            self.ask("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Keeps a picture of the window, where the variable SCREENSHOTS names a folder for them.
    pub(crate) async fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else {
            return;
        };
        let shot = self
            .ask("Page.captureScreenshot", json!({"format": "png"}))
            .await;
        let data = shot["data"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(data);
        std::fs::write(Path::new(&folder).join(name), bytes.unwrap()).unwrap();
    }

    /// What went wrong in the page so far.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.chromium.kill();
        let _ = self.chromium.wait();
        // Its helpers may still be writing as they end; what they leave is the profile's and goes too.
        let _ = std::fs::remove_dir_all(self.profile.path());
    }
}
