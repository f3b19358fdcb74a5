use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn log<T: std::fmt::Display>(event: &T) {
    println!("{event}");
}

fn main() {}
