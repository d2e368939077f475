//! A real restore of a backup into scratch, and verification that does one.

use crate::archive::format::manifest::Manifest;
use crate::archive::look::report::{Depth, Report};
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::state_digest;

impl Archive {
    /// Checks one backup (by id or file name), or with `None` the whole archive, and remembers the outcome beside each
    /// backup. Every finding is reported; trouble in reading is a finding too.
    pub fn verify(&self, what: Option<&str>, depth: Depth) -> Report {
        self.check(what, depth, &|manifest| self.drill(manifest))
    }

    /// Restores into scratch and compares what came back with what the recorder said of it.
    fn drill(&self, manifest: &Manifest) -> Result<Vec<Finding>> {
        let scratch =
            scratch::folder(&self.dir).or_else(|_| scratch::folder(&std::env::temp_dir()))?;
        // Whatever an earlier verification said: this one judges anew.
        let plan = self.plan_backup(manifest, Tail::default(), None, scratch.path(), Vec::new())?;
        let report = plan.thorough().build(&())?.swap()?;
        if report.events != manifest.events {
            return Err(Error::Unexpected {
                path: self.dir.join(Manifest::file_name(&manifest.id)),
                found: format!("{} events after a restore", report.events),
                expected: format!("{} events", manifest.events),
            });
        }
        let restored = Store::open(scratch.path())?;
        let mut differing = Vec::new();
        for part in &manifest.days {
            let Some(own) = &part.state else { continue };
            let found = state_digest::of_state(&restored.state_until(EventId(own.id))?);
            if found != own.sha256 {
                let file = part.objects().last().map_or("", |object| &object.file);
                differing.push(
                    Finding::new(&self.dir.join(file), "another state than was recorded")
                        .expected(format!(
                            "the recorder's own digest {} of all controls' state on {} after {}",
                            own.sha256, part.day, own.id
                        ))
                        .found(format!("the digest {found} after a restore"))
                        .hint("values were altered and hashes made again: use another backup, from a copy kept elsewhere"),
                );
            }
        }
        Ok(differing)
    }
}
