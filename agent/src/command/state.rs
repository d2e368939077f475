//! `state`: how all controls stood at a moment.

use std::process::ExitCode;

use backup::ControlState;
use serde::Serialize;

use crate::documents::{self, value};
use crate::failure::Outcome;
use crate::moment::{self, rfc3339};
use crate::output::{Output, many};
use crate::site::Site;
use crate::{cli, shown};

/// What stands right of a name: its content, and since when.
const FOR_CONTENT: usize = 18;
const TIME_WIDTH: usize = 19;

#[derive(Serialize)]
struct Document {
    at: String,
    /// The last full reading before the moment.
    read_in_full: Option<String>,
    /// Where the record ends, if that is before the moment.
    record_ends: Option<String>,
    /// Changes in these may be missing.
    gaps: Vec<documents::Gap>,
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
    /// When it came to stand so; `null` when that was before the full reading.
    since: Option<String>,
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
            since: state.changed.map(|id| rfc3339(id.ms())),
        }
    }
}

pub(super) fn state(typed: &cli::State, site: &Site, output: Output) -> Outcome<ExitCode> {
    let store = site.store()?;
    let wanted = backup::Controls::matching(&typed.control)?;
    let mut state = store.state_at(typed.at)?;
    state
        .controls
        .retain(|control| wanted.contains(&control.series.path));
    let controls: Vec<Control> = state.controls.iter().map(Control::from).collect();
    if typed.csv {
        output.csv(&controls)?;
        return Ok(ExitCode::SUCCESS);
    }
    let ends = store.summary()?.to_ms;
    let ends = ends.filter(|ends| *ends < typed.at);
    let document = Document {
        at: rfc3339(typed.at),
        read_in_full: state.keyframe_ms.map(rfc3339),
        record_ends: ends.map(rfc3339),
        gaps: state.gaps.iter().map(documents::Gap::from).collect(),
        controls,
    };
    output.result(&document, || lines(&state, ends).join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn lines(state: &backup::State, ends: Option<i64>) -> Vec<String> {
    let columns = shown::columns();
    let mut lines = vec![format!(
        "The room at {}: {}",
        moment::local(state.at_ms),
        many(state.controls.len() as u64, "control")
    )];
    if let Some(ends) = ends {
        lines.push(format!(
            "The last change before it was at {}.",
            moment::local(ends)
        ));
    }
    if state.keyframe_ms.is_none() && !state.controls.is_empty() {
        lines.push(
            "Never read in full before it: controls that never changed are missing.".to_owned(),
        );
    }
    let holes = state.gaps.iter().map(shown::hole);
    lines.extend(holes.map(|hole| shown::clip(&hole, columns)));
    let names = state
        .controls
        .iter()
        .map(|control| control.series.path.as_str());
    let width = shown::name_width(names, columns, FOR_CONTENT + TIME_WIDTH + 4);
    for control in &state.controls {
        let name = shown::fit(&control.series.path, width);
        let content = shown::content(control.string.as_deref(), control.value.as_ref());
        let since = control
            .changed
            .map_or_else(String::new, |id| moment::local(id.ms()));
        let content = match columns {
            Some(_) => shown::fit(&content, FOR_CONTENT),
            None => content,
        };
        lines.push(format!("{name}  {content}  {since}").trim_end().to_owned());
    }
    lines
}
