//! Where the chain of an archive's records ends: the next one follows there, in whatever file and history.

use crate::archive::format::manifest::{self, Manifest, Shipped};
use crate::archive::format::segment::{self, Link, Mark};
use crate::archive::place::interface::Place;
use crate::error::Result;

/// The last record, as the files say it, or, where a backup made them superfluous, as the manifests do.
pub(super) fn end(place: &dyn Place) -> Result<Shipped> {
    let mut end = Shipped {
        number: 0,
        mark: Mark::default().text(),
        bytes: 0,
    };
    let manifests = place.list("")?.into_iter();
    for name in manifests.filter(|name| Manifest::id_of(name).is_some()) {
        if let Ok((manifest, _)) = manifest::read(place, &name)
            && let Some(shipped) = manifest.shipped
            && shipped.number > end.number
        {
            end = shipped;
        }
    }
    // Files are numbered in their order, so that the last one with a record has the last record.
    for (_, name) in segment::files(place)?.into_iter().rev() {
        // What cannot be read is shipped again.
        let Ok(records) = segment::records(place, &name, 0) else {
            continue;
        };
        let last = records
            .flatten()
            .filter_map(|record| Some((record.link()?.number, record)))
            .max_by_key(|(number, _)| *number);
        let Some((number, record)) = last else {
            continue;
        };
        if number > end.number {
            let mut bytes = vec![0; record.length];
            let mark = place
                .get(&name)
                .and_then(|file| file.read_at(record.offset, &mut bytes))
                .map_or(Mark::default(), |()| Mark::of(&bytes));
            end = Shipped {
                number,
                mark: mark.text(),
                bytes: 0,
            };
        }
        break;
    }
    Ok(end)
}

/// What the next record says of its place.
pub(super) fn next(end: &Shipped) -> (u64, Mark) {
    (end.number + 1, Mark::parse(&end.mark).unwrap_or_default())
}

/// A record that was appended.
pub(super) fn after(link: Link, record: &[u8]) -> Shipped {
    Shipped {
        number: link.number,
        mark: Mark::of(record).text(),
        bytes: 0,
    }
}
