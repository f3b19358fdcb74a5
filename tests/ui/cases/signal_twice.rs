use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver([TICK, TICK])]
fn count(_tick: &u32) {}

fn main() {}
