use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, filter = "odd")]
fn log(_event: &u32) {}

#[receiver(TICK, filter = |n| n + 1)]
fn count(_event: &u32) {}

fn main() {}
