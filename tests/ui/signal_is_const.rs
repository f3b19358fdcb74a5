use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TOCK)]
fn log(_event: &u32) {}

const TOCK: Signal<u32> = Signal::new("tock");

fn main() {}
