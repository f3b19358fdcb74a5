use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

/// Not a function.
#[receiver(TICK)]
struct Log {
    sink: fn(&u32),
}

fn main() {}
