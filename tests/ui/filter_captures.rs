use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, filter = |event| *event > 9)]
fn log(_event: &u32) {}

fn main() {}
