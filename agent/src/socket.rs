//! The running agent's door on this machine: the Unix socket `.agent.sock` in the store's folder.
//!
//! A caller writes one line of JSON, the request, and reads lines of JSON up to the reply:
//!
//! ```text
//! > {"verb":"backup","progress":true}
//! < {"progress":{"what":"copying","done":4096,"total":81920}}
//! < {"done":{…}}        or  {"failed":{"message":"…","hint":"…"}}
//! ```
//!
//! Only who asks for `progress` is told of it, so a caller of an older version reads the reply
//! alone, as ever; an older agent passes over the word and tells none. Steps that a caller does
//! not read in time are left out, all but the latest.

mod address;
mod call;

pub(crate) mod answers;
mod client;
mod server;

pub(crate) use call::Request;
pub(crate) use client::{Answer, ask};
pub(crate) use server::{Listener, answer_all};
