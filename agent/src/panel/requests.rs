//! Which requests of the panel are honoured. Anybody on the network can write the mailbox,
//! so every request is checked here; plain values, no I/O.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::moment;
use crate::settings::Pin;

/// A request older or younger than this is refused (clocks of Core and agent may differ).
pub(super) const WINDOW_MS: i64 = 10_000;
/// How many answered ids are remembered; a panel asks a few times an hour.
const REMEMBERED: usize = 1024;
/// The plugin makes short ids.
const LONGEST_ID: usize = 64;
/// The plugin's requests are below 1 kB.
const LONGEST_REQUEST: usize = 16 * 1024;

/// This many wrong PINs in a row lock restore and undo.
const TRIES: u32 = 5;
/// For so long.
const LOCKED_MS: i64 = 600_000;

/// What the panel may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Backup,
    Verify,
    /// What a restore would do.
    Preview(Target),
    /// Armed and confirmed on the panel.
    Restore(Target),
    Undo,
}

/// What to restore to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A backup's id.
    Backup(String),
    /// A moment, Unix milliseconds.
    Moment(i64),
}

impl Kind {
    /// The verb, and what it is about.
    pub(crate) fn in_words(&self) -> (&'static str, String) {
        match self {
            Self::Backup => ("backup", String::new()),
            Self::Verify => ("verify", String::new()),
            Self::Preview(target) => ("preview", target.in_words()),
            Self::Restore(target) => ("restore", target.in_words()),
            Self::Undo => ("undo", String::new()),
        }
    }
}

impl Target {
    fn in_words(&self) -> String {
        match self {
            Self::Backup(id) => id.clone(),
            Self::Moment(at) => format!("at {}", moment::rfc3339(*at)),
        }
    }
}

/// The answer to one value of the request mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing is asked, or it was answered before.
    Nothing,
    Refuse {
        id: String,
        why: String,
    },
    Honour {
        id: String,
        kind: Kind,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    kind: String,
    at: String,
    point_id: Option<String>,
    moment: Option<String>,
    armed: Option<bool>,
    pin_proof: Option<String>,
}

/// Remembers what was answered.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    answered: VecDeque<String>,
    /// Restore and undo ask for it, where one is set.
    pin: Option<Pin>,
    wrong_pins: u32,
    locked_until: i64,
}

impl Requests {
    /// `answered`: ids that were answered before the agent was started anew.
    pub(crate) fn new(pin: Option<Pin>, answered: Vec<String>) -> Self {
        Self {
            pin,
            answered: answered.into(),
            ..Self::default()
        }
    }

    /// Judges a value that lay in the mailbox when the agent connected. Nobody knows how
    /// long it has been lying there, so it is never honoured.
    pub(crate) fn found_pending(&mut self, text: &str) -> Judgement {
        match self.read(text) {
            Ok(None) => Judgement::Nothing,
            Ok(Some(wire)) => self.refuse(
                wire.id,
                "it was waiting when the agent connected; press again",
            ),
            Err(refusal) => refusal,
        }
    }

    /// Judges a value that has just appeared. `now` in Unix milliseconds.
    pub(crate) fn appeared(&mut self, text: &str, now: i64) -> Judgement {
        let wire = match self.read(text) {
            Ok(None) => return Judgement::Nothing,
            Ok(Some(wire)) => wire,
            Err(refusal) => return refusal,
        };
        let Ok(at) = wire.at.parse::<jiff::Timestamp>() else {
            return self.refuse(wire.id, "its time is no RFC 3339 time");
        };
        let age = now - at.as_millisecond();
        if age.abs() > WINDOW_MS {
            let why = format!(
                "it is {} s {}; set the clocks of Core and agent by NTP",
                age.abs() / 1000,
                if age > 0 { "old" } else { "in the future" }
            );
            return self.refuse(wire.id, &why);
        }
        match self.kind(&wire, now) {
            Ok(kind) => {
                self.remember(&wire.id);
                Judgement::Honour { id: wire.id, kind }
            }
            Err(why) => self.refuse(wire.id, &why),
        }
    }

    /// Judges a press of a plain button, which brings no id and no time. `waited`: it may have
    /// lain there for longer than a request may be old. `now` in Unix milliseconds.
    pub(crate) fn pressed(button: &str, kind: Kind, waited: bool, now: i64) -> Judgement {
        let id = format!("{button} {}", moment::rfc3339(now));
        if waited {
            let why = "it was on when the agent connected; press again".to_owned();
            return Judgement::Refuse { id, why };
        }
        Judgement::Honour { id, kind }
    }

    fn kind(&mut self, wire: &Wire, now: i64) -> Result<Kind, String> {
        match wire.kind.as_str() {
            "backup" => Ok(Kind::Backup),
            "verify" => Ok(Kind::Verify),
            "preview" => target(wire).map(Kind::Preview),
            "restore" => {
                let target = target(wire)?;
                self.may_change(wire, now)?;
                Ok(Kind::Restore(target))
            }
            "undo" => {
                self.may_change(wire, now)?;
                Ok(Kind::Undo)
            }
            other => Err(format!(
                "this agent does not do `{}` from the panel",
                shorten(other)
            )),
        }
    }

    /// Arming and the PIN count here; what the panel showed or hid is no protection.
    fn may_change(&mut self, wire: &Wire, now: i64) -> Result<(), String> {
        if wire.armed != Some(true) {
            return Err("it was not armed and confirmed on the panel".to_owned());
        }
        let Some(pin) = &self.pin else { return Ok(()) };
        if now < self.locked_until {
            let minutes = (self.locked_until - now + 59_999) / 60_000;
            return Err(format!("too many wrong PINs; try again in {minutes} min"));
        }
        let target = wire.point_id.as_deref().or(wire.moment.as_deref());
        let expected = qsys_designs::pin_proof(
            &pin.0,
            &wire.id,
            &wire.kind,
            target.unwrap_or_default(),
            &wire.at,
        );
        match &wire.pin_proof {
            None => Err("it needs the PIN".to_owned()),
            Some(found) if same(found, &expected) => {
                self.wrong_pins = 0;
                Ok(())
            }
            Some(_) => {
                self.wrong_pins += 1;
                if self.wrong_pins >= TRIES {
                    self.wrong_pins = 0;
                    self.locked_until = now + LOCKED_MS;
                }
                Err("the PIN is wrong".to_owned())
            }
        }
    }

    fn read(&mut self, text: &str) -> Result<Option<Wire>, Judgement> {
        if text.is_empty() {
            return Ok(None);
        }
        let unreadable = |why: &str| Judgement::Refuse {
            id: String::new(),
            why: why.to_owned(),
        };
        if text.len() > LONGEST_REQUEST {
            return Err(unreadable("the request is too long"));
        }
        // The error's own words would quote what was typed, in the log too: it may be a PIN.
        let wire: Wire = serde_json::from_str(text).map_err(|error| {
            unreadable(&format!(
                "the request cannot be read: {} in column {}",
                match error.classify() {
                    serde_json::error::Category::Data => "a member is missing or of another type",
                    _ => "it is no JSON",
                },
                error.column()
            ))
        })?;
        if wire.id.is_empty() || wire.id.len() > LONGEST_ID {
            return Err(unreadable("the request's id is empty or too long"));
        }
        if self.answered.contains(&wire.id) {
            return Ok(None);
        }
        Ok(Some(wire))
    }

    fn refuse(&mut self, id: String, why: &str) -> Judgement {
        self.remember(&id);
        Judgement::Refuse {
            id,
            why: why.to_owned(),
        }
    }

    fn remember(&mut self, id: &str) {
        if self.answered.len() == REMEMBERED {
            self.answered.pop_front();
        }
        self.answered.push_back(id.to_owned());
    }
}

fn target(wire: &Wire) -> Result<Target, String> {
    match (&wire.point_id, &wire.moment) {
        (Some(id), None) => Ok(Target::Backup(id.clone())),
        (None, Some(moment)) => moment::parse(moment).map(Target::Moment),
        _ => Err("it names no backup and no moment, or both".to_owned()),
    }
}

/// Takes the same time wherever the two differ.
fn same(found: &str, expected: &str) -> bool {
    let pairs = found.bytes().zip(expected.bytes());
    found.len() == expected.len() && pairs.fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_463_700_000; // 2026-11-23T19:55:00Z

    fn request(id: &str, kind: &str, at: &str) -> String {
        format!(r#"{{"id":"{id}","kind":"{kind}","at":"{at}","later":"members are fine"}}"#)
    }

    #[test]
    fn a_fresh_request_is_honoured_once() {
        let mut requests = Requests::default();
        let text = request("a-1", "backup", "2026-11-23T19:54:58Z");
        assert_eq!(
            requests.appeared(&text, NOW),
            Judgement::Honour {
                id: "a-1".into(),
                kind: Kind::Backup
            }
        );
        assert_eq!(requests.appeared(&text, NOW), Judgement::Nothing);
        assert_eq!(requests.found_pending(&text), Judgement::Nothing);
    }

    #[test]
    fn a_request_found_at_connect_never_fires_not_even_later() {
        let mut requests = Requests::default();
        let text = request("a-1", "backup", "2026-11-23T19:55:00Z");
        assert!(matches!(
            requests.found_pending(&text),
            Judgement::Refuse { .. }
        ));
        assert_eq!(requests.appeared(&text, NOW), Judgement::Nothing);
    }

    #[test]
    fn stale_early_unknown_and_malformed_requests_are_refused_with_the_reason() {
        let mut requests = Requests::default();
        let cases = [
            (request("old", "backup", "2026-11-23T19:54:00Z"), "60 s old"),
            (
                request("new", "backup", "2026-11-23T19:56:00Z"),
                "in the future",
            ),
            (
                request("odd", "selfdestruct", "2026-11-23T19:55:00Z"),
                "selfdestruct",
            ),
            (request("nan", "backup", "yesterday"), "RFC 3339"),
            (request("", "backup", "2026-11-23T19:55:00Z"), "empty"),
            ("{\"id\":7}".to_owned(), "cannot be read"),
            ("x".repeat(100_000), "too long"),
        ];
        for (text, part) in cases {
            match requests.appeared(&text, NOW) {
                Judgement::Refuse { why, .. } => assert!(why.contains(part), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }

    fn restore(id: &str, pin: Option<&str>, armed: bool) -> String {
        let at = "2026-11-23T19:55:00Z";
        let mut request = serde_json::json!({
            "id": id, "kind": "restore", "at": at, "pointId": "b-1", "armed": armed,
        });
        if let Some(pin) = pin {
            request["pinProof"] = qsys_designs::pin_proof(pin, id, "restore", "b-1", at).into();
        }
        request.to_string()
    }

    fn refused(judgement: Judgement, part: &str) {
        match judgement {
            Judgement::Refuse { why, .. } => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_restore_must_be_armed_and_name_one_target() {
        let mut requests = Requests::default();
        refused(
            requests.appeared(&restore("a", None, false), NOW),
            "not armed",
        );
        refused(
            requests.appeared(&request("b", "restore", "2026-11-23T19:55:00Z"), NOW),
            "no backup and no moment",
        );
        assert_eq!(
            requests.appeared(&restore("c", None, true), NOW),
            Judgement::Honour {
                id: "c".into(),
                kind: Kind::Restore(Target::Backup("b-1".into())),
            }
        );
    }

    #[test]
    fn a_wrong_pin_is_refused_and_five_lock_even_the_right_one_out() {
        let mut requests = Requests::new(Some(Pin("4071".into())), Vec::new());
        refused(
            requests.appeared(&restore("none", None, true), NOW),
            "needs the PIN",
        );
        for n in 0..5 {
            let text = restore(&format!("wrong-{n}"), Some("1111"), true);
            refused(requests.appeared(&text, NOW), "wrong");
        }
        refused(
            requests.appeared(&restore("right", Some("4071"), true), NOW),
            "10 min",
        );
        let mut requests = Requests::new(Some(Pin("4071".into())), Vec::new());
        assert!(matches!(
            requests.appeared(&restore("right", Some("4071"), true), NOW),
            Judgement::Honour { .. }
        ));
    }

    #[test]
    fn a_proof_for_one_request_is_good_for_no_other() {
        let mut requests = Requests::new(Some(Pin("4071".into())), Vec::new());
        let stolen = restore("first", Some("4071"), true).replace("\"first\"", "\"second\"");
        refused(requests.appeared(&stolen, NOW), "wrong");
    }

    #[test]
    fn what_was_typed_into_a_malformed_request_is_not_told_again() {
        let text = r#"{"id":"a","kind":"undo","at":"2026-11-23T19:55:00Z","pinProof":4071}"#;
        match Requests::default().appeared(text, NOW) {
            Judgement::Refuse { why, .. } => assert!(!why.contains("4071"), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_an_earlier_agent_answered_does_not_fire_again() {
        let mut requests = Requests::new(None, vec!["a-1".to_owned()]);
        let text = request("a-1", "backup", "2026-11-23T19:54:58Z");
        assert_eq!(requests.appeared(&text, NOW), Judgement::Nothing);
    }

    #[test]
    fn an_empty_mailbox_asks_for_nothing() {
        assert_eq!(Requests::default().appeared("", NOW), Judgement::Nothing);
    }
}
