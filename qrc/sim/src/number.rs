//! Units, and how a Core prints numbers: single precision cut after eight decimals, display texts of three digits.

use compact_str::{CompactString, format_compact};

/// The unit of a number. It decides the display text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// A plain number.
    #[default]
    None,
    /// Decibels: `-6.00dB`.
    Db,
    /// Hertz: `440Hz`, `1.00kHz`.
    Hz,
    /// Per cent: `50%`.
    Percent,
    /// Seconds: `60.0s`, below one second `250ms`.
    Seconds,
    /// A pan from -1 (left) to 1 (right).
    Pan,
    /// A position from 0 to 1.
    Position,
}

/// Appends `value` as the Core writes it in JSON: the exact value of the `f32`, cut (not rounded) after eight
/// decimals, without trailing zeros but always with at least one decimal.
pub(crate) fn push_wire(out: &mut Vec<u8>, value: f32) {
    let exact = f64::from(value);
    if exact.is_sign_negative() {
        out.push(b'-');
    }
    let exact = exact.abs();
    let whole = exact.trunc();
    if whole < 1e15 {
        push_u64(out, whole as u64);
    } else {
        out.extend_from_slice(format!("{whole:.0}").as_bytes());
    }
    out.push(b'.');
    // The f32's 24 bits times 5^8 fit in the 53 bits of an f64. So this product is exact, and so is the cut.
    let mut decimals = ((exact - whole) * 1e8) as u64;
    let mut width = 8;
    while width > 1 && decimals.is_multiple_of(10) {
        decimals /= 10;
        width -= 1;
    }
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (decimals % 10) as u8;
        decimals /= 10;
    }
}

/// Appends an integer.
pub(crate) fn push_integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_u64(out, value.unsigned_abs());
}

fn push_u64(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends `text` as a JSON string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

/// Three significant digits: `20.0`, `-6.00`, `-100`, `0.500`; exactly zero is `0`.
fn three_digits(value: f64) -> CompactString {
    if value == 0.0 {
        return CompactString::const_new("0");
    }
    for (below, decimals) in [(10.0, 2), (100.0, 1)] {
        let unit = 10f64.powi(decimals);
        // The number of digits depends on the rounded value; otherwise 9.999 would get four.
        if ((value.abs() * unit).round() / unit) < below {
            let decimals = decimals as usize + usize::from(value.abs() < 0.9995);
            return format_compact!("{value:.decimals$}");
        }
    }
    format_compact!("{value:.0}")
}

/// The display text of a number in this unit.
pub(crate) fn display(value: f32, unit: Unit) -> CompactString {
    let value = f64::from(value);
    match unit {
        Unit::None | Unit::Position | Unit::Pan => three_digits(value),
        Unit::Db => {
            let mut text = three_digits(value);
            text.push_str("dB");
            text
        }
        Unit::Hz if value.abs() >= 999.5 => {
            let mut text = three_digits(value / 1000.0);
            text.push_str("kHz");
            text
        }
        Unit::Hz => {
            let mut text = three_digits(value);
            text.push_str("Hz");
            text
        }
        Unit::Percent => format_compact!("{value:.0}%"),
        Unit::Seconds if value.abs() < 0.9995 => {
            let mut text = three_digits(value * 1000.0);
            text.push_str("ms");
            text
        }
        Unit::Seconds => {
            let mut text = three_digits(value);
            text.push('s');
            text
        }
    }
}

/// Seconds of a day as `HH:MM:SS`.
pub(crate) fn clock_text(seconds: f32) -> CompactString {
    let seconds = seconds.max(0.0) as u32;
    format_compact!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The number at the start of a display text such as `-6.00dB`, `1.5kHz` or `500ms`, in the unit's base scale.
pub(crate) fn parse_display(text: &str, unit: Unit) -> Option<f64> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|&(at, c)| !(c.is_ascii_digit() || c == '.' || (at == 0 && (c == '-' || c == '+'))))
        .map_or(text.len(), |(at, _)| at);
    let number: f64 = text[..end].parse().ok()?;
    let scale = match (unit, text[end..].trim()) {
        (Unit::Hz, "kHz" | "k") => 1000.0,
        (Unit::Seconds, "ms") => 0.001,
        _ => 1.0,
    };
    Some(number * scale).filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(value: f32) -> String {
        let mut out = Vec::new();
        push_wire(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn wire_numbers_match_the_published_samples() {
        for (value, text) in [
            (0.833_333_3, "0.83333331"),
            (82.0 / 120.0, "0.68333333"),
            (2.0 / 3.0, "0.66666668"),
            (0.466_666_67, "0.46666666"),
            (1.0 / 3.0, "0.33333334"),
            (-42.1, "-42.09999847"),
            (0.688_888_9, "0.6888889"),
            (-100.0, "-100.0"),
            (0.0, "0.0"),
            (20.0, "20.0"),
            (16_777_216.0, "16777216.0"),
        ] {
            assert_eq!(wire(value), text);
        }
    }

    #[test]
    fn decibels_have_three_significant_digits() {
        for (value, text) in [
            (20.0, "20.0dB"),
            (-6.0, "-6.00dB"),
            (-15.555_553, "-15.6dB"),
            (-42.1, "-42.1dB"),
            (-100.0, "-100dB"),
            (0.0, "0dB"),
            (-0.0, "0dB"),
            (9.996, "10.0dB"),
            (-99.97, "-100dB"),
            (0.5, "0.500dB"),
            (-0.999_9, "-1.00dB"),
        ] {
            assert_eq!(display(value, Unit::Db), text, "{value}");
        }
    }

    #[test]
    fn times_and_frequencies_choose_their_scale() {
        assert_eq!(display(0.0, Unit::Seconds), "0ms");
        assert_eq!(display(60.0, Unit::Seconds), "60.0s");
        assert_eq!(display(0.25, Unit::Seconds), "250ms");
        assert_eq!(display(1000.0, Unit::Hz), "1.00kHz");
        assert_eq!(display(20.0, Unit::Hz), "20.0Hz");
        assert_eq!(clock_text(86_399.0), "23:59:59");
    }

    #[test]
    fn display_texts_can_be_read_back() {
        assert_eq!(parse_display("-6.00dB", Unit::Db), Some(-6.0));
        assert_eq!(parse_display("1.5kHz", Unit::Hz), Some(1500.0));
        assert_eq!(parse_display(" 500ms", Unit::Seconds), Some(0.5));
        assert_eq!(parse_display("loud", Unit::Db), None);
    }

    #[test]
    fn texts_are_escaped() {
        let mut out = Vec::new();
        push_text(&mut out, "a\"b\\c\n\u{1}é");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\"a\\\"b\\\\c\\n\\u0001é\""
        );
    }

    proptest::proptest! {
        #[test]
        fn every_text_is_the_json_of_itself(text: String) {
            let mut out = Vec::new();
            push_text(&mut out, &text);
            let back: String = serde_json::from_slice(&out).unwrap();
            proptest::prop_assert_eq!(back, text);
        }

        #[test]
        fn every_number_is_json_and_cut_towards_zero(value in -1e9f32..1e9f32) {
            let text = wire(value);
            let back: f64 = serde_json::from_str(&text).unwrap();
            let exact = f64::from(value);
            proptest::prop_assert!(back.abs() <= exact.abs() && (exact - back).abs() < 1.01e-8, "{} {}", text, exact);
        }
    }
}
