//! Turns the changes of `qrc` into those of `backup`: the only place that knows the words of both.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use compact_str::{CompactString, ToCompactString, format_compact};

/// What the view `events` says of where these changes came from.
const SOURCE: &str = "change-group";

/// What to watch by these settings; never the agent's own mailbox and Named Controls.
pub(crate) fn selection(
    record: &crate::settings::Record,
    code_name: &str,
    ours: Vec<String>,
) -> qrc::Selection {
    let mut exclude = record.exclude.clone();
    exclude.push(format!("{}.*", globset::escape(code_name)));
    qrc::Selection {
        include: record.include.clone(),
        exclude,
        named: record.named_controls.clone(),
        exclude_named: ours,
        rate: record.every,
        rates: record.rates.clone(),
        meters: record.meters,
        // The fourth group is the panel's.
        max_groups: 3,
    }
}

/// Carries what the watch reports into the store, until the watch ends.
pub(crate) async fn record_all(
    mut watch: qrc::Watch,
    recorder: backup::Recorder,
    live_facts: Arc<crate::record::LiveFacts>,
) {
    let mut series: Vec<backup::SeriesId> = Vec::new();
    while let Some(event) = watch.next().await {
        match event {
            qrc::WatchEvent::Inventory(inventory) => {
                for control in &inventory.controls[series.len().min(inventory.controls.len())..] {
                    series.push(recorder.series(series_of(control)));
                }
                live_facts.set_inventory(inventory);
            }
            qrc::WatchEvent::State { at, readings } => {
                let states = readings
                    .into_iter()
                    .filter_map(|(control, reading)| change_of(&series, control, reading))
                    .collect();
                recorder.keyframe(unix_ms(at), states).await;
                live_facts.set_complete(true);
            }
            qrc::WatchEvent::Changes { at, changes } => {
                let changes = changes
                    .into_iter()
                    .filter_map(|change| change_of(&series, change.control, change.reading))
                    .collect();
                recorder.changes(unix_ms(at), changes).await;
            }
            qrc::WatchEvent::Lost { from, why } => {
                live_facts.set_complete(false);
                recorder.lost(Some(unix_ms(from)), &why);
                tracing::warn!("not recording: {why}");
            }
            qrc::WatchEvent::Gap { from, to, why } => {
                tracing::warn!(
                    seconds = to.duration_since(from).unwrap_or_default().as_secs_f64(),
                    "changes may be missing: {why}"
                );
                recorder.gap(unix_ms(from), unix_ms(to), &why).await;
            }
        }
    }
    live_facts.set_complete(false);
    recorder.lost(None, "the agent was stopped");
}

fn series_of(control: &qrc::WatchedControl) -> backup::Series {
    backup::Series {
        change_group: format_compact!("group-{}", control.group),
        path: control.name.to_compact_string(),
        component: control.name.component.clone().unwrap_or_default(),
        control: control.name.name.clone(),
        source: CompactString::const_new(SOURCE),
    }
}

fn change_of(
    series: &[backup::SeriesId],
    control: qrc::ControlId,
    reading: qrc::Reading,
) -> Option<backup::Change> {
    Some(backup::Change {
        series: *series.get(control.0 as usize)?,
        value: reading.value.map(|value| match value {
            qrc::Value::Number(number) => backup::Value::Number(number),
            qrc::Value::Bool(on) => backup::Value::Bool(on),
            qrc::Value::Text(text) => backup::Value::Text(text),
        }),
        string: reading.string,
        position: reading.position,
    })
}

/// Unix milliseconds of a moment; before 1970 counts as 1970.
pub(crate) fn unix_ms(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
