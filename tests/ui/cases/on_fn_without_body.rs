use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

trait Count {
    #[receiver(TICK)]
    fn count(event: &u32);
}

fn main() {}
