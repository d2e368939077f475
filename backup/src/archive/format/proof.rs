//! What was proved about a backup, and when: a small file beside it, written by a verification.

use serde::{Deserialize, Serialize};

use crate::archive::place::interface::Place;
use crate::error::Result;

/// Far above what the findings of one backup come to.
const LARGEST: u64 = 64 << 20;

/// The outcome of the last verification of one backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) format: u32,
    pub(crate) ok: bool,
    pub(crate) deep: bool,
    pub(crate) checked_at_ms: i64,
    /// SHA-256 of the manifest or of the original's file as it was checked.
    pub(crate) sha256: String,
    /// Size and time of that file then, so that a listing need not read it all again.
    pub(crate) bytes: u64,
    pub(crate) modified_ns: i64,
    pub(crate) findings: Vec<String>,
    /// Whether the events can be restored in spite of the findings. Absent in proofs of older programs.
    #[serde(default)]
    pub(crate) restores: Option<bool>,
    /// The stored files that were found damaged. Absent where something else is wrong, too, and in proofs of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) damaged: Option<Vec<String>>,
    /// What a database of the original's holds: events, first and last time.
    #[serde(default, rename = "seed")]
    pub(crate) original: Option<OriginalContents>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct OriginalContents {
    pub(crate) events: u64,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
}

/// What a verification found.
pub(crate) struct Outcome {
    pub(crate) findings: Vec<String>,
    pub(crate) restores: bool,
    pub(crate) damaged: Option<Vec<String>>,
    pub(crate) original: Option<OriginalContents>,
}

impl Proof {
    /// Whether the findings forbid a restore.
    pub(crate) fn forbids_restore(&self) -> bool {
        !self.restores.unwrap_or(self.ok)
    }
}

/// The proof's own name.
pub(crate) fn name(file: &str) -> String {
    format!("{file}.proof")
}

/// Writes down what was found about `file` of the archive.
pub(crate) fn write(
    place: &dyn Place,
    file: &str,
    deep: bool,
    sha256: String,
    outcome: Outcome,
    now_ms: i64,
) -> Result<()> {
    let Ok(Some(checked)) = place.look(file) else {
        return Ok(());
    };
    let proof = Proof {
        format: 1,
        ok: outcome.findings.is_empty(),
        deep,
        checked_at_ms: now_ms,
        sha256,
        bytes: checked.bytes,
        modified_ns: checked.modified_ns,
        findings: outcome.findings,
        restores: Some(outcome.restores),
        damaged: outcome.damaged,
        original: outcome.original,
    };
    let mut text = serde_json::to_vec_pretty(&proof).expect("a proof is plain data");
    text.push(b'\n');
    place.put(&name(file), &text)
}

/// The proof about `file`, if there is one and the file has not changed since.
pub(crate) fn read(place: &dyn Place, file: &str) -> Option<Proof> {
    let bytes = place.get_small(&name(file), LARGEST).ok()?;
    let proof: Proof = serde_json::from_slice(&bytes).ok()?;
    let now = place.look(file).ok()??;
    (proof.format == 1 && proof.bytes == now.bytes && proof.modified_ns == now.modified_ns)
        .then_some(proof)
}
