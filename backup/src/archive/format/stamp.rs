//! Times as people read them and as names carry them. UTC, to the millisecond.

/// The time as the original named its backups: `:` and `.` become `-`.
pub(crate) fn id_of(ms: i64) -> String {
    rfc3339(ms).replace([':', '.'], "-")
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn rfc3339(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Err(_) => format!("ms{ms}"),
    }
}

/// `2025-08-08T02-50-45-359Z` as Unix milliseconds.
pub(crate) fn time_of(stamp: &str) -> Option<i64> {
    let bytes = stamp.as_bytes();
    if !stamp.is_ascii() || bytes.len() != 24 || bytes[23] != b'Z' {
        return None;
    }
    let text = format!(
        "{}:{}:{}.{}Z",
        &stamp[..13],
        &stamp[14..16],
        &stamp[17..19],
        &stamp[20..23]
    );
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond())
}
