//! Events as lines: a heading for each day, the gaps where they were, long names cut to the terminal.

use backup::{Event, Gap};
use console::style;

use crate::command::terminal;
use crate::moment::Moment;

/// The width for time, content and the spaces around the name.
const FOR_CONTENT: usize = 24;
const TIME_WIDTH: usize = 12;

/// Makes the lines. It remembers the last day and name width, so that events can come bit by bit.
#[derive(Default)]
pub(super) struct Lines {
    columns: Option<usize>,
    name_width: usize,
    day: Option<String>,
}

impl Lines {
    /// For standard output.
    pub(super) fn new() -> Self {
        Self {
            columns: terminal::columns(),
            ..Self::default()
        }
    }

    /// Adds events and the gaps among them, both in the events' order.
    pub(super) fn add(&mut self, text: &mut Vec<String>, events: &[Event], gaps: &[Gap]) {
        let names = events.iter().map(|event| event.series.path.as_str());
        let width = terminal::name_width(names, self.columns, TIME_WIDTH + 4 + FOR_CONTENT);
        self.name_width = self.name_width.max(width);
        let newest_first = matches!(events, [first, .., last] if first.id > last.id);
        let mut gaps: Vec<&Gap> = gaps.iter().collect();
        if newest_first {
            gaps.reverse();
        }
        let mut gaps = gaps.into_iter().peekable();
        for event in events {
            // A gap stands after what was recorded before it began.
            let before = |gap: &&Gap| match newest_first {
                true => gap.from_ms >= event.at_ms,
                false => gap.from_ms < event.at_ms,
            };
            while let Some(gap) = gaps.next_if(before) {
                text.push(terminal::clip(&terminal::gap(gap), self.columns));
            }
            self.event(text, event);
        }
        text.extend(gaps.map(|gap| terminal::clip(&terminal::gap(gap), self.columns)));
    }

    /// In a pipe each line says the whole time, on a terminal a heading says the day.
    fn event(&mut self, text: &mut Vec<String>, event: &Event) {
        let at = Moment::at(event.at_ms);
        let content = terminal::content(event.string.as_deref(), event.value.as_ref());
        let name = terminal::fit(&event.series.path, self.name_width);
        let Some(columns) = self.columns else {
            text.push(format!("{}  {name}  {content}", at.local_precise()));
            return;
        };
        let day = at.local_day();
        if self.day.as_ref() != Some(&day) {
            text.push(terminal::between(&day));
            self.day = Some(day);
        }
        let line = format!(
            "{}  {name}  {content}",
            style(at.local_time_precise()).cyan()
        );
        text.push(terminal::clip(&line, Some(columns)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn event(ms: i64) -> Event {
        let series = backup::Series {
            path: "Main.gain".into(),
            component: "Main".into(),
            control: "gain".into(),
            ..backup::Series::default()
        };
        Event {
            id: backup::EventId(ms << 12),
            at_ms: ms,
            series: Arc::new(series),
            value: Some(backup::Value::Number(-3.0)),
            string: Some("-3.0dB".into()),
            position: None,
        }
    }

    fn gap(from_ms: i64, to_ms: i64) -> Gap {
        Gap {
            from_ms,
            to_ms,
            why: "link down".to_owned(),
        }
    }

    fn kinds(events: &[Event], gaps: &[Gap]) -> String {
        let mut text = Vec::new();
        Lines::default().add(&mut text, events, gaps);
        text.iter()
            .map(|line| {
                if line.contains("not recorded") {
                    'g'
                } else {
                    'e'
                }
            })
            .collect()
    }

    #[test]
    fn a_name_that_comes_later_and_is_longer_is_shown_whole() {
        let mut lines = Lines::default();
        let mut text = Vec::new();
        lines.add(&mut text, &[], &[]);
        lines.add(&mut text, &[event(1_000)], &[]);
        assert!(text[0].contains("  Main.gain  -3.0dB"), "{text:?}");
    }

    #[test]
    fn gaps_stand_where_they_were_in_either_order() {
        let mut events = vec![event(1_000), event(2_000), event(5_000)];
        let gaps = [gap(500, 900), gap(2_000, 4_000), gap(6_000, 7_000)];
        assert_eq!(kinds(&events, &gaps), "geegeg");
        events.reverse();
        assert_eq!(kinds(&events, &gaps), "gegeeg");
    }
}
