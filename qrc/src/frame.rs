//! Bytes to frames and back. A frame is one JSON text and one NUL; this module reads no JSON and
//! has no socket.

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// Splits a byte stream at each NUL and writes a NUL after each frame.
///
/// A frame longer than the limit ends the stream with [`FrameError::TooLong`]; otherwise the rest
/// of it would pass for the next frame. Frames of blanks only are skipped.
#[derive(Debug, Clone)]
pub struct FrameCodec {
    limit: usize,
    /// How many bytes at the front of the buffer are known to hold no NUL.
    scanned: usize,
}

/// Why a stream of frames ended.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A frame is longer than the limit.
    #[error("a frame is longer than the limit of {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The link failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl FrameCodec {
    /// A codec for frames of at most `limit` bytes, without the NUL.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, scanned: 0 }
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        loop {
            let Some(at) = memchr::memchr(0, &buffer[self.scanned..]) else {
                self.scanned = buffer.len();
                if buffer.len() > self.limit {
                    return Err(FrameError::TooLong { limit: self.limit });
                }
                return Ok(None);
            };
            let end = self.scanned + at;
            self.scanned = 0;
            if end > self.limit {
                return Err(FrameError::TooLong { limit: self.limit });
            }
            let frame = buffer.split_to(end).freeze();
            buffer.advance(1);
            if !frame.trim_ascii().is_empty() {
                return Ok(Some(frame));
            }
        }
    }

    /// A text without its NUL is no frame: what is left at the end is dropped.
    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let frame = self.decode(buffer)?;
        if frame.is_none() {
            buffer.clear();
            self.scanned = 0;
        }
        Ok(frame)
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: T, buffer: &mut BytesMut) -> Result<(), FrameError> {
        let frame = frame.as_ref();
        buffer.reserve(frame.len() + 1);
        buffer.extend_from_slice(frame);
        buffer.extend_from_slice(&[0]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(codec: &mut FrameCodec, buffer: &mut BytesMut) -> Vec<Bytes> {
        std::iter::from_fn(|| codec.decode(buffer).unwrap()).collect()
    }

    #[test]
    fn frames_end_at_nul_and_blank_ones_are_passed_over() {
        let mut codec = FrameCodec::new(100);
        let mut buffer = BytesMut::from(&b"{}\0\0 \r\n\0[1]\n\0{\"ha"[..]);
        assert_eq!(all(&mut codec, &mut buffer), [&b"{}"[..], b"[1]\n"]);
        assert_eq!(&buffer[..], b"{\"ha");
    }

    #[test]
    fn a_frame_over_the_limit_ends_the_stream_with_or_without_its_nul() {
        for bytes in [&b"12345"[..], b"12345\0"] {
            let mut codec = FrameCodec::new(4);
            let error = codec.decode(&mut BytesMut::from(bytes)).unwrap_err();
            assert!(matches!(error, FrameError::TooLong { limit: 4 }));
        }
        let mut codec = FrameCodec::new(4);
        assert_eq!(
            all(&mut codec, &mut BytesMut::from(&b"1234\0"[..])),
            [&b"1234"[..]]
        );
    }

    proptest! {
        #[test]
        fn any_split_of_any_frames_gives_the_same_frames(
            frames in proptest::collection::vec("[ -~äß]{1,40}", 0..8),
            cuts in proptest::collection::vec(0_usize..400, 0..12),
        ) {
            let frames: Vec<_> = frames.into_iter().filter(|f| !f.trim().is_empty()).collect();
            let mut wire = BytesMut::new();
            let mut codec = FrameCodec::new(1000);
            for frame in &frames {
                codec.encode(frame, &mut wire).unwrap();
            }
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(wire.len())).collect();
            cuts.extend([0, wire.len()]);
            cuts.sort_unstable();
            let mut buffer = BytesMut::new();
            let mut found = Vec::new();
            for pair in cuts.windows(2) {
                buffer.extend_from_slice(&wire[pair[0]..pair[1]]);
                found.extend(all(&mut codec, &mut buffer));
            }
            let found: Vec<_> = found.iter().map(|f| std::str::from_utf8(f).unwrap()).collect();
            prop_assert_eq!(found, frames);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut codec = FrameCodec::new(50);
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = codec.decode(&mut buffer) {}
        }
    }
}
