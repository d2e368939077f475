//! The panel page as a browser meets it, byte by byte and over a WebSocket.

use std::time::Duration;

use contract::control;
use futures_util::{SinkExt, StreamExt};
use qrc_sim::{Core, CoreOptions, Design};
use qsys_designs::page::{Preview, serve};
use qsys_designs::{DemoOptions, demo_design, place_plugin};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{self, ClientRequestBuilder, Message};
use tokio_util::sync::CancellationToken;

const PLUGIN: &str = control::CODE_NAME;
const PATIENCE: Duration = Duration::from_secs(20);

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

/// A Core and its page, both served.
struct Site {
    core: Core,
    host: String,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Site {
    async fn start(core: Core, preview: Preview) -> Site {
        let listener = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
        let (wire, page) = (listener().await, listener().await);
        let host = page.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        let (served, until) = (core.clone(), stop.clone());
        tokio::spawn(async move { served.serve(wire, until).await });
        let serving = tokio::spawn(serve(page, preview, stop.clone()));
        Site {
            core,
            host,
            stop,
            serving,
        }
    }

    async fn demo() -> Site {
        let demo = demo_design(&DemoOptions {
            churn_per_second: 0.0,
            ..DemoOptions::default()
        });
        let core = Core::new(demo.design, CoreOptions::emulator());
        for script in demo.scripts {
            core.add_script(script);
        }
        let preview = Preview {
            core: core.clone(),
            code_name: PLUGIN.into(),
            panel: demo.panel,
            view: demo.view,
        };
        Site::start(core, preview).await
    }

    /// Any plugin, alone in a design.
    async fn of(source: &str) -> Site {
        let mut design = Design::new("Bench", "b");
        let placed = place_plugin(&mut design, PLUGIN, source).unwrap();
        let core = Core::new(design, CoreOptions::emulator());
        core.add_script(Box::new(placed.host));
        let preview = Preview {
            core: core.clone(),
            code_name: PLUGIN.into(),
            panel: placed.panel,
            view: placed.view,
        };
        Site::start(core, preview).await
    }

    /// Status line and headers, and body, of whatever bytes are sent.
    async fn raw(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        tokio::time::timeout(PATIENCE, reading)
            .await
            .unwrap()
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (String, String) {
        let host = &self.host;
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await
    }

    async fn connect(&self, origin: Option<&str>) -> Result<Socket, tungstenite::Error> {
        let uri = format!("ws://{}/live", self.host).parse().unwrap();
        let mut request = ClientRequestBuilder::new(uri);
        if let Some(origin) = origin {
            request = request.with_header("Origin", origin);
        }
        let stream = TcpStream::connect(&self.host).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(socket)
    }

    /// A page that is open, and its first message.
    async fn page(&self) -> (Page, Json) {
        let origin = format!("http://{}", self.host);
        let mut page = Page(self.connect(Some(&origin)).await.unwrap());
        let hello = page.until("the hello", |said| said.get("panel").is_some());
        let hello = hello.await;
        (page, hello)
    }

    fn string(&self, control: &str) -> String {
        self.core.with_controls(|c| {
            let key = c.lookup(PLUGIN, control).unwrap();
            c.string(key).to_string()
        })
    }

    fn write(&self, control: &str, text: &str) {
        self.core.with_controls(|c| {
            let key = c.lookup(PLUGIN, control).unwrap();
            c.set_string(key, text);
        });
    }
}

struct Page(Socket);

impl Page {
    async fn say(&mut self, document: &Json) {
        let text = Message::text(document.to_string());
        self.0.send(text).await.unwrap();
    }

    async fn act(&mut self, control: &str, act: Json) {
        self.say(&json!({ "control": control, "act": act })).await;
    }

    async fn next(&mut self) -> Option<Json> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    async fn until(&mut self, what: &str, is_it: impl Fn(&Json) -> bool) -> Json {
        let waiting = async {
            loop {
                let said = self.next().await.unwrap_or_else(|| {
                    panic!("the server closed before {what}");
                });
                if is_it(&said) {
                    return said;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(said) => said,
            Err(_) => panic!("waited {PATIENCE:?} for {what}"),
        }
    }

    async fn until_shows(&mut self, control: &str, is_it: impl Fn(&Json) -> bool) -> Json {
        let said = self.until(control, |said| {
            said["controls"].get(control).is_some_and(&is_it)
        });
        said.await["controls"][control].clone()
    }

    async fn refused(&mut self) -> String {
        let said = self.until("a refusal", |said| said.get("refused").is_some());
        said.await["refused"]["why"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_page_and_its_files_come_whole_and_need_nothing_from_elsewhere() {
    let site = Site::demo().await;
    for (path, kind, holds) in [
        ("/", "text/html; charset=utf-8", "<script src=\"panel.js\""),
        ("/panel.css", "text/css; charset=utf-8", ".button"),
        (
            "/link.js",
            "text/javascript; charset=utf-8",
            "new WebSocket",
        ),
    ] {
        let (head, body) = site.get(path).await;
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert!(
            head.contains(&format!("content-type: {kind}")),
            "{path}: {head}"
        );
        assert!(head.contains("content-security-policy: default-src 'none'"));
        assert!(head.contains("cache-control: no-store"), "{head}");
        assert!(body.contains(holds), "{path}");
        assert_at_home(path, &body);
    }
}

fn assert_at_home(path: &str, body: &str) {
    for outside in [
        "http://",
        "https://",
        "url(h",
        "url(/",
        "@import",
        "innerHTML",
    ] {
        assert!(!body.contains(outside), "{path} names {outside}");
    }
}

#[tokio::test]
async fn every_script_that_another_imports_is_served() {
    let site = Site::demo().await;
    let mut wanted = vec!["panel.js".to_owned()];
    let mut got = std::collections::HashSet::new();
    while let Some(name) = wanted.pop() {
        if !got.insert(name.clone()) {
            continue;
        }
        let (head, body) = site.get(&format!("/{name}")).await;
        assert!(head.starts_with("http/1.1 200"), "{name}: {head}");
        assert_at_home(&name, &body);
        let imports = body.split(" from \"./").skip(1);
        wanted.extend(imports.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    let kept = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
    let names = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let scripts: std::collections::HashSet<_> = names.filter(|n| n.ends_with(".js")).collect();
    assert_eq!(got, scripts, "nothing is kept that no page loads");
}

#[tokio::test]
async fn what_is_not_there_or_not_understood_gets_an_answer() {
    let site = Site::demo().await;
    let (head, body) = site.get("/etc/passwd").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    assert!(body.contains("the panel is at /"));
    let (head, _) = site.get("/live").await;
    assert!(head.starts_with("http/1.1 4"), "no upgrade asked: {head}");
    let (head, _) = site
        .raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert!(head.starts_with("http/1.1 405"), "{head}");
    let (head, _) = site.raw("what?\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
}

#[tokio::test]
async fn another_sites_page_and_a_borrowed_name_are_refused() {
    let site = Site::demo().await;
    let right = format!("http://{}", site.host);
    site.connect(Some(&right)).await.unwrap();
    site.connect(None).await.unwrap();
    for origin in [
        "http://evil.example",
        "null",
        &format!("https://{}", site.host),
    ] {
        match site.connect(Some(origin)).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 403),
            other => panic!("{origin}: {:?}", other.map(|_| "let in")),
        }
    }
    let (head, body) = site
        .raw("GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n")
        .await;
    assert!(head.starts_with("http/1.1 403"), "{head}");
    assert!(body.contains("IP address"), "{body}");
}

#[tokio::test]
async fn a_page_gets_the_panel_with_all_states_and_then_only_what_changes() {
    let site = Site::demo().await;
    let (mut page, hello) = site.page().await;
    assert_eq!(hello["component"], PLUGIN);
    let pages: Vec<&Json> = hello["panel"]["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| &page["name"])
        .collect();
    assert_eq!(pages, ["Status", "Restore", "Setup"]);
    assert!(
        !hello.to_string().contains(control::REQUEST),
        "the mailbox is not drawn, so it is not sent"
    );

    let state = crate::bench::healthy().to_string();
    site.write(control::STATE, &state);
    let changed = page.until_shows("Status", |now| now["value"] == 0.0).await;
    assert_eq!(changed["string"], "Everything is recorded and backed up");
    site.write(
        control::STATE,
        &state.replace("backed up", "backed up twice"),
    );
    let said = page
        .until("the sentence", |said| {
            said["controls"].get("StatusText").is_some()
        })
        .await;
    assert!(said["controls"].get(control::VERSION).is_none(), "{said}");
}

#[tokio::test]
async fn a_press_on_one_page_triggers_the_control_and_every_page_sees_what_comes_of_it() {
    let site = Site::demo().await;
    let (mut one, _) = site.page().await;
    let (mut other, _) = site.page().await;
    // Written only when both are open: the first message to each does not count as a change.
    site.write(control::STATE, &crate::bench::healthy().to_string());
    one.until_shows("Status", |now| now["value"] == 0.0).await;
    one.act(control::BACKUP_NOW, json!("press")).await;
    other
        .until_shows("RequestText", |now| now["string"] != "")
        .await;
    let request: Json = serde_json::from_str(&site.string(control::REQUEST)).unwrap();
    assert_eq!(request["kind"], "backup");
    other
        .act("RestoreMoment", json!({"text": "2026-03-01 19:55:00"}))
        .await;
    one.until_shows("RestoreMoment", |now| {
        now["string"] == "2026-03-01 19:55:00"
    })
    .await;
}

#[tokio::test]
async fn what_only_shows_is_not_drawn_or_makes_no_sense_is_refused_and_the_page_goes_on() {
    let site = Site::demo().await;
    let (mut page, _) = site.page().await;
    page.act(control::BACKUP_NOW, json!("press")).await;
    assert!(page.refused().await.contains("disabled at the moment"));
    site.write(control::STATE, &crate::bench::healthy().to_string());
    page.until_shows("Status", |now| now["value"] == 0.0).await;
    let status = site.string("Status");
    page.act("Status", json!({"value": 2})).await;
    assert!(page.refused().await.contains("only shows"));
    page.act("AgentOnline", json!("press")).await;
    assert!(page.refused().await.contains("only the plugin writes it"));
    page.act(control::REQUEST, json!({"text": "{}"})).await;
    assert!(page.refused().await.contains("on no page"));
    page.act("Nobody", json!("press")).await;
    assert!(page.refused().await.contains("on no page"));
    page.act(control::BACKUP_NOW, json!({"text": "x"})).await;
    assert!(page.refused().await.contains("cannot be typed into"));
    for nonsense in [
        json!(1),
        json!({}),
        json!({"control": "Pin", "act": "dance"}),
        json!([[]]),
    ] {
        page.say(&nonsense).await;
        assert!(page.refused().await.contains("not understood"));
    }
    page.0
        .send(Message::binary(vec![0xff, 0, 1]))
        .await
        .unwrap();
    page.refused().await;
    assert_eq!(site.string("Status"), status);
    assert_eq!(site.string(control::REQUEST), "");
    page.act("Pin", json!({"text": "1"})).await;
    page.until_shows("Pin", |now| now["string"] != "").await;
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_that_page_alone() {
    let site = Site::demo().await;
    let (mut rude, _) = site.page().await;
    let (mut polite, _) = site.page().await;
    let _ = rude.0.send(Message::text("x".repeat(1 << 20))).await;
    let end = async { while rude.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, end).await.unwrap();
    site.write(control::STATE, &crate::bench::healthy().to_string());
    polite
        .until_shows("Status", |now| now["value"] == 0.0)
        .await;
}

#[tokio::test]
async fn places_are_limited_and_free_again_when_a_page_goes_away() {
    let site = Site::demo().await;
    let mut pages = Vec::new();
    for _ in 0..16 {
        pages.push(site.page().await.0);
    }
    match site.connect(None).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{:?}", other.map(|_| "let in")),
    }
    pages.pop();
    let again = async { while site.connect(None).await.is_err() {} };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn the_end_closes_pages_and_the_port() {
    let site = Site::demo().await;
    let (mut page, _) = site.page().await;
    // A request that was begun and is never finished delays nothing.
    let mut silent = TcpStream::connect(&site.host).await.unwrap();
    silent.write_all(b"GET / HT").await.unwrap();
    site.stop.cancel();
    let end = async { while page.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, end).await.unwrap();
    let served = tokio::time::timeout(PATIENCE, site.serving).await.unwrap();
    served.unwrap().unwrap();
    assert!(TcpStream::connect(&site.host).await.is_err());
}

/// A plugin of another maker, with what ours does not use.
const OTHER: &str = r#"
PluginInfo = { Name = "Bench~Other", Version = "3.1", Id = "other", Description = "", ShowDebug = false }
function GetControls(props)
  return {
    { Name = "Talk", ControlType = "Button", ButtonType = "Momentary", Count = 1 },
    { Name = "Mute", ControlType = "Button", ButtonType = "Toggle", Count = 1 },
    { Name = "Level", ControlType = "Knob", ControlUnit = "dB", Min = -100, Max = 20, Count = 2 },
    { Name = "Seen", ControlType = "Indicator", IndicatorType = "Text", Count = 1 },
  }
end
function GetControlLayout(props)
  return {
    ["Talk"] = { Style = "Button", ButtonStyle = "Momentary", Position = { 0, 0 }, Size = { 60, 60 } },
    ["Mute"] = { Style = "Button", ButtonStyle = "Toggle", Position = { 70, 0 }, Size = { 60, 60 }, Color = { 255, 0, 0 } },
    ["Level 1"] = { Style = "Fader", Position = { 0, 70 }, Size = { 40, 200 } },
    ["Level 2"] = { Style = "Knob", Position = { 50, 70 }, Size = { 60, 60 }, IsReadOnly = true },
    ["Seen"] = { Style = "Text", Position = { 50, 140 }, Size = { 100, 30 } },
  }, {}
end
if Controls then
  Controls.Talk.EventHandler = function(c) Controls.Seen.String = "talk " .. tostring(c.Boolean) end
  Controls.Mute.EventHandler = function(c) Controls.Mute.Legend = c.Boolean and "muted" or "open" end
end
"#;

#[tokio::test]
async fn any_plugin_is_drawn_and_its_buttons_faders_and_knobs_work() {
    let site = Site::of(OTHER).await;
    let (mut page, hello) = site.page().await;
    assert_eq!(hello["panel"]["pages"].as_array().unwrap().len(), 1);
    page.act("Mute", json!("press")).await;
    page.until_shows("Mute", |now| {
        now["value"] == 1.0 && now["legend"] == "muted"
    })
    .await;
    page.act("Level 1", json!({"position": 0.5})).await;
    page.until_shows("Level 1", |now| now["value"] == -40.0)
        .await;
    page.act("Level 1", json!({"value": 1e300})).await;
    page.until_shows("Level 1", |now| now["value"] == 20.0)
        .await;
    page.act("Level 2", json!({"position": 0.5})).await;
    assert!(page.refused().await.contains("only shows"));
}

#[tokio::test]
async fn a_button_held_by_a_page_that_goes_away_is_released() {
    let site = Site::of(OTHER).await;
    let (mut holding, _) = site.page().await;
    let (mut watching, _) = site.page().await;
    holding.act("Talk", json!({"value": 1})).await;
    watching
        .until_shows("Seen", |now| now["string"] == "talk true")
        .await;
    drop(holding);
    watching
        .until_shows("Seen", |now| now["string"] == "talk false")
        .await;
}
