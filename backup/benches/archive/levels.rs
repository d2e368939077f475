//! What gzip's levels cost and save on a day file, pressed as the archive presses it: members of 1 MiB, one thread.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Prints seconds and bytes for each level.
pub(crate) fn table(file: &Path) {
    let raw = std::fs::read(file).unwrap();
    println!("| level | s of one core | bytes | of the file |\n| --- | --- | --- | --- |");
    for level in 1..=9 {
        let begun = Instant::now();
        let mut bytes = 0;
        for block in raw.chunks(1 << 20) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(block).unwrap();
            bytes += encoder.finish().unwrap().len();
        }
        println!(
            "| {level} | {:.2} | {bytes} | {:.1} % |",
            begun.elapsed().as_secs_f64(),
            bytes as f64 * 100.0 / raw.len() as f64
        );
    }
}
