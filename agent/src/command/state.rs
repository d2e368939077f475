//! `state`: how all controls stood at a moment.

use std::process::ExitCode;

use backup::ControlState;
use serde::Serialize;

use crate::command::cli;
use crate::command::open_gap;
use crate::command::output::Output;
use crate::command::terminal;
use crate::documents::{self, value};
use crate::failure::Outcome;
use crate::moment::Moment;
use crate::site::Site;
use crate::words::many;

/// The width to the right of a name: its content, and since when.
const FOR_CONTENT: usize = 18;
const TIME_WIDTH: usize = 19;

#[derive(Serialize)]
struct Document {
    at: Moment,
    /// The last full reading before the moment.
    read_in_full: Option<Moment>,
    /// Where the record begins, if that is after the moment.
    record_begins: Option<Moment>,
    /// Where the record ends, if that is before the moment.
    record_ends: Option<Moment>,
    /// Changes in these may be missing.
    gaps: Vec<documents::Gap>,
    /// That the moment happened more than once, and which time this is; that nothing is recorded since before it.
    notes: Vec<String>,
    controls: Vec<Control>,
}

/// One control, as the view `events` names things.
#[derive(Default, Serialize)]
struct Control {
    control_path: String,
    component_name: String,
    control_name: String,
    value: serde_json::Value,
    string_value: Option<String>,
    position: Option<f64>,
    /// When it took this value; `null` if that was before the full reading.
    since: Option<Moment>,
}

impl From<&ControlState> for Control {
    fn from(state: &ControlState) -> Self {
        Self {
            control_path: state.series.path.to_string(),
            component_name: state.series.component.to_string(),
            control_name: state.series.control.to_string(),
            value: value(state.value.as_ref()),
            string_value: state.string.as_ref().map(ToString::to_string),
            position: state.position,
            since: state.changed_ms.map(Moment::at),
        }
    }
}

pub(super) fn state(typed: &cli::State, site: &Site, output: Output) -> Outcome<ExitCode> {
    let store = site.store()?;
    let wanted = backup::Controls::matching(&typed.control)?;
    let mut state = store.state_at(typed.at)?;
    let open = open_gap::before(site, &store, typed.at.ms);
    let nothing_known = state.controls.is_empty();
    state
        .controls
        .retain(|control| wanted.contains(&control.series.path));
    let controls: Vec<Control> = state.controls.iter().map(Control::from).collect();
    if typed.csv {
        output.csv(&controls)?;
        return Ok(ExitCode::SUCCESS);
    }
    let record = store.summary()?;
    let begins = (record.from_ms).filter(|begins| nothing_known && *begins > typed.at.ms);
    let ends = record.to_ms.filter(|ends| *ends < typed.at.ms);
    let repeated = store.repeated(typed.at)?;
    let mut notes: Vec<String> = repeated.iter().map(ToString::to_string).collect();
    notes.extend(open.as_ref().map(open_gap::told));
    let document = Document {
        at: Moment::at(typed.at.ms),
        read_in_full: state.keyframe_ms.map(Moment::at),
        record_begins: begins.map(Moment::at),
        record_ends: ends.map(Moment::at),
        gaps: (state.gaps.iter().chain(&open))
            .map(documents::Gap::from)
            .collect(),
        notes: notes.clone(),
        controls,
    };
    output.result(&document, || lines(&state, begins, ends, notes).join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn lines(
    state: &backup::State,
    begins: Option<i64>,
    ends: Option<i64>,
    notes: Vec<String>,
) -> Vec<String> {
    let columns = terminal::columns();
    let mut lines = vec![format!(
        "The room at {}: {}",
        Moment::at(state.at_ms).local(),
        many(state.controls.len() as u64, "control")
    )];
    lines.extend(begins.map(terminal::record_begins));
    lines.extend(notes);
    if let Some(ends) = ends {
        lines.push(format!(
            "The last change before it was at {}.",
            Moment::at(ends).local()
        ));
    }
    if state.keyframe_ms.is_none() && !state.controls.is_empty() {
        lines.push(
            "Never read in full before it: controls that never changed are missing.".to_owned(),
        );
    }
    let gaps = state.gaps.iter().map(terminal::gap);
    lines.extend(gaps.map(|gap| terminal::clip(&gap, columns)));
    let names = state
        .controls
        .iter()
        .map(|control| control.series.path.as_str());
    let width = terminal::name_width(names, columns, FOR_CONTENT + TIME_WIDTH + 4);
    for control in &state.controls {
        let name = terminal::fit(&control.series.path, width);
        let content = terminal::content(control.string.as_deref(), control.value.as_ref());
        let since = control
            .changed_ms
            .map_or_else(String::new, |ms| Moment::at(ms).local());
        let content = match columns {
            Some(_) => terminal::fit(&content, FOR_CONTENT),
            None => content,
        };
        lines.push(format!("{name}  {content}  {since}").trim_end().to_owned());
    }
    lines
}
