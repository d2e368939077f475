//! The fault bench: which faults are on, what is due now, and what happens to the next frame. No I/O, no clock.

use std::time::Duration;

use crate::faults::{Fault, FaultKind};

/// What the Core must do now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Due {
    Drop(Duration),
    Stall(Duration),
    Restart(Duration),
    Failover(Duration),
    /// A number of control changes.
    Flood(u32),
}

/// What happens to a reply before it is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyFate {
    Goes,
    Swallowed,
    /// Held until the next reply, or until this moment.
    Held(Duration),
}

/// How a frame goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Treatment {
    pub(crate) delay: Duration,
    /// Pieces of this many bytes; Some(0): of random sizes.
    pub(crate) split: Option<usize>,
    pub(crate) coalesce: Duration,
}

/// How often a flood makes its changes.
const FLOOD_STEP: Duration = Duration::from_millis(10);

/// The bytes before a number. The quotes prevent a match inside a text.
const VALUE: &[u8] = b"\"Value\":";

#[derive(Debug)]
struct Running {
    fault: Fault,
    /// When the present window begins, or when the fault strikes next.
    begins: Duration,
    seen: u64,
    hits: u64,
    /// Flood: up to when its changes have been made.
    flooded: Duration,
}

impl Running {
    fn is_spent(&self) -> bool {
        self.fault.times.is_some_and(|times| self.hits >= times)
    }

    /// Whether the fault is on. Moves on to the window that `now` is in.
    fn is_on(&mut self, now: Duration) -> bool {
        if self.is_spent() || now < self.begins {
            return false;
        }
        if let Some(period) = self.fault.period {
            while now >= self.begins + period {
                self.begins += period;
                self.flooded = self.flooded.max(self.begins);
            }
        }
        self.fault
            .lasting
            .is_none_or(|lasting| now < self.begins + lasting)
    }

    /// Whether the fault hits this frame.
    fn hits(&mut self, now: Duration, random: &mut fastrand::Rng) -> bool {
        if !self.is_on(now) {
            return false;
        }
        self.seen += 1;
        if self
            .fault
            .nth
            .is_some_and(|nth| !self.seen.is_multiple_of(nth.max(1)))
            || (self.fault.chance < 1.0 && random.f64() >= self.fault.chance)
        {
            return false;
        }
        self.hits += 1;
        true
    }
}

/// The faults of one Core.
#[derive(Debug)]
pub(crate) struct Bench {
    running: Vec<Running>,
    pub(crate) random: fastrand::Rng,
    done: u64,
}

impl Bench {
    pub(crate) fn new(seed: u64) -> Bench {
        Bench {
            running: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            done: 0,
        }
    }

    pub(crate) fn add(&mut self, now: Duration, fault: Fault) {
        let begins = now + fault.after;
        self.running.push(Running {
            fault,
            begins,
            seen: 0,
            hits: 0,
            flooded: begins,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.done = self.hits();
        self.running.clear();
    }

    /// How often faults have struck, including faults that were cleared.
    pub(crate) fn hits(&self) -> u64 {
        self.done + self.running.iter().map(|running| running.hits).sum::<u64>()
    }

    /// When [`Bench::take_due`] next has something.
    pub(crate) fn next_due(&self, now: Duration) -> Option<Duration> {
        let next = |running: &Running| match running.fault.kind {
            _ if running.is_spent() => None,
            ref kind if kind.is_moment() => Some(running.begins),
            FaultKind::Flood(_) => Some(running.begins.max(now + FLOOD_STEP)),
            _ => None,
        };
        self.running.iter().filter_map(next).min()
    }

    /// What is due now.
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<Due> {
        let mut due = Vec::new();
        for running in &mut self.running {
            if running.is_spent() || now < running.begins {
                continue;
            }
            if let FaultKind::Flood(rate) = running.fault.kind {
                if running.is_on(now) {
                    let passed = now.saturating_sub(running.flooded).as_secs_f64();
                    let count = (passed * f64::from(rate)) as u32;
                    if count > 0 {
                        running.flooded +=
                            Duration::from_secs_f64(f64::from(count) / f64::from(rate));
                        running.hits += 1;
                        due.push(Due::Flood(count));
                    }
                }
                continue;
            }
            due.push(match running.fault.kind {
                FaultKind::Drop(time) => Due::Drop(time),
                FaultKind::Stall(time) => Due::Stall(time),
                FaultKind::Restart(time) => Due::Restart(time),
                FaultKind::Failover(time) => Due::Failover(time),
                _ => continue,
            });
            running.hits += 1;
            match running.fault.period {
                // A bench that was late does not make up for the moments it missed.
                Some(period) => {
                    let next = running.begins + period;
                    running.begins = if next <= now { now + period } else { next };
                }
                None => running.fault.times = Some(running.hits),
            }
        }
        due
    }

    /// What happens to a reply to `method`.
    pub(crate) fn reply(&mut self, now: Duration, method: &str) -> ReplyFate {
        for running in &mut self.running {
            match &running.fault.kind {
                FaultKind::Swallow(only) => {
                    let meant = only.as_deref().is_none_or(|only| only == method);
                    if meant && running.hits(now, &mut self.random) {
                        return ReplyFate::Swallowed;
                    }
                }
                FaultKind::Reorder(longest) => {
                    let until = now + *longest;
                    if running.hits(now, &mut self.random) {
                        return ReplyFate::Held(until);
                    }
                }
                _ => {}
            }
        }
        ReplyFate::Goes
    }

    /// Spoils a frame if a fault asks for it: with a byte that JSON cannot contain, or with null for a number.
    pub(crate) fn spoil(&mut self, now: Duration, frame: &mut Vec<u8>) {
        for running in &mut self.running {
            if running.fault.kind == FaultKind::Garble {
                if frame.len() > 1 && running.hits(now, &mut self.random) {
                    let at = self.random.usize(..frame.len() - 1);
                    frame[at] = 1;
                }
            } else if running.fault.kind == FaultKind::Null {
                let values = memchr::memmem::find_iter(frame, VALUE).map(|at| at + VALUE.len());
                let values: Vec<usize> = values.collect();
                if !values.is_empty() && running.hits(now, &mut self.random) {
                    let from = values[self.random.usize(..values.len())];
                    let rest = frame[from..].iter();
                    let length = rest.take_while(|byte| !b",}".contains(byte)).count();
                    frame.splice(from..from + length, *b"null");
                }
            }
        }
    }

    /// How the next frame goes out.
    pub(crate) fn treat(&mut self, now: Duration) -> Treatment {
        let mut treatment = Treatment::default();
        for running in &mut self.running {
            let is_treatment = matches!(
                running.fault.kind,
                FaultKind::Delay(..) | FaultKind::Split(_) | FaultKind::Coalesce(_)
            );
            if !is_treatment || !running.hits(now, &mut self.random) {
                continue;
            }
            match running.fault.kind {
                FaultKind::Delay(low, high) => {
                    treatment.delay += low + (high - low).mul_f64(self.random.f64());
                }
                FaultKind::Split(size) => treatment.split = Some(size),
                FaultKind::Coalesce(time) => treatment.coalesce += time,
                _ => {}
            }
        }
        treatment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn bench(fault: &str) -> Bench {
        let mut bench = Bench::new(1);
        bench.add(at(100), fault.parse().unwrap());
        bench
    }

    #[test]
    fn moments_come_when_they_are_due_and_not_again() {
        let mut bench = bench("drop@after=5s");
        assert_eq!(bench.next_due(at(100)), Some(at(105)));
        assert_eq!(bench.take_due(at(104)), []);
        assert_eq!(bench.take_due(at(105)), [Due::Drop(Duration::ZERO)]);
        assert_eq!(bench.take_due(at(200)), []);
        assert_eq!(bench.next_due(at(200)), None);
    }

    #[test]
    fn periods_repeat_until_their_times_are_up() {
        let mut bench = bench("restart=1s@after=5s,every=10s,times=2");
        assert_eq!(bench.take_due(at(105)), [Due::Restart(at(1))]);
        assert_eq!(bench.next_due(at(105)), Some(at(115)));
        assert_eq!(bench.take_due(at(115)), [Due::Restart(at(1))]);
        assert_eq!(bench.next_due(at(115)), None);
        assert_eq!(bench.hits(), 2);
    }

    #[test]
    fn a_flood_brings_its_rate_for_its_time() {
        let mut bench = bench("flood=1000@for=2s");
        assert_eq!(bench.take_due(at(101)), [Due::Flood(1000)]);
        assert_eq!(bench.take_due(at(103)), []);
    }

    #[test]
    fn each_nth_reply_of_the_method_is_swallowed() {
        let mut bench = bench("swallow=NoOp@every=2");
        let mut fate = |method| bench.reply(at(100), method);
        assert_eq!(fate("NoOp"), ReplyFate::Goes);
        assert_eq!(fate("StatusGet"), ReplyFate::Goes);
        assert_eq!(fate("NoOp"), ReplyFate::Swallowed);
    }

    #[test]
    fn a_garbled_frame_is_never_json() {
        let mut bench = bench("garble");
        for _ in 0..200 {
            let mut frame = b"{\"jsonrpc\":\"2.0\",\"result\":[-6.0,\"a\"],\"id\":17}\0".to_vec();
            bench.spoil(at(100), &mut frame);
            let (text, end) = frame.split_at(frame.len() - 1);
            assert_eq!(end, b"\0");
            assert!(serde_json::from_slice::<serde_json::Value>(text).is_err());
        }
    }

    #[test]
    fn a_null_takes_the_place_of_a_number() {
        let mut bench = bench("null@times=1");
        let mut frame =
            b"{\"Name\":\"\\\"Value\\\":1\",\"Value\":-6.0,\"Position\":0.5}\0".to_vec();
        bench.spoil(at(100), &mut frame);
        assert_eq!(
            String::from_utf8(frame).unwrap(),
            "{\"Name\":\"\\\"Value\\\":1\",\"Value\":null,\"Position\":0.5}\0"
        );
    }

    #[test]
    fn windows_come_again() {
        let mut bench = bench("split=1@every=10s,for=2s");
        for (moment, split) in [(105, None), (110, Some(1)), (113, None), (121, Some(1))] {
            assert_eq!(bench.treat(at(moment)).split, split, "at {moment}");
        }
    }
}
