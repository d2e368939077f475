//! Rows of controls on a terminal and in a pipe: widths, cuts, and text that cannot harm the terminal.

use std::borrow::Cow;

use console::{Term, measure_text_width, style};

use crate::moment::Moment;

/// Text from a design made safe for one line of a terminal. What would move the cursor, colour the rest or turn
/// its direction becomes a space.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(unfit) {
        text.replace(unfit, " ").into()
    } else {
        text.into()
    }
}

/// What a panel would show, else the bare value.
pub(crate) fn content(string: Option<&str>, value: Option<&backup::Value>) -> String {
    let text = match (string, value) {
        (Some(text), _) => text.to_owned(),
        (None, Some(backup::Value::Number(number))) => number.to_string(),
        (None, Some(backup::Value::Bool(on))) => on.to_string(),
        (None, Some(backup::Value::Text(text))) => text.to_string(),
        (None, None) => "–".to_owned(),
    };
    plain(&text).into_owned()
}

/// The columns of the terminal on standard output; `None` in a pipe, where nothing is cut.
pub(crate) fn columns() -> Option<usize> {
    let term = Term::stdout();
    term.features()
        .is_attended()
        .then(|| usize::from(term.size().1).max(40))
}

/// The text padded to `width`, or cut in the middle: both ends of a control's name matter.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let text = plain(text);
    let long = measure_text_width(&text);
    if long <= width {
        return format!("{text}{}", " ".repeat(width - long));
    }
    let chars: Vec<char> = text.chars().collect();
    let keep = width.saturating_sub(1);
    let (head, tail) = (keep.div_ceil(2), keep / 2);
    let ends = chars[..head.min(chars.len())]
        .iter()
        .chain(&['…'])
        .chain(&chars[chars.len() - tail.min(chars.len())..]);
    ends.collect()
}

/// Cuts at the end.
pub(crate) fn clip(text: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => console::truncate_str(text, width, "…").into_owned(),
        None => text.to_owned(),
    }
}

/// How wide the first column of names may be, so that the rest has room beside it.
pub(crate) fn name_width<'a>(
    names: impl Iterator<Item = &'a str>,
    columns: Option<usize>,
    others: usize,
) -> usize {
    let longest = names
        .map(|name| measure_text_width(&plain(name)))
        .max()
        .unwrap_or(0);
    match columns {
        Some(columns) => longest.min(columns.saturating_sub(others).max(12)),
        None => longest,
    }
}

/// A line that stands between rows: a date, a gap.
pub(crate) fn between(text: &str) -> String {
    style(format!("── {text} ──")).dim().to_string()
}

/// Why nothing is known of a moment before it.
pub(crate) fn record_begins(ms: i64) -> String {
    let begins = Moment::at(ms).local();
    format!("The record begins at {begins}; what was before is not known.")
}

/// A line about a gap in the record.
pub(crate) fn gap(gap: &backup::Gap) -> String {
    let text = format!(
        "── not recorded {} to {} ({}): {} ──",
        Moment::at(gap.from_ms).local(),
        Moment::at(gap.to_ms).local(),
        crate::moment::span(gap.to_ms - gap.from_ms),
        plain(&gap.why)
    );
    style(text).yellow().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(fit("gain", 6), "gain  ");
        assert_eq!(fit("Main_Mixer.input.12.gain", 11), "Main_….gain");
        assert_eq!(fit("Bühne", 4).chars().count(), 4);
    }

    #[test]
    fn a_name_cannot_colour_or_turn_the_rest() {
        assert_eq!(fit("A\u{1b}[31m.gain", 12), "A [31m.gain ");
        assert_eq!(fit("\u{202e}niag\n", 6), " niag ");
    }

    #[test]
    fn a_line_break_in_a_value_stays_in_its_row() {
        assert_eq!(content(Some("a\nb\u{1b}[31m"), None), "a b [31m");
    }

    #[test]
    fn the_name_column_leaves_room_for_the_rest() {
        let names = ["a".repeat(70), "b".to_owned()];
        let names = || names.iter().map(String::as_str);
        assert_eq!(name_width(names(), Some(80), 40), 40);
        assert_eq!(name_width(names(), None, 40), 70);
    }
}
