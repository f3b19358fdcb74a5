use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(String)]
fn log(_event: &String) {}

fn main() {}
