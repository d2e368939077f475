//! A stored file read back whole: its size, its hash, and the hash of what it inflates to.

use std::io::{self, BufReader};

use crate::archive::format::gzip::{self, Sizes, Trouble};
use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::Object;
use crate::archive::place::interface::{Place, Stored};
use crate::clock::{Clock as _, SystemClock};
use crate::finding::Finding;
use crate::found;
use crate::irregular;

const COPIES: &str = "bring this file back from a copy of the archive, or use another backup";

/// Reads an object and remembers what was seen.
pub(crate) fn look(
    place: &dyn Place,
    object: &Object,
    looks: &mut Looks,
    tick: &mut dyn FnMut(u64),
) -> Result<(), Finding> {
    let found = place.look(&object.file);
    let read = read(place, object, tick);
    if let Ok(Some(found)) = found {
        let damage = read.as_ref().err().map(ToString::to_string);
        looks.note(object, found, SystemClock.now_ms(), damage);
    }
    read
}

/// Reads an object; what is wrong with it is the finding.
fn read(place: &dyn Place, object: &Object, tick: &mut dyn FnMut(u64)) -> Result<(), Finding> {
    let path = place.path(&object.file);
    let from = open_sized(place, &object.file, object.bytes, COPIES)?;
    let altered = |expected: &str, found: String| {
        Finding::new(&path, "altered")
            .expected(format!("SHA-256 {expected}"))
            .found(found)
            .hint(COPIES)
    };
    let sizes = gzip::decompress(
        &mut BufReader::with_capacity(256 * 1024, from),
        &mut io::sink(),
        &mut |done| {
            tick(done);
            Ok(())
        },
    )
    .map_err(|trouble| match trouble {
        Trouble::Damaged(found) => altered(&object.sha256, found),
        Trouble::Read(error) | Trouble::Write(error) => Finding::new(&path, "unreadable")
            .found(found::by_system(&error))
            .hint(COPIES),
    })?;
    if sizes.sha256 != object.sha256 {
        return Err(altered(&object.sha256, format!("SHA-256 {}", sizes.sha256)));
    }
    inflated(place, object, &sizes)
}

/// Whether it inflated to what was backed up.
pub(crate) fn inflated(place: &dyn Place, object: &Object, sizes: &Sizes) -> Result<(), Finding> {
    if sizes.raw_sha256 == object.raw_sha256 && sizes.raw_bytes == object.raw_bytes {
        return Ok(());
    }
    Err(
        Finding::new(&place.path(&object.file), "not what was backed up")
            .expected(format!(
                "{} bytes inflated, SHA-256 {}",
                object.raw_bytes, object.raw_sha256
            ))
            .found(format!(
                "{} bytes, SHA-256 {}",
                sizes.raw_bytes, sizes.raw_sha256
            ))
            .hint("use another backup"),
    )
}

/// Opens a file that must have a size.
pub(crate) fn open_sized(
    place: &dyn Place,
    name: &str,
    bytes: u64,
    hint: &str,
) -> Result<Box<dyn Stored>, Finding> {
    let path = place.path(name);
    let file = place.get(name).map_err(|error| {
        irregular::finding(&path, &error).unwrap_or_else(|| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            Finding::new(&path, if missing { "missing" } else { "unreadable" })
                .expected(format!("a file of {bytes} bytes"))
                .found(found::by_system(&error))
                .hint(hint)
        })
    })?;
    let problem = match file.size().cmp(&bytes) {
        std::cmp::Ordering::Equal => return Ok(file),
        std::cmp::Ordering::Less => "cut short",
        std::cmp::Ordering::Greater => "altered",
    };
    Err(Finding::new(&path, problem)
        .expected(format!("{bytes} bytes"))
        .found(format!("{} bytes", file.size()))
        .hint(hint))
}
