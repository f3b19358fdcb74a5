//! The rows of the benchmarks, each with its baseline.

mod asend;
mod bodies;
pub(crate) mod clock;
mod parse;
mod receivers;
mod send;

/// A function that repeats an operation this number of times.
pub(crate) type Work = Box<dyn FnMut(u32)>;

/// An operation of this crate, and the least work that could replace it.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) operation: Work,
    pub(crate) baseline: Work,
    /// The number of items that one operation handles: of this crate, and of the baseline.
    pub(crate) per_round: [u32; 2],
    pub(crate) goal: Goal,
    /// The work of another thread during the measurement.
    pub(crate) meanwhile: Option<fn()>,
}

/// The limit of this crate.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// A multiple of the baseline.
    Times(f64),
    /// Nanoseconds over the baseline.
    Nanoseconds(f64),
}

impl Subject {
    fn new(
        name: impl Into<String>,
        goal: Goal,
        operation: impl FnMut() + 'static,
        baseline: impl FnMut() + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            operation: repeated(operation),
            baseline: repeated(baseline),
            per_round: [1, 1],
            goal,
            meanwhile: None,
        }
    }

    /// Sets the numbers of items that one operation handles.
    fn per_round(self, operation: usize, baseline: usize) -> Self {
        let count = |count: usize| u32::try_from(count).expect("a small count");
        Self {
            per_round: [operation, baseline].map(count),
            ..self
        }
    }

    /// Sets the work of another thread.
    fn meanwhile(self, work: fn()) -> Self {
        Self {
            meanwhile: Some(work),
            ..self
        }
    }
}

/// Repeats an operation in a loop without an indirect call.
fn repeated(mut work: impl FnMut() + 'static) -> Work {
    Box::new(move |times| {
        for _ in 0..times {
            work();
        }
    })
}

/// Returns all subjects.
pub(crate) fn all() -> Vec<Subject> {
    receivers::check();
    let mut all = parse::subjects();
    all.extend(send::subjects());
    all.extend(asend::subjects());
    all
}
