//! A Named Control that asks for something: compares each reading with the one before.

use qrc::{Reading, Value};

use crate::panel::mailbox;
use crate::panel::requests::Kind;

/// What a Named Control asks for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::panel) struct Asking {
    /// Which control asks, without the prefix.
    pub(in crate::panel) control: &'static str,
    pub(in crate::panel) what: What,
    /// It may have been waiting for longer than a request may be old.
    pub(in crate::panel) waited: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::panel) enum What {
    /// A button was pressed.
    Press(Kind),
    /// A whole request was written, in the form of the plugin's.
    Text(String),
}

/// A control that asks.
pub(super) struct Inlet {
    pub(super) name: &'static str,
    /// What a button asks for; none for the text of a whole request.
    pub(super) button: Option<Kind>,
    /// `true` or the text, as last read.
    pub(super) last: String,
    /// It is a button that the agent must turn off.
    pub(super) put_out: bool,
}

impl Inlet {
    /// What its new reading asks for.
    pub(super) fn take(&mut self, reading: &Reading, waited: bool) -> Option<Asking> {
        let now = match self.button {
            Some(_) if is_on(reading) => "true".to_owned(),
            Some(_) => String::new(),
            None => mailbox::text_of(reading),
        };
        let is_news = now != self.last;
        let is_on = self.button.is_some() && !now.is_empty();
        // Still on after a new connect: the write that should turn it off may have been lost.
        self.put_out |= is_on && (is_news || waited);
        self.last.clone_from(&now);
        if !is_news || now.is_empty() {
            return None;
        }
        let what = match &self.button {
            Some(kind) => What::Press(kind.clone()),
            None => What::Text(now),
        };
        Some(Asking {
            control: self.name,
            what,
            waited,
        })
    }
}

fn is_on(reading: &Reading) -> bool {
    match &reading.value {
        Some(Value::Number(number)) => *number >= 0.5,
        Some(Value::Bool(on)) => *on,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inlet(button: Option<Kind>) -> Inlet {
        Inlet {
            name: "BackupNow",
            button,
            last: String::new(),
            put_out: false,
        }
    }

    fn lamp(on: bool) -> Reading {
        Reading {
            value: Some(on.into()),
            ..Reading::default()
        }
    }

    #[test]
    fn a_press_asks_once_however_long_the_button_stays_on() {
        let mut button = inlet(Some(Kind::Backup));
        assert_eq!(button.take(&lamp(false), false), None);
        let asked = button.take(&lamp(true), false).unwrap();
        assert_eq!(asked.what, What::Press(Kind::Backup));
        assert!(!asked.waited && button.put_out);
        button.put_out = false;
        assert_eq!(button.take(&lamp(true), false), None);
        assert!(!button.put_out, "who holds it is not fought with");
        assert_eq!(button.take(&lamp(false), false), None);
        assert!(button.take(&lamp(true), false).is_some());
    }

    #[test]
    fn a_button_that_could_not_be_put_out_is_put_out_after_the_next_connect_and_asks_no_more() {
        let mut button = inlet(Some(Kind::Backup));
        assert!(button.take(&lamp(true), false).is_some());
        button.put_out = false;
        assert_eq!(button.take(&lamp(true), true), None);
        assert!(button.put_out);
    }

    #[test]
    fn a_request_that_stays_or_goes_asks_for_nothing_again() {
        let text = |text: &str| Reading {
            string: Some(text.into()),
            ..Reading::default()
        };
        let mut request = inlet(None);
        let asked = request.take(&text("{}"), false).unwrap();
        assert_eq!(asked.what, What::Text("{}".to_owned()));
        assert_eq!(request.take(&text("{}"), true), None);
        assert_eq!(request.take(&text(""), false), None);
        assert!(!request.put_out);
    }
}
