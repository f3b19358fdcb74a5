use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, priority = 1)]
fn log(_event: &u32) {}

fn main() {}
