//! The plugin as any QRC client meets it: literal requests over TCP.

use std::time::Duration;

use contract::control;
use qrc_sim::{Core, CoreOptions};
use qsys_designs::{DemoOptions, demo_design};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    async fn new() -> Wire {
        let demo = demo_design(&DemoOptions {
            churn_per_second: 0.0,
            ..DemoOptions::default()
        });
        let core = Core::new(demo.design, CoreOptions::emulator());
        for script in demo.scripts {
            core.add_script(script);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { core.serve(listener, CancellationToken::new()).await });
        Wire {
            stream: TcpStream::connect(address).await.unwrap(),
            buffer: Vec::new(),
        }
    }

    /// Sends the bytes of one request and waits for the reply with id 7.
    async fn ask(&mut self, request: &str) -> Json {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.stream.write_all(b"\0").await.unwrap();
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == 0) {
                let frame: Vec<u8> = self.buffer.drain(..=end).collect();
                let reply: Json = serde_json::from_slice(&frame[..end]).unwrap();
                if reply["id"] == 7 {
                    return reply;
                }
            }
            let read = self.stream.read_buf(&mut self.buffer);
            let read = tokio::time::timeout(Duration::from_secs(20), read).await;
            assert_ne!(
                read.expect("a reply within 20 s").unwrap(),
                0,
                "the Core hung up"
            );
        }
    }

    async fn read(&mut self, control: &str) -> String {
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"Component.Get","params":{{"Name":"DisasterRecovery","Controls":[{{"Name":"{control}"}}]}}}}"#
        );
        let reply = self.ask(&request).await;
        reply["result"]["Controls"][0]["String"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn write(&mut self, control: &str, value: Json) {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": "Component.Set",
            "params": {"Name": control::CODE_NAME, "Controls": [{"Name": control, "Value": value}]}});
        assert_eq!(self.ask(&request.to_string()).await["result"], true);
    }

    /// Reads until the text fits; the plugin answers within a few frames.
    async fn until(&mut self, control: &str, fits: impl Fn(&str) -> bool) -> String {
        for _ in 0..400 {
            let text = self.read(control).await;
            if fits(&text) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{control} stayed {:?}", self.read(control).await);
    }
}

#[tokio::test]
async fn a_client_finds_the_plugin_by_its_type_and_its_controls_by_name() {
    let mut wire = Wire::new().await;
    let list = wire
        .ask(r#"{"jsonrpc":"2.0","id":7,"method":"Component.GetComponents","params":"x"}"#)
        .await;
    let plugins: Vec<_> = list["result"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| {
            c["Type"]
                .as_str()
                .unwrap()
                .starts_with("%PLUGIN%_b8f0a1d6-5c1e-4c57-9d3a-2f6f8e1b7c40")
        })
        .collect();
    assert_eq!(plugins.len(), 1);
    let reply = wire
        .ask(r#"{"jsonrpc":"2.0","id":7,"method":"Component.GetControls","params":{"Name":"DisasterRecovery"}}"#)
        .await;
    let control = |name: &str| -> Json {
        let controls = reply["result"]["Controls"].as_array().unwrap();
        controls.iter().find(|c| c["Name"] == name).unwrap().clone()
    };
    assert_eq!(
        (
            &control(control::STATE)["Type"],
            &control(control::STATE)["Direction"]
        ),
        (&json!("Text"), &json!("Read/Write"))
    );
    assert_eq!(
        (
            &control(control::HEARTBEAT)["Type"],
            &control(control::HEARTBEAT)["Direction"]
        ),
        (&json!("Integer"), &json!("Read/Write"))
    );
    assert_eq!(
        (&control("Status")["Type"], &control("Status")["Direction"]),
        (&json!("Status"), &json!("Read Only"))
    );
    assert_eq!(control(control::BACKUP_NOW)["Type"], "Trigger");
}

#[tokio::test]
async fn a_backup_is_asked_for_and_answered_over_the_wire() {
    let mut wire = Wire::new().await;
    wire.write(control::STATE, json!(crate::bench::healthy().to_string()))
        .await;
    wire.write(control::HEARTBEAT, json!(1)).await;
    wire.until("StatusText", |text| {
        text == "OK: Everything is recorded and backed up"
    })
    .await;
    wire.write(control::BACKUP_NOW, json!(1)).await;
    let request = wire.until(control::REQUEST, |text| !text.is_empty()).await;
    let request: Json = serde_json::from_str(&request).unwrap();
    assert_eq!(request["kind"], "backup");
    let answer = json!({"id": request["id"], "result": "done", "text": "ok"});
    wire.write(control::ACK, json!(answer.to_string())).await;
    wire.until(control::REQUEST, str::is_empty).await;
    assert_eq!(wire.read("RequestText").await, "Backup done: ok");
}

#[tokio::test]
async fn an_indicator_cannot_be_made_to_lie_from_outside() {
    let mut wire = Wire::new().await;
    wire.until("StatusText", |text| text.starts_with("MISSING"))
        .await;
    wire.write("AgentOnline", json!(1)).await;
    wire.write("StatusText", json!("OK: all is well")).await;
    wire.until("StatusText", |text| text.starts_with("MISSING"))
        .await;
    assert_eq!(
        wire.until("AgentOnline", |text| text == "false").await,
        "false"
    );
}
