//! Files of lines that only grow: what was written once stays as it is.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::disk::{draft, fault, real};
use crate::error::{Error, Result};

/// Adds lines to a file in a folder and brings them to the disk; makes the file where there is none. Each line ends
/// with a line feed. After an error the file is as before.
pub(crate) fn append(folder: &Path, name: &str, lines: &str) -> Result<()> {
    let path = folder.join(name);
    let failed = || Error::io(&path, "add a line");
    let is_new = real::look(folder, "", name).map_err(failed())?.is_none();
    let mut file = real::own_file(folder, name).map_err(failed())?;
    // One at a time: the recorder and a prune may both have a line to add.
    file.lock().map_err(failed())?;
    let end = file.seek(SeekFrom::End(0)).map_err(failed())?;
    let added = fault::step()
        .and_then(|()| is_torn(&mut file, end))
        .and_then(|torn| {
            let text = if torn {
                format!("\n{lines}")
            } else {
                lines.to_owned()
            };
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    if let Err(error) = added {
        // Whoever reads passes over a line that is not whole.
        let _ = file.set_len(end);
        return Err(failed()(error));
    }
    if is_new {
        draft::sync_folder(folder)?;
    }
    Ok(())
}

/// Whether a crash cut the last line off. Leaves the file at its end.
fn is_torn(file: &mut File, end: u64) -> io::Result<bool> {
    if end == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(end - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_spoils_no_later_one() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), "facts", "one\n").unwrap();
        let path = dir.path().join("facts");
        std::fs::write(&path, "one\ntw").unwrap();
        append(dir.path(), "facts", "three\n").unwrap();
        append(dir.path(), "facts", "four\nfive\n").unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "one\ntw\nthree\nfour\nfive\n");
    }
}
