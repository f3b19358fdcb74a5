use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn double(_event: &u32) -> i32 {
    2
}

fn main() {}
