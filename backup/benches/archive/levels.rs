//! What the levels cost and save on a day file, pressed as the archive presses it: members of 1 MiB, one thread.

use std::path::Path;
use std::time::Instant;

use libdeflater::{CompressionLvl, Compressor};

/// Prints seconds and bytes for each level.
pub(crate) fn table(file: &Path) {
    let raw = std::fs::read(file).unwrap();
    println!("| level | s of one core | bytes | of the file |\n| --- | --- | --- | --- |");
    for level in CompressionLvl::iter() {
        let begun = Instant::now();
        let mut bytes = 0;
        for block in raw.chunks(1 << 20) {
            let mut press = Compressor::new(level);
            let mut out = vec![0; press.deflate_compress_bound(block.len())];
            bytes += press.deflate_compress(block, &mut out).unwrap();
        }
        println!(
            "| {level:?} | {:.2} | {bytes} | {:.1} % |",
            begun.elapsed().as_secs_f64(),
            bytes as f64 * 100.0 / raw.len() as f64
        );
    }
}
