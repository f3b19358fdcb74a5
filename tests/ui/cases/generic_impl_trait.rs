use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn log(event: &impl std::fmt::Display) {
    println!("{event}");
}

fn main() {}
