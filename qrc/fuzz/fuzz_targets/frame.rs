//! Any bytes in any portions: no panic, no frame with a NUL or over the limit, and the same frames
//! as from the bytes at once.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use qrc::FrameCodec;
use tokio_util::codec::{Decoder, Encoder};

const LIMIT: usize = 48;

/// Feeds the portions. Returns the frames, and whether the stream went on to its end.
fn frames<'a>(portions: impl Iterator<Item = &'a [u8]>) -> (Vec<Bytes>, bool) {
    let mut codec = FrameCodec::new(LIMIT);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for portion in portions {
        buffer.extend_from_slice(portion);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
    }
    let _ = codec.decode_eof(&mut buffer);
    (frames, true)
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else {
        return;
    };
    let (at_once, ended_well) = frames(std::iter::once(bytes));
    let (in_portions, also) = frames(bytes.chunks(usize::from(*size).max(1)));
    assert_eq!(at_once, in_portions);
    assert_eq!(ended_well, also);

    let mut again = BytesMut::new();
    let mut codec = FrameCodec::new(LIMIT);
    for frame in &at_once {
        assert!(!frame.contains(&0) && frame.len() <= LIMIT);
        codec.encode(frame, &mut again).expect("memory takes all");
    }
    let (reread, _) = frames(std::iter::once(&again[..]));
    assert_eq!(at_once, reread);
});
