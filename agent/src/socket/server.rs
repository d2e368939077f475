//! The agent's side: one task for each caller. Only this user or root may call.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::address::{self, Address};
use super::call::{Call, Caller, LONGEST_REQUEST, Reply, Request};
use crate::failure::{Failure, Outcome};
use crate::jobs::{Step, Steps};

/// How long a caller may say nothing or not listen: it must not keep the agent from stopping.
const CALLER_PATIENCE: Duration = Duration::from_secs(5);
/// How often the agent checks that its socket is still there: it goes with the store's folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The agent's socket. Bind it only while holding the store's lock: then a socket that is already
/// there belongs to an agent that has died.
pub(crate) struct Listener {
    store: PathBuf,
    /// `None` while the store's folder is not there, or something has the socket's place.
    bound: Option<Bound>,
    /// What keeps the socket from its place, as the log says it.
    problem: Option<String>,
}

impl Listener {
    pub(crate) fn bind(store: &Path) -> Outcome<Self> {
        Ok(Self {
            store: store.to_owned(),
            bound: Some(Bound::bind(store)?),
            problem: None,
        })
    }

    /// Binds the socket again if another file has its place, or the store's folder was removed and made
    /// again: an agent that nobody can ask would look like no agent. If the folder's disk was unmounted, the socket is
    /// released: it would keep the disk from being repaired and mounted again.
    fn keep_in_place(&mut self) {
        if let Some(bound) = &self.bound
            && bound.is_in_place(&self.store)
        {
            return;
        }
        self.bound = None;
        let problem = match self.store.is_dir().then(|| Bound::bind(&self.store)) {
            Some(Ok(bound)) => {
                self.bound = Some(bound);
                None
            }
            Some(Err(failure)) => Some(failure.to_string()),
            // The recorder tells of a folder that is away.
            None => None,
        };
        self.tell(problem);
    }

    /// Writes to the log what keeps the socket from its place: once, as this looks again every second.
    fn tell(&mut self, problem: Option<String>) {
        if self.problem == problem {
            return;
        }
        match &problem {
            Some(problem) => {
                tracing::error!("no command reaches this agent, and it records on: {problem}");
            }
            None => tracing::info!("the local socket is in its place again"),
        }
        self.problem = problem;
    }

    async fn accept(&self) -> std::io::Result<UnixStream> {
        match &self.bound {
            Some(bound) => bound.listener.accept().await.map(|(stream, _)| stream),
            None => std::future::pending().await,
        }
    }
}

struct Bound {
    listener: UnixListener,
    address: Address,
    disk: u64,
    /// Tells this socket from one that came after it.
    inode: u64,
    /// `None` where it lies in the store's folder.
    elsewhere: Option<Elsewhere>,
}

/// A socket that does not lie in the store's folder.
struct Elsewhere {
    folder: PathBuf,
    /// The file in the store's folder that says so.
    said_in: PathBuf,
}

impl Bound {
    fn bind(store: &Path) -> Outcome<Self> {
        let failed = |error: std::io::Error| {
            match error.kind() {
            ErrorKind::DirectoryNotEmpty => Failure::failed(format!(
                "{}: found a folder that holds something, expected the agent's local socket or nothing",
                store.join(Address::NAME).display()
            ))
            .hint("move that folder away; the agent makes its socket itself"),
            _ => Failure::failed(format!(
                "cannot open the local socket in {}: {error}",
                store.display()
            ))
            .hint("the store's folder must be on a local disk and writable"),
        }
        };
        let address = Address::in_folder(store).map_err(failed)?;
        make_room(&address.path).map_err(failed)?;
        match Self::at(address) {
            Ok(bound) => Ok(bound),
            // The first refusal is the one to mend.
            Err(refused) => Self::elsewhere(store, &refused).map_err(|_| failed(refused)),
        }
    }

    /// Where the store's disk holds no sockets, as FAT and some network shares do not.
    fn elsewhere(store: &Path, refused: &std::io::Error) -> std::io::Result<Self> {
        let folder = address::runtime_folder(store)?;
        let at = Address::in_folder(&folder)?;
        make_room(&at.path)?;
        let mut bound = Self::at(at)?;
        let said_in = store.join(Address::NAME);
        address::say(&said_in, &folder)?;
        tracing::warn!(
            "the disk of the store holds no socket ({refused}); it is in {}, as {} says",
            folder.display(),
            said_in.display()
        );
        bound.elsewhere = Some(Elsewhere { folder, said_in });
        Ok(bound)
    }

    fn at(address: Address) -> std::io::Result<Self> {
        let listener = UnixListener::bind(&address.path)?;
        std::fs::set_permissions(&address.path, std::fs::Permissions::from_mode(0o600))?;
        backup::give_to_owner_of_folder(&address.path)?;
        let place = std::fs::symlink_metadata(&address.path)?;
        Ok(Self {
            listener,
            address,
            disk: place.dev(),
            inode: place.ino(),
            elsewhere: None,
        })
    }

    /// Whether callers still find it from the store's folder.
    fn is_in_place(&self, store: &Path) -> bool {
        let own = store.join(Address::NAME);
        let socket = match &self.elsewhere {
            None => own,
            Some(it) if address::said(&own).as_ref() == Some(&it.folder) => {
                it.folder.join(Address::NAME)
            }
            Some(_) => return false,
        };
        std::fs::symlink_metadata(socket).is_ok_and(|found| self.is(&found))
    }

    /// True if this file is the socket that was bound here.
    fn is(&self, found: &Metadata) -> bool {
        found.file_type().is_socket() && (found.dev(), found.ino()) == (self.disk, self.inode)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let found = std::fs::symlink_metadata(&self.address.path);
        if found.is_ok_and(|found| self.is(&found)) {
            // If this fails, the next agent removes it.
            let _ = std::fs::remove_file(&self.address.path);
            if let Some(it) = &self.elsewhere {
                let _ = std::fs::remove_dir(&it.folder);
                if address::said(&it.said_in).as_ref() == Some(&it.folder) {
                    let _ = std::fs::remove_file(&it.said_in);
                }
            }
        }
    }
}

/// Removes what has the socket's place. A folder that holds something stays, and is an error.
fn make_room(path: &Path) -> std::io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir(path),
        _ => std::fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Answers callers until `stop`, then waits for those under way.
pub(crate) async fn answer_all<F>(
    mut listener: Listener,
    stop: CancellationToken,
    answer: impl Fn(Request, Caller, Steps) -> F + Clone + Send + 'static,
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
            accepted = listener.accept() => match accepted {
                Ok(stream) => stream,
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
    answer: impl Fn(Request, Caller, Steps) -> F,
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
            Ok(Call { request, progress }) => {
                let steps = Steps::default();
                let seen = progress.then(|| steps.listen());
                // The job is done even if its caller no longer listens.
                let (outcome, told) =
                    tokio::join!(answer(request, caller, steps), tell(&mut writer, seen));
                told?;
                outcome
            }
            Err(error) => Err(
                Failure::failed(format!("no request of this version: {error}"))
                    .hint("agent and command line may be of different versions"),
            ),
        }
    };
    say(&mut writer, &Reply::from(outcome)).await
}

/// Tells the caller as many steps as it reads, until the job has ended.
async fn tell(
    writer: &mut (impl AsyncWriteExt + Unpin),
    steps: Option<watch::Receiver<Option<Step>>>,
) -> std::io::Result<()> {
    let Some(mut steps) = steps else {
        return Ok(());
    };
    while steps.changed().await.is_ok() {
        let step = steps.borrow_and_update().clone();
        if let Some(step) = step {
            say(writer, &Reply::Progress(step)).await?;
        }
    }
    Ok(())
}

async fn say(writer: &mut (impl AsyncWriteExt + Unpin), reply: &Reply) -> std::io::Result<()> {
    let line = reply.line()?;
    tokio::time::timeout(CALLER_PATIENCE, writer.write_all(&line)).await?
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backup::Progress;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::failure::Kind;

    /// The lines that a caller reads after sending this one; the job takes two steps.
    async fn replies(request: &str) -> Vec<String> {
        let (agent, mut caller) = UnixStream::pair().unwrap();
        let read = Arc::new(Semaphore::new(0));
        // A caller without progress reads no step, so the job need not wait for it.
        if !request.contains("progress") {
            read.add_permits(2);
        }
        let may_go_on = read.clone();
        let job = move |request: Request, _: Caller, steps: Steps| {
            let may_go_on = may_go_on.clone();
            async move {
                assert_eq!(request, Request::Backup);
                for done in [1, 4] {
                    steps.step("copying", done, 4);
                    may_go_on.acquire().await.unwrap().forget();
                }
                Ok(serde_json::json!({ "id": "b" }))
            }
        };
        let served = tokio::spawn(serve(agent, job));
        caller.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(caller).lines();
        let mut replies = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            replies.push(line);
            read.add_permits(1);
        }
        served.await.unwrap().unwrap();
        replies
    }

    #[tokio::test]
    async fn a_caller_who_wants_progress_reads_each_step_before_the_reply() {
        assert_eq!(
            replies("{\"verb\":\"backup\",\"progress\":true}\n").await,
            [
                r#"{"progress":{"what":"copying","done":1,"total":4}}"#,
                r#"{"progress":{"what":"copying","done":4,"total":4}}"#,
                r#"{"done":{"id":"b"}}"#,
            ]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_caller_gets_the_failure_as_the_agent_has_it() {
        let busy = backup::Error::Busy {
            path: "backups/.lock".into(),
            who: "a verification or restore",
            pid: Some(42),
        };
        let nothing = backup::Error::NothingToUndo {
            path: "store".into(),
        };
        let none = backup::Error::NoBackup {
            path: "backups".into(),
            found: "nothing".into(),
        };
        let late = backup::Error::TooLate {
            path: "day".into(),
            found: "half of it".into(),
            expected: "all of it",
        };
        let other = backup::Error::OtherStore {
            path: "backups".into(),
            stores: backup::Stores {
                found: "a".into(),
                expected: "b".into(),
            },
            within: backup::RecordIn::Archive,
        };
        let damaged = backup::Error::Damaged {
            path: "events/day.db".into(),
            found: "rubbish".into(),
        };
        let failures = [
            (Failure::from(busy), Kind::Busy),
            (nothing.into(), Kind::NothingToUndo),
            (none.into(), Kind::NoBackup),
            (late.into(), Kind::TooLate),
            (other.into(), Kind::OtherStore),
            (damaged.into(), Kind::Finding),
            (Failure::usage("no such day"), Kind::Other),
        ];
        for (failure, kind) in failures {
            assert_eq!(failure.kind(), kind, "{failure}");
            let dir = tempfile::tempdir().unwrap();
            let listener = Listener::bind(dir.path()).unwrap();
            let stop = CancellationToken::new();
            let told = failure.clone();
            let answer = move |_, _, _| std::future::ready(Err(told.clone()));
            let answering = tokio::spawn(answer_all(listener, stop.clone(), answer));
            let asked = tokio::task::spawn_blocking(move || {
                super::super::ask(dir.path(), &Request::Backup, None)
            });
            let Err(got) = asked.await.unwrap() else {
                panic!("no failure");
            };
            assert_eq!(got, failure);
            stop.cancel();
            answering.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_socket_whose_folder_is_gone_is_let_go_and_bound_again_when_it_is_back() {
        let dir = tempfile::tempdir().unwrap();
        let (store, elsewhere) = (dir.path().join("store"), dir.path().join("elsewhere"));
        std::fs::create_dir(&store).unwrap();
        let mut listener = Listener::bind(&store).unwrap();
        std::fs::rename(&store, &elsewhere).unwrap();
        listener.keep_in_place();
        let socket = elsewhere.join(Address::NAME);
        assert!(UnixStream::connect(&socket).await.is_err());
        // As it is left on a disk that the kernel turned read-only.
        std::fs::write(&socket, "").unwrap();
        std::fs::rename(&elsewhere, &store).unwrap();
        listener.keep_in_place();
        UnixStream::connect(store.join(Address::NAME))
            .await
            .unwrap();
    }

    /// What is logged meanwhile.
    fn logged(act: impl FnOnce()) -> String {
        let log = tempfile::NamedTempFile::new().unwrap();
        let file = Arc::new(log.reopen().unwrap());
        let subscriber = tracing_subscriber::fmt().with_writer(file).finish();
        tracing::subscriber::with_default(subscriber, act);
        std::fs::read_to_string(log.path()).unwrap()
    }

    #[tokio::test]
    async fn what_has_the_sockets_place_is_logged_once_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let mut listener = Listener::bind(dir.path()).unwrap();
        let socket = dir.path().join(Address::NAME);
        std::fs::remove_file(&socket).unwrap();
        std::fs::create_dir(&socket).unwrap();
        std::fs::write(socket.join("mine"), "").unwrap();
        let said = logged(|| listener.keep_in_place());
        assert_eq!(said.matches("ERROR").count(), 1, "{said}");
        for part in [
            socket.to_str().unwrap(),
            "found a folder",
            "move that folder away",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        assert_eq!(logged(|| listener.keep_in_place()), "");

        std::fs::remove_dir_all(&socket).unwrap();
        let said = logged(|| listener.keep_in_place());
        assert!(said.contains("INFO"), "{said}");
        UnixStream::connect(&socket).await.unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_the_stores_disk_does_not_hold_is_found_through_the_file_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let refused = std::io::Error::from_raw_os_error(1);
        let bound = Bound::elsewhere(dir.path(), &refused).unwrap();
        let it = bound.elsewhere.as_ref().unwrap();
        let (folder, said_in) = (it.folder.clone(), it.said_in.clone());
        assert_ne!(folder, dir.path());
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let address = Address::of_agent(dir.path()).unwrap();
        UnixStream::connect(&address.path).await.unwrap();

        let mut listener = Listener {
            store: dir.path().to_owned(),
            bound: Some(bound),
            problem: None,
        };
        listener.keep_in_place();
        assert!(listener.bound.as_ref().unwrap().elsewhere.is_some());
        // Here the disk does hold one, so that is where it goes once the file is lost.
        std::fs::remove_file(&said_in).unwrap();
        listener.keep_in_place();
        assert!(!folder.exists());
        UnixStream::connect(said_in).await.unwrap();
    }

    #[tokio::test]
    async fn a_caller_of_an_older_version_reads_the_reply_alone() {
        assert_eq!(
            replies("{\"verb\":\"backup\"}\n").await,
            [r#"{"done":{"id":"b"}}"#]
        );
    }
}
