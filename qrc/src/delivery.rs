//! The queue from the session to a watch. Its bound counts changes, not events: one push may bring one change or
//! forty thousand.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The session's end of the queue.
#[derive(Debug)]
pub(crate) struct EventSender<E> {
    events: mpsc::UnboundedSender<Delivered<E>>,
    places: Arc<Semaphore>,
    limit: u32,
}

/// The watch's end of the queue. Dropping it frees all places and ends the watch.
#[derive(Debug)]
pub(crate) struct EventReceiver<E> {
    events: mpsc::UnboundedReceiver<Delivered<E>>,
}

/// Knows whether the watch still takes events; does not keep the queue open.
#[derive(Debug)]
pub(crate) struct WeakEventSender<E>(mpsc::WeakUnboundedSender<Delivered<E>>);

/// An event and the places that it occupies until it is taken.
type Delivered<E> = (E, Permit);

/// Places in the queue for one event.
#[derive(Debug)]
pub(crate) struct Permit(
    #[expect(dead_code, reason = "given back when dropped")] OwnedSemaphorePermit,
);

/// A queue with `limit` places, at least 1 and at most `u32::MAX`.
pub(crate) fn channel<E>(limit: usize) -> (EventSender<E>, EventReceiver<E>) {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX).max(1);
    let (sender, receiver) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(limit as usize));
    (
        EventSender {
            events: sender,
            places,
            limit,
        },
        EventReceiver { events: receiver },
    )
}

impl<E> EventSender<E> {
    /// Waits until `count` places are free and takes them: at least one, and all of them for an event that needs
    /// more than there are.
    pub(crate) async fn permit(&self, count: usize) -> Option<Permit> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places);
        let permit = places.acquire_many_owned(count.clamp(1, self.limit)).await;
        permit.ok().map(Permit)
    }

    /// Sends an event. False: the watch has ended.
    pub(crate) fn send(&self, event: E, permit: Permit) -> bool {
        self.events.send((event, permit)).is_ok()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Waits until the watch has ended.
    pub(crate) async fn closed(&self) {
        self.events.closed().await;
    }

    pub(crate) fn downgrade(&self) -> WeakEventSender<E> {
        WeakEventSender(self.events.downgrade())
    }
}

impl<E> Clone for EventSender<E> {
    fn clone(&self) -> Self {
        Self {
            events: self.events.clone(),
            places: self.places.clone(),
            limit: self.limit,
        }
    }
}

impl<E> WeakEventSender<E> {
    pub(crate) fn is_closed(&self) -> bool {
        self.0.upgrade().is_none_or(|events| events.is_closed())
    }
}

impl<E> EventReceiver<E> {
    pub(crate) async fn next(&mut self) -> Option<E> {
        let (event, _permit) = self.events.recv().await?;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// A permit for `count` places, if that many are free at once.
    fn permit(sender: &EventSender<usize>, count: usize) -> Option<Permit> {
        match pin!(sender.permit(count)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => permit,
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_by_its_places_and_they_are_free_again_when_it_is_taken() {
        let (sender, mut receiver) = channel(10);
        assert!(sender.send(4, permit(&sender, 4).unwrap()));
        assert!(sender.send(6, permit(&sender, 6).unwrap()));
        // An event without changes takes a place, too.
        assert!(permit(&sender, 0).is_none());
        assert_eq!(receiver.next().await, Some(4));
        assert!(permit(&sender, 5).is_none());
        assert!(permit(&sender, 4).is_some());
        // An event with more changes than places waits for all places, not for ever.
        assert!(permit(&sender, 11).is_none());
        assert_eq!(receiver.next().await, Some(6));
        assert!(sender.send(11, permit(&sender, 11).unwrap()));
        assert!(permit(&sender, 1).is_none());
        assert_eq!(receiver.next().await, Some(11));
        drop(sender);
        assert_eq!(receiver.next().await, None);
    }

    #[tokio::test]
    async fn a_receiver_that_is_gone_holds_nobody_up() {
        let (sender, receiver) = channel(1);
        let weak = sender.downgrade();
        assert!(sender.send(1, permit(&sender, 1).unwrap()));
        assert!(!weak.is_closed());
        drop(receiver);
        assert!(weak.is_closed() && sender.is_closed());
        assert!(!sender.send(2, permit(&sender, 1).unwrap()));
    }
}
