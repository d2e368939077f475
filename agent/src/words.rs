//! Sizes and counts in words, the same wherever they are shown.

/// A number of bytes in the largest unit that keeps it readable; units are powers of 1000, as on disks.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut amount = count as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// `1 event`, `1 204 events`.
pub(crate) fn events(number: u64) -> String {
    many(number, "event")
}

/// A number of things whose plural ends in `s`: `1 backup`, `0 backups`.
pub(crate) fn many(number: u64, one: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {one}{ending}", count(number))
}

/// A count in groups of three digits: `1 234 567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_230_000), "1.2 MB");
        assert_eq!(bytes(999_960), "1.0 MB");
        assert_eq!([0, 1, 2].map(events), ["0 events", "1 event", "2 events"]);
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1 234 567");
    }
}
