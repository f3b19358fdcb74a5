use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
const LOG: fn(&u32) = log;

fn log(_event: &u32) {}

fn main() {}
