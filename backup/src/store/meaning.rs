//! What a change means, as bytes: the one encoding that every digest over the record is made from. `FORMAT.md` tells it.

use sha2::{Digest as _, Sha256};

use crate::store::event::Series;
use crate::store::value::Value;

/// A series' identity wherever it is recorded: the first 16 bytes of a SHA-256 over its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKey(pub(crate) [u8; 16]);

impl SeriesKey {
    pub(crate) fn of(series: &Series) -> SeriesKey {
        let mut bytes = b"QSRA series 1\n".to_vec();
        for name in [
            &series.path,
            &series.component,
            &series.control,
            &series.change_group,
            &series.source,
        ] {
            text(&mut bytes, name);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(&bytes)[..16]);
        SeriesKey(key)
    }
}

/// A text: its length as 8 bytes, little endian, and its UTF-8.
pub(crate) fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Value, string and position.
pub(crate) fn content(
    bytes: &mut Vec<u8>,
    value: Option<&Value>,
    string: Option<&str>,
    position: Option<f64>,
) {
    match value {
        None => bytes.push(0),
        Some(Value::Number(value)) => number(bytes, *value),
        Some(Value::Bool(false)) => bytes.push(2),
        Some(Value::Bool(true)) => bytes.push(3),
        Some(Value::Text(value)) => {
            bytes.push(4);
            text(bytes, value);
        }
    }
    match string {
        None => bytes.push(0),
        Some(string) => {
            bytes.push(1);
            text(bytes, string);
        }
    }
    match position {
        None => bytes.push(0),
        Some(position) => number(bytes, position),
    }
}

fn number(bytes: &mut Vec<u8>, number: f64) {
    bytes.push(1);
    bytes.extend(number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_run_together_are_other_series() {
        let named = |path: &str, component: &str| Series {
            path: path.into(),
            component: component.into(),
            ..Series::default()
        };
        assert_ne!(
            SeriesKey::of(&named("ab", "c")),
            SeriesKey::of(&named("a", "bc"))
        );
        assert_eq!(
            SeriesKey::of(&named("a", "b")),
            SeriesKey::of(&named("a", "b"))
        );
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let mut bytes = Vec::new();
        content(&mut bytes, Some(&Value::Number(1.0)), Some("on"), None);
        let mut expected = vec![1];
        expected.extend(1f64.to_le_bytes());
        expected.extend([1, 2, 0, 0, 0, 0, 0, 0, 0, b'o', b'n', 0]);
        assert_eq!(bytes, expected);
    }
}
