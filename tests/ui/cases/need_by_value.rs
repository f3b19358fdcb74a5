use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

struct Pool<D>(D);

#[receiver(TICK)]
fn log(_event: &u32, _pool: Pool<Vec<u8>>) {}

fn main() {}
