use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

const NONE: u32 = 0;

#[receiver(TICK, attempts = 0)]
fn log(_event: &u32) {}

#[receiver(TICK, attempts = NONE)]
fn log_again(_event: &u32) {}

fn main() {}
