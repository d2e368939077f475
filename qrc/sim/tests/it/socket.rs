//! A plain socket that exchanges bytes with the simulated Core, and a small hall for the Core to run.

#![allow(clippy::unwrap_used)] // only tests call these

use std::time::Duration;

use qrc_sim::{Component, Control, Design};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::Stage;

/// Longer than anything in these tests takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A small hall with one control of each kind that clients meet.
pub(crate) fn hall() -> Design {
    Design::new("Harbour_Hall", "zT4mQ9wXb2Lk")
        .with(
            Component::new("Lobby_Gain", "gain")
                .property("max_gain", "20", "Max Gain (dB)")
                .property("min_gain", "-100", "Min Gain (dB)")
                .with(Control::mute("mute"))
                .with(Control::gain("gain", -100.0, 20.0).at(-6.0)),
        )
        .with(
            Component::new("Panel", "custom_controls")
                .with(Control::text("note").saying("hello"))
                .with(Control::combo("source", &["Laptop", "Tuner", "Mic"]))
                .with(Control::trigger("go"))
                .with(Control::integer("count", 0, 100).at(3.0))
                .with(Control::time("open").at(3661.0))
                .with(Control::led("lamp"))
                .with(Control::status("status")),
        )
        .with(
            Component::new("Secret", "gain")
                .access(qrc_sim::ScriptAccess::Script)
                .with(Control::mute("mute")),
        )
        .with_named("LobbyVolume", "Lobby_Gain", "gain")
        .with_named("LobbyMute", "Lobby_Gain", "mute")
}

impl Stage {
    pub(crate) async fn connect(&self) -> Wire {
        Wire {
            stream: TcpStream::connect(self.address).await.unwrap(),
            read: Vec::new(),
        }
    }

    /// A connection that has received its first EngineStatus.
    pub(crate) async fn greeted(&self) -> Wire {
        let mut wire = self.connect().await;
        assert!(wire.frame().await.contains("\"method\":\"EngineStatus\""));
        wire
    }
}

/// A socket and the bytes it has read.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Sends a text and its NUL.
    pub(crate) async fn send(&mut self, text: &str) {
        self.stream
            .write_all(format!("{text}\0").as_bytes())
            .await
            .unwrap();
    }

    /// The next frame, or None at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<String> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(end) = self.read.iter().position(|byte| *byte == 0) {
                    let frame: Vec<u8> = self.read.drain(..=end).collect();
                    return Some(String::from_utf8(frame[..end].to_vec()).unwrap());
                }
                match self.stream.read_buf(&mut self.read).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        })
        .await
        .expect("a frame or the end in time")
    }

    pub(crate) async fn frame(&mut self) -> String {
        self.next().await.expect("a frame, not the end")
    }

    /// Sends a text and compares the next frame byte by byte.
    pub(crate) async fn exchange(&mut self, sent: &str, expected: &str) {
        self.send(sent).await;
        assert_eq!(self.frame().await, expected, "after {sent}");
    }
}
