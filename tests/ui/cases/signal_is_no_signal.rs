use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(MAX)]
fn log(_event: &u32) {}

static MAX: u32 = 9;

fn main() {}
