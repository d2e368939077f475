//! One hash over the state of all controls. The recorder makes it from memory and leaves it in the day file; a deep
//! verification makes it again from restored files alone. `FORMAT.md` tells the encoding.

use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::store::meaning;
use crate::store::query::state::State;
use crate::store::value::Value;

/// The keys in a day file's `meta`.
const ID: &str = "state_id";
const SHA256: &str = "state_sha256";
/// Forgets the recorder's digests of state and rows, as somebody else wrote into its day.
pub(crate) const FORGET: &str = "DELETE FROM meta
    WHERE key IN ('state_id', 'state_sha256', 'rows_id', 'rows_count', 'rows_sha256');";

/// The digest of the state of all controls after an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateDigest {
    /// The last event, keyframe or gap it counts in.
    pub(crate) id: i64,
    pub(crate) sha256: String,
}

/// One control's part in the digest.
pub(crate) struct Control<'a> {
    pub(crate) path: &'a str,
    pub(crate) value: Option<&'a Value>,
    pub(crate) string: Option<&'a str>,
    pub(crate) position: Option<f64>,
}

/// The hash of a state. The order of `controls` does not matter; each path must come once.
pub(crate) fn of_controls<'a>(controls: impl Iterator<Item = Control<'a>>) -> String {
    let mut controls: Vec<Control<'a>> = controls.collect();
    controls.sort_unstable_by_key(|control| control.path);
    let mut digest = Digest::default();
    digest.add(b"QSRA state 1\n");
    let mut bytes = Vec::new();
    for control in controls {
        bytes.clear();
        meaning::text(&mut bytes, control.path);
        meaning::content(&mut bytes, control.value, control.string, control.position);
        digest.add(&bytes);
    }
    digest.finish()
}

/// The digest of a state that was read from files.
pub(crate) fn of_state(state: &State) -> String {
    of_controls(state.controls.iter().map(|control| Control {
        path: &control.series.path,
        value: control.value.as_ref(),
        string: control.string.as_deref(),
        position: control.position,
    }))
}

impl StateDigest {
    /// Leaves it in a day file, inside the open transaction.
    pub(crate) fn write(&self, conn: &Connection) -> rusqlite::Result<()> {
        let mut put =
            conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
        put.execute((ID, self.id))?;
        put.execute((SHA256, &self.sha256))?;
        Ok(())
    }

    /// Reads the recorder's digest from a day file; nothing where it is not a digest.
    pub(crate) fn read(conn: &Connection) -> rusqlite::Result<Option<StateDigest>> {
        conn.query_row(
            "SELECT i.value, h.value FROM meta i JOIN meta h ON h.key = ?2
             WHERE i.key = ?1 AND typeof(i.value) = 'integer' AND typeof(h.value) = 'text'",
            [ID, SHA256],
            |row| {
                Ok(StateDigest {
                    id: row.get(0)?,
                    sha256: row.get(1)?,
                })
            },
        )
        .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control<'a>(
        path: &'a str,
        value: Option<&'a Value>,
        string: Option<&'a str>,
    ) -> Control<'a> {
        Control {
            path,
            value,
            string,
            position: None,
        }
    }

    #[test]
    fn the_order_of_controls_does_not_matter_and_everything_in_them_does() {
        let (zero, minus) = (Value::Number(0.0), Value::Number(-0.0));
        let state = |controls: Vec<Control<'_>>| of_controls(controls.into_iter());
        let a = || control("a", Some(&zero), None);
        let b = || control("b", None, Some("x"));
        assert_eq!(state(vec![a(), b()]), state(vec![b(), a()]));
        let others = [
            state(vec![a()]),
            state(vec![]),
            state(vec![control("a", Some(&minus), None), b()]),
            state(vec![control("a", Some(&zero), Some("")), b()]),
            state(vec![a(), control("b", None, Some("y"))]),
            state(vec![a(), control("bx", None, Some(""))]),
        ];
        for (n, other) in others.iter().enumerate() {
            assert_ne!(*other, state(vec![a(), b()]), "{n}");
        }
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let value = Value::Number(1.0);
        let mut bytes = b"QSRA state 1\n".to_vec();
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, b'a', 1]);
        bytes.extend(1f64.to_le_bytes());
        bytes.extend([1, 2, 0, 0, 0, 0, 0, 0, 0, b'o', b'n', 0]);
        assert_eq!(
            of_controls([control("a", Some(&value), Some("on"))].into_iter()),
            crate::digest::sha256(&bytes)
        );
    }
}
