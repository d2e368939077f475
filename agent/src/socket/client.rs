//! The command line's side: ask the running agent, or learn that there is none.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::address::Address;
use super::call::{Call, Reply, Request};
use crate::advice;
use crate::failure::{Failure, Outcome};

/// What the agent answered.
pub(crate) enum Answer {
    /// The running agent did it; this is its document.
    Done(serde_json::Value),
    /// Nobody listens: no agent runs on this store.
    NoAgent,
}

/// Asks the agent that runs on `store`, and passes its progress on. Blocks until it has answered.
pub(crate) fn ask(
    store: &Path,
    request: &Request,
    progress: Option<&dyn backup::Progress>,
) -> Outcome<Answer> {
    let Ok(address) = Address::in_store(store) else {
        return Ok(Answer::NoAgent);
    };
    let mut stream = match UnixStream::connect(&address.path) {
        Ok(stream) => stream,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Failure::failed(format!(
                "an agent runs on {} but belongs to another user",
                store.display()
            ))
            .hint("run this command as that user, or as root"));
        }
        Err(_) => return Ok(Answer::NoAgent),
    };
    drop(address.folder);
    let lost = |error: std::io::Error| {
        Failure::failed(format!("the running agent did not answer: {error}")).hint(format!(
            "look at its log, then ask again; `{}` tells whether it still runs",
            advice::command("status")
        ))
    };
    let call = Call {
        request: request.clone(),
        progress: progress.is_some(),
    };
    let mut line = serde_json::to_vec(&call)
        .map_err(|error| Failure::failed(format!("cannot write the request: {error}")))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(lost)?;
    let mut reader = BufReader::new(stream);
    let mut reply = String::new();
    loop {
        reply.clear();
        reader.read_line(&mut reply).map_err(lost)?;
        return match serde_json::from_str(&reply) {
            Ok(Reply::Progress(step)) => {
                if let Some(progress) = progress {
                    progress.step(&step.what, step.done, step.total);
                }
                continue;
            }
            Ok(Reply::Done(document)) => Ok(Answer::Done(document)),
            Ok(Reply::Failed { message, hint }) => {
                let failure = Failure::failed(message);
                Err(match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                })
            }
            Err(_) if reply.is_empty() => Err(lost(std::io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(Failure::failed(format!(
                "the running agent answered something else than expected: {error}"
            ))
            .hint("agent and command line may be of different versions")),
        };
    }
}
