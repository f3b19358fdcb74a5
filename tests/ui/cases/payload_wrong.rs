use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn log(event: &String) {
    println!("{event}");
}

#[receiver(TICK, filter = |line| line.is_empty())]
async fn archive(_line: &String, _prefix: &u64) {}

fn main() {}
