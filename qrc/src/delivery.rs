//! The way from the session to a watch, bounded in changes: one push may bring a single one or forty thousand.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The session's end.
#[derive(Debug)]
pub(crate) struct Teller<E> {
    events: mpsc::UnboundedSender<Delivered<E>>,
    room: Arc<Semaphore>,
    limit: u32,
}

/// The watch's end. Dropping it makes room for everything, and ends the watch.
#[derive(Debug)]
pub(crate) struct Listener<E> {
    events: mpsc::UnboundedReceiver<Delivered<E>>,
}

/// Tells whether a watch still lives, without keeping it open.
#[derive(Debug)]
pub(crate) struct WeakTeller<E>(mpsc::WeakUnboundedSender<Delivered<E>>);

/// An event and the room it takes until it is taken.
type Delivered<E> = (E, Room);

/// Room for an event.
#[derive(Debug)]
pub(crate) struct Room(
    #[expect(dead_code, reason = "given back when dropped")] OwnedSemaphorePermit,
);

/// A way with room for so many changes.
pub(crate) fn channel<E>(limit: usize) -> (Teller<E>, Listener<E>) {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX).max(1);
    let (teller, listener) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(limit as usize));
    (
        Teller {
            events: teller,
            room,
            limit,
        },
        Listener { events: listener },
    )
}

impl<E> Teller<E> {
    /// Waits for so many places. What takes more than there are waits for all of them.
    pub(crate) async fn room(&self, places: usize) -> Option<Room> {
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room);
        let permit = room.acquire_many_owned(places.clamp(1, self.limit)).await;
        permit.ok().map(Room)
    }

    /// Passes an event on. False where the watch has ended meanwhile.
    pub(crate) fn tell(&self, event: E, room: Room) -> bool {
        self.events.send((event, room)).is_ok()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Waits until the watch has ended.
    pub(crate) async fn closed(&self) {
        self.events.closed().await;
    }

    pub(crate) fn downgrade(&self) -> WeakTeller<E> {
        WeakTeller(self.events.downgrade())
    }
}

impl<E> Clone for Teller<E> {
    fn clone(&self) -> Self {
        Self {
            events: self.events.clone(),
            room: self.room.clone(),
            limit: self.limit,
        }
    }
}

impl<E> WeakTeller<E> {
    pub(crate) fn is_closed(&self) -> bool {
        self.0.upgrade().is_none_or(|events| events.is_closed())
    }
}

impl<E> Listener<E> {
    pub(crate) async fn next(&mut self) -> Option<E> {
        let (event, _room) = self.events.recv().await?;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Room for so many places, if there is some at once.
    fn room(teller: &Teller<usize>, places: usize) -> Option<Room> {
        match pin!(teller.room(places)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(room) => room,
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_by_its_places_and_room_comes_back_when_it_is_taken() {
        let (teller, mut listener) = channel(10);
        assert!(teller.tell(4, room(&teller, 4).unwrap()));
        assert!(teller.tell(6, room(&teller, 6).unwrap()));
        // Even what brings nothing takes a place.
        assert!(room(&teller, 0).is_none());
        assert_eq!(listener.next().await, Some(4));
        assert!(room(&teller, 5).is_none());
        assert!(room(&teller, 4).is_some());
        // More than there are places waits for all of them, and not for ever.
        assert!(room(&teller, 11).is_none());
        assert_eq!(listener.next().await, Some(6));
        assert!(teller.tell(11, room(&teller, 11).unwrap()));
        assert!(room(&teller, 1).is_none());
        assert_eq!(listener.next().await, Some(11));
        drop(teller);
        assert_eq!(listener.next().await, None);
    }

    #[tokio::test]
    async fn an_end_that_is_gone_holds_nobody_up() {
        let (teller, listener) = channel(1);
        let weak = teller.downgrade();
        assert!(teller.tell(1, room(&teller, 1).unwrap()));
        assert!(!weak.is_closed());
        drop(listener);
        assert!(weak.is_closed() && teller.is_closed());
        assert!(!teller.tell(2, room(&teller, 1).unwrap()));
    }
}
