use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

static TOCK: Signal<u32> = Signal::new("tock");

#[receiver(TICK, TOCK)]
fn log(_event: &u32) {}

fn main() {}
