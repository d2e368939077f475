//! How other processes of this machine reach the running agent: the Unix socket `.agent.sock` in the store's folder; where
//! its disk holds no sockets, a file of that name says where it is.
//!
//! A caller writes one line of JSON, the request, and reads lines of JSON up to the reply:
//!
//! ```text
//! > {"verb":"backup","progress":true}
//! < {"progress":{"what":"copying","done":4096,"total":81920}}
//! < {"done":{…}}        or  {"failed":{"message":"…","hint":"…","code":1,"kind":"busy"}}
//! ```
//!
//! Only a caller who asks for `progress` gets it, so a caller of an older version reads just the
//! reply; an older agent ignores the member and tells no progress. If a caller does not read in
//! time, it gets only the latest step.

mod address;
mod call;

pub(crate) mod answers;
mod client;
mod server;

pub(crate) use call::Request;
pub(crate) use client::{Answer, ask};
pub(crate) use server::{Listener, answer_all};
