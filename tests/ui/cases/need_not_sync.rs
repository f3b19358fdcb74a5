use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
async fn log(_event: &u32, _count: &std::cell::Cell<u32>) {}

fn main() {}
