//! A user of this machine by name.

/// `1000 (anna)`, or the number alone where `/etc/passwd` does not name that user.
pub(super) fn named(user: u32) -> String {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    match name_in(&known, user) {
        Some(name) => format!("{user} ({name})"),
        None => user.to_string(),
    }
}

/// The name of a user in the text of `/etc/passwd`.
fn name_in(passwd: &str, user: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == user && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_that_the_system_gives_it() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\n# a note\n::7:\nanna:x:1000:100::/home/anna:";
        assert_eq!(name_in(passwd, 0), Some("root"));
        assert_eq!(name_in(passwd, 1000), Some("anna"));
        assert_eq!(name_in(passwd, 100), None);
        assert_eq!(name_in(passwd, 7), None);
    }
}
