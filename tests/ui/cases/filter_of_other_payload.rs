use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK, filter = is_long)]
fn log(_event: &u32) {}

fn is_long(line: &String) -> bool {
    line.len() > 9
}

fn main() {}
