//! The connection's own work, one piece at a time; each piece is a future that ends in its result.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::discover::Found;
use crate::error::Error;
use crate::message::{RpcError, code};
use crate::method::Method;
use crate::method::session::{EngineStatus, Logon, StatusGet};
use crate::options::Options;
use crate::request::Requester;

pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The result of a piece of work.
pub(super) enum Done {
    Greeted(Result<EngineStatus, Error>),
    Discovered {
        watch: u32,
        result: Result<Box<Found>, Error>,
    },
    Armed(Result<(), Error>),
}

/// Logs on if there are credentials, then asks for the Core's status.
pub(super) async fn greet(core: Requester, options: Arc<Options>) -> Done {
    let greeting = async {
        if let Some(credentials) = &options.credentials {
            let logon = Logon {
                user: credentials.user.clone(),
                pin: credentials.pin.clone(),
            };
            let answer = core.call(&logon).await?;
            if answer != serde_json::Value::Bool(true) {
                return Err(Error::Refused {
                    method: Logon::NAME.to_owned(),
                    error: RpcError {
                        code: code::LOGON_REQUIRED,
                        message: format!("Logon was answered by {answer}"),
                    },
                });
            }
        }
        core.call(&StatusGet).await
    };
    Done::Greeted(greeting.await)
}

/// Waits for the work under way; without work it never ends.
pub(super) async fn next(work: &mut Option<Work>) -> Done {
    match work {
        Some(running) => {
            let done = running.await;
            *work = None;
            done
        }
        None => std::future::pending().await,
    }
}
