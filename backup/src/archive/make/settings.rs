//! Settings files as parts of a backup: copied as text, secrets left out and named.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Settings to be copied into a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// The file's own name, not empty; each name once in a backup.
    pub name: String,
    /// What it holds.
    pub source: SettingsSource,
}

/// Where the text of settings comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsSource {
    /// A file, read when the backup is made.
    File(PathBuf),
    /// What the caller knows and no file says.
    Text(String),
}

impl SettingsSource {
    pub(super) fn read(&self) -> Result<Cow<'_, str>> {
        let path = match self {
            SettingsSource::Text(text) => return Ok(text.into()),
            SettingsSource::File(path) => path,
        };
        let meta = path
            .metadata()
            .map_err(Error::io(path, "read the settings file"))?;
        if meta.len() > LARGEST {
            return Err(Error::Input {
                what: path.display().to_string(),
                found: format!("{} bytes", meta.len()),
                expected: format!("a settings file of at most {LARGEST} bytes"),
            });
        }
        let text = std::fs::read_to_string(path)
            .map_err(Error::io(path, "read the settings file as text"))?;
        Ok(text.into())
    }
}

/// A larger file is no settings file.
const LARGEST: u64 = 4 << 20;
/// What stands where a secret was.
const LEFT_OUT: &str = "left-out-of-backup";
/// A key that contains one of these holds a secret. `pin` must stand alone or at an end ("spinning" is none).
const SECRET: [&str; 8] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "apikey",
    "privatekey",
];

/// Copies `text` without the values of secret keys; gives the keys that were left out, each once.
pub(crate) fn without_secrets(text: &str) -> (String, Vec<String>) {
    let mut out = String::with_capacity(text.len());
    let mut left_out: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((before, key, after_separator)) = next_pair(rest) {
        out.push_str(before);
        rest = after_separator;
        if let (true, Some((user, password))) = (before.ends_with(':'), userinfo(rest)) {
            out.push_str(&rest[..user]);
            out.push_str(LEFT_OUT);
            rest = &rest[user + password..];
            let name = format!("password in {key}://");
            if !left_out.contains(&name) {
                left_out.push(name);
            }
        } else if is_secret(key) {
            let value = value_length(rest);
            let (lead, body) =
                rest[..value].split_at(rest[..value].len() - rest[..value].trim_start().len());
            if body.trim().is_empty() {
                continue;
            }
            out.push_str(lead);
            out.push('"');
            out.push_str(LEFT_OUT);
            out.push('"');
            if !left_out.iter().any(|known| known == key) {
                left_out.push(key.to_string());
            }
            rest = &rest[value..];
        }
    }
    out.push_str(rest);
    (out, left_out)
}

/// The next `key =` or `"key":` — everything up to and with the separator, the key, and what follows.
fn next_pair(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.find(['=', ':'])?;
    let before = text[..at].trim_end_matches([' ', '\t']);
    let bare = before.trim_end_matches(['"', '\'']);
    let begin = bare
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |i| {
            i + bare[i..].chars().next().map_or(1, char::len_utf8)
        });
    Some((&text[..=at], &bare[begin..], &text[at + 1..]))
}

/// Behind a scheme's colon, `//user:password@`: the bytes before the password, and the password's. A password may hold
/// whatever its owner forgot to escape, so only blanks and quotes end the search for the last `@`.
fn userinfo(text: &str) -> Option<(usize, usize)> {
    let address = text.strip_prefix("//")?;
    let end = address
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
        .unwrap_or(address.len());
    let end = address[..end].rfind('@')?;
    let colon = address[..end].find(':')?;
    (end > colon + 1).then_some((2 + colon + 1, end - colon - 1))
}

fn is_secret(key: &str) -> bool {
    let plain: String = key
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let words = key
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("pin") || word.eq_ignore_ascii_case("key"));
    words || plain.ends_with("pin") || SECRET.iter().any(|word| plain.contains(word))
}

/// How many bytes of `text` are the value at its beginning, leading blanks included.
fn value_length(text: &str) -> usize {
    let lead = text.len() - text.trim_start_matches([' ', '\t']).len();
    let body = &text[lead..];
    // JSON allows the value on the next line; a `.env` value may be empty, so only brackets and quotes count there.
    for quote in ["\"\"\"", "'''"] {
        if let Some(inner) = body.strip_prefix(quote) {
            return lead + inner.find(quote).map_or(body.len(), |end| end + 6);
        }
    }
    match body.as_bytes().first() {
        Some(&quote @ (b'"' | b'\'')) => {
            let mut escaped = false;
            for (i, byte) in body.bytes().enumerate().skip(1) {
                match byte {
                    b'\\' if quote == b'"' && !escaped => escaped = true,
                    b if b == quote && !escaped => {
                        let end = i + 1;
                        // A text over several lines may be two whose quotes went wrong: drop the whole line.
                        let tail = match body[..end].contains('\n') {
                            true => body[end..].find('\n').unwrap_or(body.len() - end),
                            false => 0,
                        };
                        return lead + end + tail;
                    }
                    _ => escaped = false,
                }
            }
            text.len()
        }
        Some(b'[' | b'{') => {
            let mut depth = 0usize;
            for (i, byte) in body.bytes().enumerate() {
                match byte {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => {
                        depth -= 1;
                        if depth == 0 {
                            return lead + i + 1;
                        }
                    }
                    _ => {}
                }
            }
            text.len()
        }
        Some(b'\n' | b'\r') if text.trim_start().starts_with(['"', '{', '[']) => {
            let blank = text.len() - text.trim_start().len();
            blank + value_length(&text[blank..])
        }
        _ => {
            // A `.env` value runs to the end of its line; in JSON and inline tables a comma or bracket ends it too.
            let line = body.find(['\n', '\r']).unwrap_or(body.len());
            let number = body[..line]
                .find([',', '}', ']'])
                .filter(|&end| body[..end].chars().all(|c| c.is_ascii_digit() || c == ' '));
            lead + number.unwrap_or(line)
        }
    }
}

/// The longest end of a name that its stored copy keeps.
const LONGEST_NAME: usize = 100;

/// A name as a part of a path in the archive: `_` stands for all but letters, digits, `.`, `-` and `_`, and of a long name
/// only the end is kept.
pub(super) fn stored_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let skipped = name.chars().count().saturating_sub(LONGEST_NAME);
    let kept = name.chars().skip(skipped);
    kept.map(|c| if plain(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_left_out_in_each_kind_of_settings_file() {
        let cases = [
            (
                "host = \"10.0.0.2\"\npin = \"1234\"\nport = 1710\n",
                "1234",
                vec!["pin"],
            ),
            (
                "core = { host = \"x\", pin = 4711, port = 1 }\n",
                "4711",
                vec!["pin"],
            ),
            (
                "token = \"\"\"\nabc\nsecretbits\n\"\"\"\nb = 1\n",
                "secretbits",
                vec!["token"],
            ),
            (
                "{\"host\":\"x\",\"password\":\"a\\\"b7\",\"port\":1}",
                "b7",
                vec!["password"],
            ),
            (
                "{\"qsysCore\":{\"pin\": 9876,\"host\":\"x\"}}",
                "9876",
                vec!["pin"],
            ),
            (
                "QSYS_HOST=x\nQSYS_PIN=4321\nAWS_SECRET_ACCESS_KEY=ab=cd,ef}\n",
                "4321",
                vec!["QSYS_PIN", "AWS_SECRET_ACCESS_KEY"],
            ),
            ("API_KEY = 'k1 k2'\n", "k1", vec!["API_KEY"]),
            ("{\"apiToken\":\n  \"t0k\"}", "t0k", vec!["apiToken"]),
            (
                "DATABASE_URL=postgres://agent:h/u#n@t5@db/events\nPORT=1\n",
                "h/u#n@t5",
                vec!["password in postgres://"],
            ),
            (
                "{\"broker\":{\"url\":\"mqtts://u:p4ss@h:8883/x\"},\"port\":1}",
                "p4ss",
                vec!["password in mqtts://"],
            ),
        ];
        for (text, secret, keys) in cases {
            let (copy, left_out) = without_secrets(text);
            assert!(!copy.contains(secret), "{copy}");
            assert_eq!(left_out, keys, "{text}");
        }
        let (copy, _) = without_secrets("{\"host\":\"x\",\"password\":\"a\",\"port\":1}");
        let value: serde_json::Value = serde_json::from_str(&copy).unwrap();
        assert_eq!(value["port"], 1);
        let (env, _) = without_secrets("AWS_SECRET_ACCESS_KEY=ab=cd,ef}\nB=2\n");
        assert!(!env.contains("cd") && env.ends_with("\nB=2\n"), "{env}");
    }

    #[test]
    fn a_stored_name_is_one_safe_part_of_a_path() {
        for (name, stored) in [
            ("qsys-agent.toml", "qsys-agent.toml"),
            ("my site.toml", "my_site.toml"),
            ("../größe\n.toml", ".._gr__e_.toml"),
        ] {
            assert_eq!(stored_name(name), stored);
        }
        let long = stored_name(&format!("{}.toml", "a".repeat(250)));
        assert_eq!(long.len(), LONGEST_NAME);
        assert!(long.ends_with("a.toml"), "{long}");
    }

    #[test]
    fn files_without_secrets_are_copied_to_the_byte() {
        for text in [
            "spinning = true\nhost=\"a=b:c\"\n",
            "",
            "no pairs",
            "pin =\n",
            "a=b=c:d",
            "url = \"https://core.example:8443/a\"\nmail=\"x@y.example\"\n",
            "u=ssh://git@host/x\n",
        ] {
            assert_eq!(
                without_secrets(text),
                (text.to_string(), Vec::new()),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,200}") {
            let _ = without_secrets(&text);
        }

        #[test]
        fn a_pin_never_gets_through(pin in "[0-9]{4,8}", before in "[a-z =\\n\"]{0,20}") {
            let (copy, _) = without_secrets(&format!("{before}\npin = \"{pin}\"\n"));
            prop_assert!(!copy.contains(&pin), "{}", copy);
        }
    }
}
