//! What backups to keep: by count, age and period.

/// What to keep. Rules add up: a backup stays if any of them wants it. One that is not proved goes only when the proved
/// ones alone fill the rules, so that it would go if it were proved, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many of the newest verified backups stay; at least one always does. Backups of the same clock hour (UTC)
    /// count as one, and the older of them go first. Where the store lost something within that hour, the last backup
    /// before the loss stays, too.
    pub keep: usize,
    /// Everything younger than this, in milliseconds; 0: no such rule.
    pub within_ms: i64,
    /// For how many of the last days with backups (UTC) the newest verified one stays.
    pub daily: usize,
    /// The same for weeks (from Monday).
    pub weekly: usize,
    /// The same for months.
    pub monthly: usize,
    /// The same for years.
    pub yearly: usize,
    /// Backups that stay in any case, by id: a restore is about to read them.
    pub needed: Vec<String>,
}

impl Policy {
    /// By count alone.
    pub fn count(keep: usize) -> Policy {
        Policy {
            keep,
            within_ms: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
            needed: Vec::new(),
        }
    }
}

impl Default for Policy {
    /// The newest seven.
    fn default() -> Policy {
        Policy::count(7)
    }
}
