//! Joins the plugin's small files into one: every include marker is replaced by the file it names.

/// Why a source could not be joined. Says where, what was found and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// An include names a file that is not among the sources.
    #[error(
        "{file}:{line}: include names `{wanted}`, which is not among the plugin's files; check the spelling or add the file"
    )]
    Missing {
        /// File that holds the marker.
        file: String,
        /// Line of the marker, from 1.
        line: usize,
        /// The file it asks for.
        wanted: String,
    },
    /// Files include each other in a ring.
    #[error(
        "{file}:{line}: including `{wanted}` again would never end ({chain}); take one of these includes out"
    )]
    Circle {
        /// File that holds the marker.
        file: String,
        /// Line of the marker, from 1.
        line: usize,
        /// The file it asks for.
        wanted: String,
        /// The files in between.
        chain: String,
    },
    /// Something that looks like a marker could not be expanded.
    #[error(
        "{file}:{line}: found `{found}`, expected a line holding only `--[[ #include \"file.lua\" ]]`; an unexpanded marker would be lost as a comment"
    )]
    Unexpanded {
        /// File that holds the text.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The text found.
        found: String,
    },
}

/// Joins `main` and everything it includes, directly or through other files.
///
/// `source` gives the text of a file by name. A marker stands alone on its line, as the
/// Plugin Compiler wants it: `--[[ #include "file.lua" ]]`. Anything else that looks like a
/// marker (also `#encode`, which this builder has no use for) is an error, never left in.
pub fn join<'a>(main: &str, source: &dyn Fn(&str) -> Option<&'a str>) -> Result<String, PackError> {
    let text = source(main).ok_or_else(|| PackError::Missing {
        file: "(start)".into(),
        line: 0,
        wanted: main.into(),
    })?;
    let mut out = String::new();
    expand(main, text, source, &mut vec![main.to_owned()], &mut out)?;
    Ok(out)
}

fn expand<'a>(
    file: &str,
    text: &str,
    source: &dyn Fn(&str) -> Option<&'a str>,
    open: &mut Vec<String>,
    out: &mut String,
) -> Result<(), PackError> {
    for (number, line) in text.lines().enumerate() {
        let line_number = number + 1;
        let Some(wanted) = marker(line) else {
            if line.contains("--[[ #") || line.contains("--[[#") {
                return Err(PackError::Unexpanded {
                    file: file.into(),
                    line: line_number,
                    found: line.trim().into(),
                });
            }
            out.push_str(line);
            out.push('\n');
            continue;
        };
        if open.iter().any(|name| name == wanted) {
            return Err(PackError::Circle {
                file: file.into(),
                line: line_number,
                wanted: wanted.into(),
                chain: open.join(" > "),
            });
        }
        let inner = source(wanted).ok_or_else(|| PackError::Missing {
            file: file.into(),
            line: line_number,
            wanted: wanted.into(),
        })?;
        open.push(wanted.to_owned());
        expand(wanted, inner, source, open, out)?;
        open.pop();
    }
    Ok(())
}

fn marker(line: &str) -> Option<&str> {
    let inner = line.trim().strip_prefix("--[[")?.strip_suffix("]]")?;
    let name = inner.trim().strip_prefix("#include")?.trim();
    let name = name.strip_prefix('"')?.strip_suffix('"')?;
    (!name.is_empty() && !name.contains('"')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(files: &[(&'static str, &'static str)]) -> Result<String, PackError> {
        let files = files.to_vec();
        join("main.lua", &move |name| {
            files.iter().find(|f| f.0 == name).map(|f| f.1)
        })
    }

    #[test]
    fn nested_includes_are_joined_in_place() {
        let joined = pack(&[
            ("main.lua", "a()\n  --[[ #include \"b.lua\" ]]\nz()\n"),
            ("b.lua", "b()\n--[[ #include \"c.lua\" ]]"),
            ("c.lua", "c()"),
        ]);
        assert_eq!(joined.unwrap(), "a()\nb()\nc()\nz()\n");
    }

    #[test]
    fn a_missing_file_is_named_with_its_line() {
        let error = pack(&[("main.lua", "\n--[[ #include \"no.lua\" ]]")]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("main.lua:2: include names `no.lua`")
        );
    }

    #[test]
    fn a_ring_of_includes_ends() {
        let error = pack(&[
            ("main.lua", "--[[ #include \"b.lua\" ]]"),
            ("b.lua", "--[[ #include \"main.lua\" ]]"),
        ])
        .unwrap_err();
        assert!(matches!(error, PackError::Circle { .. }), "{error}");
    }

    #[test]
    fn a_marker_that_cannot_be_expanded_is_an_error() {
        for line in [
            "x = 1 --[[ #include \"b.lua\" ]]",
            "--[[ #encode \"logo.png\" ]]",
            "--[[ #include b.lua ]]",
        ] {
            let text: &'static str = line;
            let error = pack(&[("main.lua", text), ("b.lua", "b()")]).unwrap_err();
            assert!(
                matches!(error, PackError::Unexpanded { line: 1, .. }),
                "{error}"
            );
        }
    }
}
