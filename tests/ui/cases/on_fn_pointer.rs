use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
type Log = fn(&u32);

fn main() {}
