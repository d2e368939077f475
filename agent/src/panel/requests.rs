//! Decides which requests of the panel are honoured. Anybody on the network can write the mailbox,
//! so every request is checked here. Plain values, no I/O.

mod wire;

use std::collections::VecDeque;

use contract::{Request, RequestKind};

use crate::moment::Moment;
use crate::settings::Pin;
use wire::shorten;
pub(crate) use wire::{Claim, Kind, Target};

/// A request older or younger than this is refused (clocks of Core and agent may differ).
pub(super) const WINDOW_MS: i64 = 10_000;
/// How many answered ids are remembered; a panel asks a few times an hour.
const REMEMBERED: usize = 1024;

/// How many wrong PINs in a row lock restore and undo.
const TRIES: u32 = 5;
/// How long the lock lasts.
const LOCKED_MS: i64 = 600_000;

/// The answer to one value of the request mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing is asked, or it was answered before.
    Nothing,
    Refuse {
        claim: Claim,
        why: String,
    },
    Honour {
        claim: Claim,
        kind: Kind,
    },
}

/// Remembers what was answered.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    answered: VecDeque<String>,
    /// If it is set, restore and undo ask for it.
    pin: Option<Pin>,
    wrong_pins: u32,
    locked_until: i64,
}

impl Requests {
    /// `answered`: ids that an earlier agent answered.
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
            Ok(Some(request)) => self.refuse(
                &request,
                "it was waiting when the agent connected; press again",
            ),
            Err(refusal) => refusal,
        }
    }

    /// Judges a value that has just appeared. `now` in Unix milliseconds.
    pub(crate) fn appeared(&mut self, text: &str, now: i64) -> Judgement {
        let request = match self.read(text) {
            Ok(None) => return Judgement::Nothing,
            Ok(Some(request)) => request,
            Err(refusal) => return refusal,
        };
        let Ok(at) = request.at.parse::<jiff::Timestamp>() else {
            return self.refuse(&request, "its time is no RFC 3339 time");
        };
        let age = now - at.as_millisecond();
        if age.abs() > WINDOW_MS {
            let why = format!(
                "it is {} s {}; set the clocks of Core and agent by NTP",
                age.abs() / 1000,
                if age > 0 { "old" } else { "in the future" }
            );
            return self.refuse(&request, &why);
        }
        match self.kind(&request, now) {
            Ok(kind) => {
                self.remember(&request.id);
                let claim = Claim::of(&request);
                Judgement::Honour { claim, kind }
            }
            Err(why) => self.refuse(&request, &why),
        }
    }

    /// Judges a press of a plain button, which has no id and no time. `waited`: it may have waited
    /// for longer than a request may be old. `now` in Unix milliseconds.
    pub(crate) fn pressed(button: &str, kind: Kind, waited: bool, now: i64) -> Judgement {
        let claim = Claim {
            id: format!("{button} {}", Moment::at(now)),
            what: kind.name(),
            ..Claim::default()
        };
        if waited {
            let why = "it was on when the agent connected; press again".to_owned();
            return Judgement::Refuse { claim, why };
        }
        Judgement::Honour { claim, kind }
    }

    fn kind(&mut self, request: &Request, now: i64) -> Result<Kind, String> {
        match RequestKind::named(&request.kind) {
            Some(RequestKind::Backup) => Ok(Kind::Backup),
            Some(RequestKind::Verify) => Ok(Kind::Verify),
            Some(RequestKind::Preview) => wire::target(request).map(Kind::Preview),
            Some(RequestKind::Restore) => {
                let target = wire::target(request)?;
                self.may_change(request, now)?;
                Ok(Kind::Restore(target))
            }
            Some(RequestKind::Undo) => {
                self.may_change(request, now)?;
                Ok(Kind::Undo)
            }
            None => Err(format!(
                "this agent does not do `{}` from the panel",
                shorten(&request.kind)
            )),
        }
    }

    /// Arming and the PIN are checked here: what the panel shows or hides protects nothing.
    fn may_change(&mut self, request: &Request, now: i64) -> Result<(), String> {
        if request.armed != Some(true) {
            return Err("it was not armed and confirmed on the panel".to_owned());
        }
        let Some(pin) = &self.pin else { return Ok(()) };
        if now < self.locked_until {
            let minutes = (self.locked_until - now + 59_999) / 60_000;
            return Err(format!("too many wrong PINs; try again in {minutes} min"));
        }
        let expected = request.proof(&pin.0);
        match &request.pin_proof {
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

    fn read(&self, text: &str) -> Result<Option<Request>, Judgement> {
        let request = wire::read(text).map_err(|why| Judgement::Refuse {
            claim: Claim::unreadable(),
            why,
        })?;
        Ok(request.filter(|request| !self.answered.contains(&request.id)))
    }

    fn refuse(&mut self, request: &Request, why: &str) -> Judgement {
        self.remember(&request.id);
        Judgement::Refuse {
            claim: Claim::of(request),
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

/// Compares in a time that does not tell where the two differ.
fn same(found: &str, expected: &str) -> bool {
    let pairs = found.bytes().zip(expected.bytes());
    found.len() == expected.len() && pairs.fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
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
                claim: Claim {
                    id: "a-1".into(),
                    what: "backup",
                    about: String::new(),
                    at_ms: Some(NOW - 2000),
                },
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
            request["pinProof"] = contract::pin_proof(pin, id, "restore", "b-1", at).into();
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
        match requests.appeared(&restore("c", None, true), NOW) {
            Judgement::Honour { claim, kind } => {
                assert_eq!(kind, Kind::Restore(Target::Backup("b-1".into())));
                assert_eq!((claim.what, claim.about.as_str()), ("restore", "b-1"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_says_what_was_asked_for_as_far_as_it_can_be_read() {
        let claim = |text: &str| match Requests::default().appeared(text, NOW) {
            Judgement::Refuse { claim, .. } => claim,
            other => panic!("{other:?}"),
        };
        let unarmed = claim(&restore("a", None, false));
        assert_eq!((unarmed.what, unarmed.about.as_str()), ("restore", "b-1"));
        assert_eq!(unarmed.at_ms, Some(NOW));
        let unknown = claim(&request("b", "selfdestruct", "yesterday"));
        assert_eq!((unknown.what, unknown.at_ms), ("request", None));
        assert_eq!(claim("{").what, "request");
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
