//! The gap that has not ended: the running agent knows it, and where none runs the record ends with one.

use crate::command::terminal;
use crate::documents::Gap;
use crate::moment::Moment;
use crate::site::Site;
use crate::socket::{self, Answer, Request};
use crate::status::Status;

/// The open gap, where it begins before a moment (Unix milliseconds).
pub(super) fn before(site: &Site, store: &backup::Store, at_ms: i64) -> Option<backup::Gap> {
    let open = match socket::ask(site.store_path(), &Request::Status, None) {
        Ok(Answer::Done(document)) => {
            let status: Status = serde_json::from_value(document).ok()?;
            status.events.open_gap
        }
        Ok(Answer::NoAgent) => store.vouched().ok()?.open_gap.as_ref().map(Gap::open),
        // Whether there is one is not known; `status` tells of an agent that does not answer.
        Err(_) => None,
    };
    open.map(Gap::into_gap).filter(|gap| gap.from_ms < at_ms)
}

/// That nothing is recorded any more, in a line.
pub(super) fn told(gap: &backup::Gap) -> String {
    let since = Moment::at(gap.from_ms).local();
    format!("Not recorded since {since}: {}.", terminal::plain(&gap.why))
}
