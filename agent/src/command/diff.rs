//! `diff`: which controls differ between two moments, and how.

use std::process::ExitCode;

use backup::{ControlState, Difference};
use serde::Serialize;

use crate::command::cli;
use crate::command::open_gap;
use crate::command::output::Output;
use crate::command::terminal;
use crate::documents;
use crate::documents::value;
use crate::failure::{Failure, Outcome};
use crate::moment::Moment;
use crate::site::Site;
use crate::words::many;

/// The width of a value; before, an arrow and after stand to the right of a name.
const FOR_CONTENT: usize = 18;
const ARROW: &str = " → ";

#[derive(Serialize)]
struct Document {
    from: Moment,
    to: Moment,
    /// Where the record begins, if that is after the first moment.
    record_begins: Option<Moment>,
    /// Spans between the moments in which changes may have been missed.
    gaps: Vec<documents::Gap>,
    /// Of each moment that happened more than once, which time it is.
    notes: Vec<String>,
    controls: Vec<Control>,
}

#[derive(Default, Serialize)]
struct Control {
    control_path: String,
    before: serde_json::Value,
    before_string: Option<String>,
    after: serde_json::Value,
    after_string: Option<String>,
    /// When it took the value of the second moment.
    changed: Option<Moment>,
}

impl From<&Difference> for Control {
    fn from(difference: &Difference) -> Self {
        let [before, after] = [&difference.before, &difference.after];
        let string = |state: &Option<ControlState>| {
            let string = state.as_ref()?.string.as_ref()?;
            Some(string.to_string())
        };
        let plain = |state: &Option<ControlState>| {
            value(state.as_ref().and_then(|state| state.value.as_ref()))
        };
        let changed = after.as_ref().and_then(|state| state.changed_ms);
        Self {
            control_path: path(difference).to_owned(),
            before: plain(before),
            before_string: string(before),
            after: plain(after),
            after_string: string(after),
            changed: changed.map(Moment::at),
        }
    }
}

pub(super) fn diff(typed: &cli::Diff, site: &Site, output: Output) -> Outcome<ExitCode> {
    let (from_ms, to_ms) = (typed.from.ms, typed.to.ms);
    if from_ms > to_ms {
        return Err(Failure::usage("--from is later than --to").hint("swap the two moments"));
    }
    let store = site.store()?;
    let wanted = backup::Controls::matching(&typed.control)?;
    let mut differences = store.diff(typed.from, typed.to)?;
    differences.retain(|difference| wanted.contains(path(difference)));
    let controls: Vec<Control> = differences.iter().map(Control::from).collect();
    if typed.csv {
        output.csv(&controls)?;
        return Ok(ExitCode::SUCCESS);
    }
    let gaps = store.gaps(from_ms, to_ms)?;
    let open = open_gap::before(site, &store, to_ms);
    let mut notes = Vec::new();
    for at in [typed.from, typed.to] {
        notes.extend(store.repeated(at)?.map(|repeated| repeated.to_string()));
    }
    notes.extend(open.as_ref().map(open_gap::told));
    let begins = (store.summary()?.from_ms).filter(|begins| *begins > from_ms);
    let document = Document {
        from: Moment::at(from_ms),
        to: Moment::at(to_ms),
        record_begins: begins.map(Moment::at),
        gaps: (gaps.iter().chain(&open))
            .map(documents::Gap::from)
            .collect(),
        notes: notes.clone(),
        controls,
    };
    output.result(&document, || {
        let mut lines = lines(&differences, &gaps, notes, typed);
        if let Some(begins) = begins {
            lines.insert(1, terminal::record_begins(begins));
        }
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

fn lines(
    differences: &[Difference],
    gaps: &[backup::Gap],
    notes: Vec<String>,
    typed: &cli::Diff,
) -> Vec<String> {
    let columns = terminal::columns();
    let mut lines = vec![format!(
        "{} between {} and {}",
        match differences.len() as u64 {
            1 => "1 control differs".to_owned(),
            some => format!("{} differ", many(some, "control")),
        },
        Moment::at(typed.from.ms).local(),
        Moment::at(typed.to.ms).local()
    )];
    lines.extend(notes);
    lines.extend(
        gaps.iter()
            .map(|gap| terminal::clip(&terminal::gap(gap), columns)),
    );
    let width = terminal::name_width(
        differences.iter().map(path),
        columns,
        2 * FOR_CONTENT + ARROW.len() + 2,
    );
    for difference in differences {
        let [before, after] = [&difference.before, &difference.after].map(|state| match state {
            Some(state) => terminal::content(state.string.as_deref(), state.value.as_ref()),
            None => "not known".to_owned(),
        });
        let before = match columns {
            Some(_) => terminal::fit(&before, FOR_CONTENT),
            None => before,
        };
        let name = terminal::fit(path(difference), width);
        lines.push(terminal::clip(
            &format!("{name}  {before}{ARROW}{after}"),
            columns,
        ));
    }
    lines
}

fn path(difference: &Difference) -> &str {
    let known = difference.after.as_ref().or(difference.before.as_ref());
    known.map_or("", |state| state.series.path.as_str())
}
