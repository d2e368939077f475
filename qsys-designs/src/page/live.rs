//! One page's live connection: changes go out, presses come in.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, MissedTickBehavior};

use super::sent::Sent;
use super::served::Served;
use crate::host::Shape;
use crate::panel::{PanelAct, act_on_panel};

/// The Core's own frame: nothing changes more often.
const FRAME: Duration = Duration::from_millis(33);
/// More than a finger does; a page that sends more waits.
const ACTS_PER_FRAME: usize = 10;
/// The page hears something at least this often, so that it notices a dead link.
const BEAT: Duration = Duration::from_secs(2);
/// A page that accepts nothing for this long is gone.
const SEND_LIMIT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Touch {
    control: String,
    act: PanelAct,
}

/// Serves a page until it or the server goes away.
pub(super) async fn attend(socket: WebSocket, served: &Served) {
    let mut page = Page {
        socket,
        served,
        sent: Sent::default(),
        held: HashSet::new(),
    };
    page.run().await;
    page.release();
}

struct Page<'a> {
    socket: WebSocket,
    served: &'a Served,
    sent: Sent,
    /// Buttons that this page holds down.
    held: HashSet<String>,
}

/// The page is gone: there is nobody to send to.
struct Gone;

impl Page<'_> {
    async fn run(&mut self) {
        let preview = &self.served.preview;
        let all = self.sent.changes(&preview.view, &self.served.drawn);
        let hello = json!({
            "component": preview.code_name,
            "panel": preview.panel,
            "controls": all,
        });
        if self.say(&hello).await.is_err() {
            return;
        }
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beat = Instant::now() + BEAT;
        let mut acts_left = ACTS_PER_FRAME;
        loop {
            let step = tokio::select! {
                () = self.served.stop.cancelled() => {
                    let _ = tokio::time::timeout(FRAME, self.socket.send(Message::Close(None))).await;
                    return;
                }
                _ = frames.tick() => {
                    acts_left = ACTS_PER_FRAME;
                    self.frame(&mut beat).await
                }
                message = self.socket.recv(), if acts_left > 0 => {
                    acts_left -= 1;
                    match message {
                        Some(Ok(Message::Text(text))) => self.touched(&text).await,
                        Some(Ok(Message::Binary(_))) => self.refuse("", "text is expected").await,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Gone),
                    }
                }
            };
            if step.is_err() {
                return;
            }
        }
    }

    async fn frame(&mut self, beat: &mut Instant) -> Result<(), Gone> {
        let changes = self
            .sent
            .changes(&self.served.preview.view, &self.served.drawn);
        if !changes.is_empty() {
            self.say(&json!({ "controls": changes })).await?;
        }
        if Instant::now() >= *beat {
            *beat = Instant::now() + BEAT;
            // The first is for the page, the second is answered by the browser itself.
            self.say(&json!({})).await?;
            self.send(Message::Ping(Vec::new().into())).await?;
        }
        Ok(())
    }

    async fn touched(&mut self, text: &str) -> Result<(), Gone> {
        let touch: Touch = match serde_json::from_str(text) {
            Ok(touch) => touch,
            Err(error) => {
                let why = format!("not understood: {error}");
                return self.refuse("", &why).await;
            }
        };
        match self.act(&touch) {
            Ok(()) => Ok(()),
            Err(why) => self.refuse(&touch.control, &why).await,
        }
    }

    fn act(&mut self, touch: &Touch) -> Result<(), String> {
        let Touch { control, act } = touch;
        match self.served.drawn.get(control) {
            None => return Err(format!("`{control}` is on no page of the panel")),
            Some(false) => return Err(format!("`{control}` only shows: its layout is read-only")),
            Some(true) => {}
        }
        let preview = &self.served.preview;
        preview
            .core
            .with_controls(|core| {
                act_on_panel(core, &preview.code_name, &preview.view, control, act)
            })
            .map_err(|error| error.to_string())?;
        if let PanelAct::Value(value) = act {
            if *value > 0.5 && self.is_momentary(control) {
                self.held.insert(control.clone());
            } else {
                self.held.remove(control);
            }
        }
        Ok(())
    }

    fn is_momentary(&self, control: &str) -> bool {
        let preview = &self.served.preview;
        let objects = preview.panel.pages.iter().flat_map(|page| &page.objects);
        let mut controls = objects.filter_map(|object| object.control.as_ref());
        controls.any(|c| c.name == control && c.variant == "Momentary")
            && preview
                .view
                .control(control)
                .is_some_and(|state| state.shape == Shape::Boolean)
    }

    /// Releases the buttons that the page still holds down.
    fn release(&mut self) {
        let preview = &self.served.preview;
        for control in self.held.drain() {
            preview.core.with_controls(|core| {
                if let Some(key) = core.lookup(&preview.code_name, &control) {
                    core.set_value(key, 0.0);
                }
            });
        }
    }

    async fn refuse(&mut self, control: &str, why: &str) -> Result<(), Gone> {
        self.say(&json!({ "refused": { "control": control, "why": why } }))
            .await
    }

    async fn say(&mut self, document: &Json) -> Result<(), Gone> {
        self.send(Message::Text(document.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match tokio::time::timeout(SEND_LIMIT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}
