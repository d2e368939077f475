//! Which requests of the panel are honoured. Anybody on the network can write the mailbox,
//! so every request is checked here; plain values, no I/O.

use std::collections::VecDeque;

use serde::Deserialize;

/// A request older or younger than this is refused (clocks of Core and agent may differ).
const WINDOW_MS: i64 = 10_000;
/// How many answered ids are remembered; a panel asks a few times an hour.
const REMEMBERED: usize = 1024;
/// The plugin makes short ids.
const LONGEST_ID: usize = 64;
/// The plugin's requests are below 1 kB.
const LONGEST_REQUEST: usize = 16 * 1024;

/// What the panel may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Backup,
    Verify,
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
struct Wire {
    id: String,
    kind: String,
    at: String,
}

/// Remembers what was answered, for as long as the agent runs.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    answered: VecDeque<String>,
}

impl Requests {
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
        let kind = match wire.kind.as_str() {
            "backup" => Kind::Backup,
            "verify" => Kind::Verify,
            other => {
                let why = format!("this agent does not do `{}` from the panel", shorten(other));
                return self.refuse(wire.id, &why);
            }
        };
        self.remember(&wire.id);
        Judgement::Honour { id: wire.id, kind }
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
        let wire: Wire = serde_json::from_str(text)
            .map_err(|error| unreadable(&format!("the request cannot be read: {error}")))?;
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

    #[test]
    fn an_empty_mailbox_asks_for_nothing() {
        assert_eq!(Requests::default().appeared("", NOW), Judgement::Nothing);
    }
}
