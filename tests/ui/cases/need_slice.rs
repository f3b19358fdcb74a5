use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn log(_event: &u32, _numbers: &[u32]) {}

fn main() {}
