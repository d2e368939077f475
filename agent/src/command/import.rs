//! `import`: adds events from files; what is there already is skipped.

use std::process::ExitCode;

use crate::command::cli;
use crate::command::output::Output;
use crate::command::through_agent::through_agent;
use crate::documents::Imported;
use crate::failure::{Failure, Outcome};
use crate::folder;
use crate::site::Site;
use crate::socket::Request;

pub(super) fn import(typed: &cli::Import, site: &Site, output: Output) -> Outcome<ExitCode> {
    let files = typed.files.iter().map(std::path::absolute);
    let files = files.collect::<Result<Vec<_>, _>>()?;
    // All are looked for first: half an import is harder to understand than none.
    for file in &files {
        if !folder::is_there(file)? || !file.is_file() {
            return Err(
                Failure::failed(format!("there is no file {}", file.display()))
                    .hint("check the path; nothing was imported"),
            );
        }
    }
    let request = Request::Import {
        files: files.clone(),
    };
    let imported: Imported = through_agent(
        site,
        &request,
        output,
        || site.import(&files),
        Imported::in_words,
    )?;
    output.result(&imported, || {
        let mut lines = vec![imported.in_words()];
        lines.extend(
            imported
                .first_reasons
                .iter()
                .map(|reason| format!("  {reason}")),
        );
        lines.extend(imported.notes.iter().cloned());
        lines.join("\n")
    });
    Ok(if imported.rejected == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
