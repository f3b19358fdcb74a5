use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

struct Log;

#[receiver(TICK)]
impl Log {
    fn log(_event: &u32) {}
}

fn main() {}
