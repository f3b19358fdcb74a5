use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

static LINE: Signal<String> = Signal::new("line");

#[receiver([TICK, LINE])]
fn log(event: &u32) {
    println!("{event}");
}

fn main() {}
