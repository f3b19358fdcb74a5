//! Lists that a thread keeps from one send to the next.
//!
//! A send holds its list alive while other threads may replace it. With `arc_swap` that
//! takes two atomic read-modify-write operations, which are slower than the rest of a
//! send to one receiver. A thread that owns an `Arc` of the list needs none.
//!
//! A kept list is freed when the thread ends or keeps another list in its place. So only
//! lists are kept whose receivers own nothing: no code runs when they are dropped, and
//! nothing depends on the time.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

/// A list and its address.
struct Kept {
    address: usize,
    list: Arc<dyn Any + Send + Sync>,
}

/// The place of a list among those of a thread; its address selects one.
type Place = RefCell<Option<Kept>>;

const PLACES: usize = 16;

thread_local! {
    static KEPT: [Place; PLACES] = const { [const { Place::new(None) }; PLACES] };
}

#[inline]
fn place(places: &[Place; PLACES], address: usize) -> &Place {
    // Lists are allocated, with at least 64 bytes each.
    &places[(address / 64) % PLACES]
}

/// Calls `hit` with the list that has this address, if the thread has kept it, or else
/// `miss`.
#[inline]
pub(super) fn with<L: Send + Sync + 'static, R>(
    address: usize,
    hit: impl FnOnce(&L) -> R,
    miss: impl Fn() -> R,
) -> R {
    let with = |places: &[Place; PLACES]| {
        // Borrowed while receivers run: a send within the send may read the list as
        // well, and keeps no other in its place.
        if let Ok(kept) = place(places, address).try_borrow()
            && let Some(kept) = &*kept
            && kept.address == address
            && let Some(list) = kept.list.downcast_ref()
        {
            return hit(list);
        }
        miss()
    };
    // A thread that ends keeps nothing.
    KEPT.try_with(with).unwrap_or_else(|_| miss())
}

/// Keeps a list, unless its place is in use.
pub(super) fn keep<L: Send + Sync + 'static>(list: Arc<L>) {
    let address = Arc::as_ptr(&list).addr();
    let _ended = KEPT.try_with(|places| {
        if let Ok(mut kept) = place(places, address).try_borrow_mut() {
            *kept = Some(Kept { address, list });
        }
    });
}
