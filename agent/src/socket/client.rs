//! The command line's side: ask the running agent, or learn that there is none.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::address::Address;
use super::call::{Call, Reply, Request};
use crate::advice;
use crate::failure::{Failure, Outcome};
use crate::folder;
use crate::store_user::StoreUser;

/// What the agent answered.
pub(crate) enum Answer {
    /// The running agent did it; this is its document.
    Done(serde_json::Value),
    /// Nobody listens: no agent runs on this store.
    NoAgent,
}

/// How long an agent may take to tell its status.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before the next try to reach an agent that just starts, stops or makes its socket anew.
const AGAIN: Duration = Duration::from_millis(50);

/// Asks the agent that runs on `store`, and passes its progress on. Blocks until it has answered.
pub(crate) fn ask(
    store: &Path,
    request: &Request,
    progress: Option<&dyn backup::Progress>,
) -> Outcome<Answer> {
    // The agent may work long on a job, but it tells at once how it is.
    let patience = matches!(request, Request::Status).then_some(PATIENCE);
    let Some(mut stream) = connect(store, patience)? else {
        return Ok(Answer::NoAgent);
    };
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    let lost = |error: std::io::Error| {
        if error.kind() == ErrorKind::WouldBlock
            && let Ok(Some(silent)) = silent(store)
        {
            return silent;
        }
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
            Ok(Reply::Failed {
                message,
                hint,
                code,
                kind,
                damaged,
            }) => {
                let failure = Failure::failed(message)
                    .with_code(code)
                    .of_kind(kind)
                    .damaged(damaged.as_deref());
                Err(match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                })
            }
            Err(_) if reply.is_empty() => Err(lost(ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(Failure::failed(format!(
                "the running agent answered something else than expected: {error}"
            ))
            .hint("agent and command line may be of different versions")),
        };
    }
}

/// The way to the agent; `None` if nobody listens. With `patience`, an agent that has the store is given so much time
/// to listen, and is an error after that. A command that has the store never listens.
fn connect(store: &Path, patience: Option<Duration>) -> Outcome<Option<UnixStream>> {
    let begun = Instant::now();
    loop {
        let address = match Address::of_agent(store) {
            Ok(address) => address,
            Err(error) if is_absent(&error) => return Ok(None),
            // An agent may run there.
            Err(error) => return Err(folder::unseen(store, &error)),
        };
        match UnixStream::connect(&address.path) {
            Ok(stream) => {
                drop(address.folder);
                return Ok(Some(stream));
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Failure::failed(format!(
                    "an agent runs on {} but belongs to another user",
                    store.display()
                ))
                .hint("run this command as that user, or as root"));
            }
            Err(_) => {}
        }
        let (Some(patience), Some(silent)) = (patience, silent(store)?) else {
            return Ok(None);
        };
        if begun.elapsed() >= patience {
            return Err(silent);
        }
        std::thread::sleep(AGAIN);
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// What to say of an agent that has the store and is silent; `None` where there is none.
fn silent(store: &Path) -> Outcome<Option<Failure>> {
    let Some(user) = StoreUser::of(store)?.filter(|user| !user.is_command()) else {
        return Ok(None);
    };
    let text = format!(
        "{user} has the store {} but does not answer",
        store.display()
    );
    let agent = "look at its log, and end it and start it again if it hangs";
    Ok(Some(Failure::failed(text).hint(match user.is_agent() {
        true => format!("it is an agent: {agent}"),
        false => format!(
            "if it is an agent, {agent}; if it is a command such as an import, wait for its end"
        ),
    })))
}
