use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver("tick")]
fn log(_event: &u32) {}

fn main() {}
