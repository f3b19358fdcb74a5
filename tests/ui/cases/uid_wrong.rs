use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, uid = 9)]
fn log(_event: &u32) {}

fn main() {}
