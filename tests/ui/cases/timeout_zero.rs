use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, timeout = 0)]
async fn log(_event: &u32) {}

fn main() {}
