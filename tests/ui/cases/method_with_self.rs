use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

struct Counter;

impl Counter {
    #[receiver(TICK)]
    fn count(&self, _event: &u32) {}
}

fn main() {}
