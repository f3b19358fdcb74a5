use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, attempts = "3")]
async fn log(_event: &u32) {}

fn main() {}
