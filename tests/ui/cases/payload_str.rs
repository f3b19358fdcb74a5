use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn log(event: &str) {
    println!("{event}");
}

fn main() {}
