//! The agent's side: one task per caller, and only this user or root may call.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Address, Caller, LONGEST_REQUEST, Reply, Request};
use crate::failure::{Failure, Outcome};

/// A caller that says nothing, or does not listen, must not keep the agent from stopping.
const CALLER_PATIENCE: Duration = Duration::from_secs(5);
/// How often the socket is looked for: it goes when somebody removes the store's folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The bound socket. Bind it only while the store's lock is held: whatever socket lies
/// there then belongs to an agent that has died.
pub(crate) struct Listener {
    listener: UnixListener,
    address: Address,
    store: PathBuf,
    /// Tells this socket from one that came after it.
    inode: u64,
}

impl Listener {
    pub(crate) fn bind(store: &Path) -> Outcome<Self> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!(
                "cannot open the local socket in {}: {error}",
                store.display()
            ))
            .hint("the store's folder must be on a local disk and writable")
        };
        let address = Address::in_store(store).map_err(failed)?;
        match std::fs::remove_file(&address.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&address.path).map_err(failed)?;
        std::fs::set_permissions(&address.path, std::fs::Permissions::from_mode(0o600))
            .map_err(failed)?;
        Ok(Self {
            listener,
            inode: std::fs::symlink_metadata(&address.path)
                .map_err(failed)?
                .ino(),
            store: store.to_owned(),
            address,
        })
    }
}

impl Listener {
    /// Binds anew where the store's folder was removed and made again: an agent that
    /// nobody can ask would be taken for none.
    fn keep_in_place(&mut self) {
        if self.store.is_dir()
            && !self.store.join(Address::NAME).exists()
            && let Ok(again) = Self::bind(&self.store)
        {
            *self = again;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let found = std::fs::symlink_metadata(&self.address.path);
        if found.is_ok_and(|found| found.ino() == self.inode) {
            // Nobody to tell; the next agent removes it all the same.
            let _ = std::fs::remove_file(&self.address.path);
        }
    }
}

/// Answers callers until `stop`, then waits for those under way.
pub(crate) async fn answer_all<F>(
    mut listener: Listener,
    stop: CancellationToken,
    answer: impl Fn(Request, Caller) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Outcome<serde_json::Value>> + Send,
{
    let callers = TaskTracker::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            _ = look.tick() => {
                listener.keep_in_place();
                continue;
            }
            accepted = listener.listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("local socket: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let answer = answer.clone();
        callers.spawn(async move {
            if let Err(error) = serve(stream, answer).await {
                tracing::debug!("local socket: caller went away: {error}");
            }
        });
    }
    callers.close();
    callers.wait().await;
}

async fn serve<F>(
    mut stream: UnixStream,
    answer: impl Fn(Request, Caller) -> F,
) -> std::io::Result<()>
where
    F: Future<Output = Outcome<serde_json::Value>>,
{
    let credentials = stream.peer_cred()?;
    let caller = Caller {
        user: credentials.uid(),
        process: credentials.pid(),
    };
    let own = rustix::process::geteuid().as_raw();
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST_REQUEST));
    tokio::time::timeout(CALLER_PATIENCE, reader.read_line(&mut line)).await??;
    let outcome = if caller.user != own && caller.user != 0 {
        Err(Failure::failed("this agent belongs to another user"))
    } else {
        match serde_json::from_str(&line) {
            Ok(request) => answer(request, caller).await,
            Err(error) => Err(
                Failure::failed(format!("no request of this version: {error}"))
                    .hint("agent and command line may be of different versions"),
            ),
        }
    };
    let mut reply = serde_json::to_vec(&Reply::from(outcome))?;
    reply.push(b'\n');
    tokio::time::timeout(CALLER_PATIENCE, writer.write_all(&reply)).await?
}
