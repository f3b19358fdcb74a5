//! What is measured, and beside what.

mod asend;
mod bodies;
pub(crate) mod clock;
mod parse;
mod receivers;
mod send;

/// Does something so many times.
pub(crate) type Work = Box<dyn FnMut(u32)>;

/// One thing that this crate does, and the least that anybody could do instead.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) ours: Work,
    pub(crate) floor: Work,
    /// How many things one round of ours does, and one of the floor.
    pub(crate) per_round: [u32; 2],
    pub(crate) goal: Goal,
    /// What another thread does all the while.
    pub(crate) meanwhile: Option<fn()>,
}

/// The most that ours may take.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// So many times the floor.
    Times(f64),
    /// So many nanoseconds more than the floor.
    Nanoseconds(f64),
}

impl Subject {
    fn new(
        name: impl Into<String>,
        goal: Goal,
        ours: impl FnMut() + 'static,
        floor: impl FnMut() + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            ours: repeated(ours),
            floor: repeated(floor),
            per_round: [1, 1],
            goal,
            meanwhile: None,
        }
    }

    /// Counts the things that a round does.
    fn per_round(self, ours: usize, floor: usize) -> Self {
        let count = |count: usize| u32::try_from(count).expect("not many");
        Self {
            per_round: [ours, floor].map(count),
            ..self
        }
    }

    /// Has another thread do this meanwhile.
    fn meanwhile(self, work: fn()) -> Self {
        Self {
            meanwhile: Some(work),
            ..self
        }
    }
}

/// Nothing stands between the loop and what it repeats.
fn repeated(mut work: impl FnMut() + 'static) -> Work {
    Box::new(move |times| {
        for _ in 0..times {
            work();
        }
    })
}

/// All of them.
pub(crate) fn all() -> Vec<Subject> {
    receivers::check();
    let mut all = parse::subjects();
    all.extend(send::subjects());
    all.extend(asend::subjects());
    all
}
